/* A map put into a policy file: what comes out is a policy file again, putting
 * it in a second time changes nothing, and all bytes around the value of
 * derpMap are those of the first file. */
#include "fuzz.h"

#include "diff.h"
#include "load.h"
#include "policy_text.h"

#include <string.h>

#define OUTPUT_MAX ((size_t)64 << 20)

static const char map_text[] =
    "regions: {900: {regionid: 900, nodes: [{name: a, hostname: h}]}}\n";

/* The bytes of derpMap's value, which is there once. */
static struct slice
value_of(const struct load *l, struct slice text)
{
	const struct doc_node *root = l->doc.root;

	for (size_t i = 0; i < root->count; i++)
		if (root->items[2 * i]->text.n == strlen("derpMap") &&
		    slice_is_nocase(root->items[2 * i]->text, "derpMap")) {
			const struct doc_node *v = root->items[2 * i + 1];

			return slice_of(text.p + v->start.offset,
			    v->end.offset - v->start.offset);
		}
	return slice_of(text.p, 0);
}

/* Reads the file as a policy; its map is the one that was put in. */
static void
check_map(struct slice text, const struct derpmap *m)
{
	const struct load_how how = { .form = LOAD_JSON, .as_meant = true };
	struct fail why = { .text = "" };
	struct diff d;
	struct load l;

	if (load_text_as(&l, "x", text, &how, &why) == -1)
		return; /* memory */
	FUZZ_CHECK(l.doc.root != NULL);
	if (l.kind.map != NULL && value_of(&l, text).n > 0 &&
	    l.kind.kind == FILEKIND_POLICY && diff_make(&d, &l.map, m) == 0) {
		FUZZ_CHECK(!diff_any(&d));
		diff_clear(&d);
	}
	load_close(&l);
}

static void
check_put(struct slice policy, const struct derpmap *m)
{
	struct fail why = { .text = "" };
	struct policy_text_kept kept;
	struct buf once, twice;

	buf_init(&once, OUTPUT_MAX);
	buf_init(&twice, OUTPUT_MAX);
	if (policy_text_put(&once, policy, m, &kept, &why) == 0) {
		FUZZ_CHECK(policy_text_put(
			       &twice, buf_slice(&once), m, &kept, &why) == 0);
		FUZZ_CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
		if (!kept.omit_default_regions && !kept.home_params)
			check_map(buf_slice(&once), m);
	} else {
		FUZZ_CHECK(why.text[0] != '\0');
		FUZZ_CHECK(buf_len(&once) == 0);
	}
	buf_clear(&once);
	buf_clear(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fail why = { .text = "" };
	struct load map;

	if (load_text(&map, "m", slice_str(map_text), LOAD_HEADSCALE, &why) ==
	    -1)
		return 0;
	check_put(slice_of(data, n), &map.map);
	load_close(&map);
	return 0;
}
