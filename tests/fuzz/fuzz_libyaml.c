/* libyaml as a second reader of maps: what it reads as our reader does is told
 * by nobody; where it rejects, or reads otherwise, what headscale accepts, rule
 * P32 says so. The two trees are written out here and compared as text, apart
 * from how the rule compares them. */
#include "fuzz.h"

#include "buf.h"
#include "lint.h"
#include "load.h"

#include <yaml.h>

#include <string.h>

#define TREE_MAX ((size_t)256 << 20)
#define DEPTH_MAX 2000 /* deeper trees are not compared */

static void
put(struct buf *out, char kind, struct slice text)
{
	FUZZ_CHECK(buf_printf(out, "%c%zu:", kind, text.n) == 0);
	FUZZ_CHECK(text.n == 0 || buf_append(out, text.p, text.n) == 0);
}

/* Writes our tree; false: it is too deep. */
static bool
put_node(struct buf *out, const struct doc_node *n, unsigned depth)
{
	const size_t items = n->kind == DOC_MAPPING ? 2 * n->count : n->count;

	if (depth == DEPTH_MAX)
		return false;
	if (n->kind == DOC_SCALAR || n->kind == DOC_ALIAS) {
		put(out, n->kind == DOC_SCALAR ? '=' : '*', n->text);
		return true;
	}
	put(out, n->kind == DOC_MAPPING ? '{' : '[', slice_str(""));
	for (size_t i = 0; i < items; i++)
		if (!put_node(out, n->items[i], depth + 1))
			return false;
	put(out, '.', slice_str(""));
	return true;
}

/* Writes one event; how it changes the depth. */
static int
put_event(struct buf *out, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		put(out, '=',
		    slice_of(
			event->data.scalar.value, event->data.scalar.length));
		return 0;
	case YAML_ALIAS_EVENT:
		put(out, '*',
		    slice_str((const char *)event->data.alias.anchor));
		return 0;
	case YAML_MAPPING_START_EVENT:
		put(out, '{', slice_str(""));
		return 1;
	case YAML_SEQUENCE_START_EVENT:
		put(out, '[', slice_str(""));
		return 1;
	default:
		put(out, '.', slice_str(""));
		return -1;
	}
}

/* Writes what libyaml reads as the first document; false: it rejects it before
 * its end. */
static bool
put_events(struct buf *out, yaml_parser_t *parser)
{
	bool started = false;
	int depth = 0;

	do {
		yaml_event_t event;
		yaml_event_type_t type;

		if (yaml_parser_parse(parser, &event) == 0)
			return false;
		type = event.type;
		if (started)
			depth += put_event(out, &event);
		yaml_event_delete(&event);
		if (!started && type == YAML_STREAM_END_EVENT)
			return true;
		if (type == YAML_DOCUMENT_START_EVENT && !started)
			started = true;
		else if (started && depth == 0)
			return true;
	} while (depth >= 0);
	return true;
}

static bool
is_read_alike(const struct load *l, bool *comparable)
{
	struct buf ours, theirs;
	yaml_parser_t parser;
	bool same = false;

	buf_init(&ours, TREE_MAX);
	buf_init(&theirs, TREE_MAX);
	*comparable = put_node(&ours, l->doc.root, 0);
	FUZZ_CHECK(yaml_parser_initialize(&parser) == 1);
	yaml_parser_set_input_string(&parser, l->text.p, l->text.n);
	if (*comparable && put_events(&theirs, &parser))
		same = slice_eq(buf_slice(&ours), buf_slice(&theirs));
	yaml_parser_delete(&parser);
	buf_clear(&ours);
	buf_clear(&theirs);
	return same;
}

static bool
has_p32(const struct load *l)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct findings list;
	bool found = false;

	FUZZ_CHECK(a != NULL);
	findings_init(&list, a);
	lint_run(l, &list);
	FUZZ_CHECK(!list.failed);
	for (const struct finding *f = list.first; f != NULL; f = f->next)
		found |= strcmp(f->rule, "P32") == 0;
	arena_free(a);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fail why = { .text = "" };
	bool comparable, alike;
	struct load l;

	if (n > 4096 ||
	    load_text(&l, "x", slice_of(data, n), LOAD_HEADSCALE, &why) == -1)
		return 0;
	if (l.doc.error == DOC_OK && l.doc.root != NULL &&
	    l.kind.kind != FILEKIND_CONFIGMAP) {
		alike = is_read_alike(&l, &comparable);
		FUZZ_CHECK(!comparable || alike == !has_p32(&l));
	}
	load_close(&l);
	return 0;
}
