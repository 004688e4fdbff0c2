/* doc_yaml: any bytes. What was read can be walked, with places in order. */
#include "fuzz.h"

#include "doc_yaml.h"
#include "fuzz_doc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(DOC_ARENA_MAX);
	struct fail why = { .text = "" };
	struct doc d;

	if (a == NULL)
		return 0;
	if (doc_yaml_read(&d, a, slice_of(data, n), &why) == -1)
		fuzz_doc_error(&d, &why);
	else if (d.root != NULL)
		fuzz_doc_walk(d.root);
	arena_free(a);
	return 0;
}
