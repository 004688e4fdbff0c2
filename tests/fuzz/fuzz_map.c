/* The way of a map, in both dialects: text to document to map, and back. The
 * first byte chooses the dialect. What is accepted comes to the same map again
 * after it was written, in either form. */
#include "fuzz.h"

#include "encode_map.h"
#include "load.h"

#define OUTPUT_MAX ((size_t)64 << 20)

/* Reads the text and checks that it comes to the same JSON. */
static void
check_same(struct slice text, enum load_form form, struct slice json)
{
	struct fail why = { .text = "" };
	struct buf again;
	struct load l;

	buf_init(&again, OUTPUT_MAX);
	if (load_text(&l, "x", text, form, &why) == 0) {
		FUZZ_CHECK(load_accepted(&l));
		FUZZ_CHECK(encode_map_json(&again, &l.map, &why) == 0);
		FUZZ_CHECK(slice_eq(buf_slice(&again), json));
		load_close(&l);
	}
	buf_clear(&again);
}

static void
check_round_trips(const struct derpmap *m)
{
	struct fail why = { .text = "" };
	struct buf yaml, json;

	buf_init(&yaml, OUTPUT_MAX);
	buf_init(&json, OUTPUT_MAX);
	if (encode_map_yaml(&yaml, m, &why) == 0 &&
	    encode_map_json(&json, m, &why) == 0 &&
	    buf_len(&yaml) <= DOC_TEXT_MAX && buf_len(&json) <= DOC_TEXT_MAX) {
		check_same(buf_slice(&yaml), LOAD_HEADSCALE, buf_slice(&json));
		check_same(buf_slice(&json), LOAD_JSON, buf_slice(&json));
	}
	buf_clear(&yaml);
	buf_clear(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fail why = { .text = "" };
	enum load_form form;
	struct load l;

	if (n == 0)
		return 0;
	form = data[0] == 'j' ? LOAD_JSON : LOAD_HEADSCALE;
	if (load_text(&l, "x", slice_of(data + 1, n - 1), form, &why) == -1)
		return 0;
	for (const struct derpmap_diagnostic *r = l.map.diagnostics; r != NULL;
	     r = r->next) {
		FUZZ_CHECK(r->at.line >= 1 && r->text[0] != '\0');
		FUZZ_CHECK(!r->refuses || l.map.refused);
	}
	if (load_accepted(&l))
		check_round_trips(&l.map);
	load_close(&l);
	return 0;
}
