/* doc_json: any bytes. What was read can be walked, with places in order. */
#include "fuzz.h"

#include "doc_json.h"
#include "fuzz_doc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(DOC_ARENA_MAX);
	struct fail why = { .text = "" };
	struct doc d = { .error = DOC_SYNTAX };

	if (a == NULL)
		return 0;
	for (int form = DOC_JSON_STRICT; form <= DOC_JSON_MEMBERS; form++) {
		bool strict = d.error == DOC_OK && form > DOC_JSON_STRICT;

		why = (struct fail){ .text = "" };
		if (doc_json_read_as(&d, a, slice_of(data, n),
			(enum doc_json_form)form, &why) == 0)
			fuzz_doc_walk(d.root);
		else
			fuzz_doc_error(&d, &why);
		/* HuJSON takes all that JSON takes */
		FUZZ_CHECK(form != DOC_JSON_HUMAN || !strict ||
		    d.error == DOC_OK || d.error == DOC_MEMORY);
	}
	arena_free(a);
	return 0;
}
