/* place: see place.h. */
#include "place.h"

#include "quote.h"

#include <string.h>

/* How much of an excerpt is before the place. */
#define BEFORE 80

static bool
is_name(struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return text.n > 0;
}

static void
put_key(struct writer *w, const struct doc_node *key)
{
	char quoted[QUOTE_TEXT];

	if (key->kind != DOC_SCALAR)
		writer_printf(w, "[?]");
	else if (is_name(key->text))
		writer_printf(w, "%s%.*s", w->n > 0 ? "." : "",
		    (int)key->text.n, (const char *)key->text.p);
	else
		writer_printf(w, "[%s]", quote_text(quoted, key->text));
}

static bool
is_collection(const struct doc_node *n)
{
	return n->kind == DOC_MAPPING || n->kind == DOC_SEQUENCE;
}

/* Whether nothing is written for the value. */
static bool
is_absent(const struct doc_node *n)
{
	return n->kind == DOC_SCALAR && n->style == DOC_PLAIN && n->text.n == 0;
}

/* Whether the offset names the element itself and not its first key. */
static bool
is_element(
    const struct doc_node *n, const struct doc_node *parent, size_t offset)
{
	return parent != NULL && parent->kind == DOC_SEQUENCE &&
	    n->kind == DOC_MAPPING && n->start.offset == offset &&
	    !(n->count > 0 && n->style == DOC_BLOCK && is_absent(n->items[1]));
}

struct doc_pos
place_node_end(const struct doc_node *node)
{
	while (is_collection(node) && node->style == DOC_BLOCK &&
	    node->count > 0) {
		size_t n =
		    node->kind == DOC_MAPPING ? 2 * node->count : node->count;
		const struct doc_node *last = node->items[n - 1];

		if (is_absent(last) && node->kind == DOC_MAPPING)
			last = node->items[n - 2];
		node = last;
	}
	return node->end.line != 0 ? node->end : node->start;
}

static void
set_node(struct place *p, const struct doc_node *n, size_t offset)
{
	struct doc_pos end = place_node_end(n);

	if (n->start.offset > offset ||
	    (n->start.offset < offset && end.offset <= offset))
		return;
	p->node = n;
	p->end = end;
}

void
place_finder_init(struct place_finder *finder, struct arena *arena,
    const struct doc_node *root)
{
	*finder = (struct place_finder){ .arena = arena, .root = root };
}

/* Goes up to where the way to the offset and the one before part. A node that
 * begins at the offset may be the place itself. */
static void
go_up(struct place_finder *finder, size_t offset)
{
	while (finder->n > 0) {
		const struct place_level *top = &finder->levels[finder->n - 1];

		if (top->start <= offset && offset < top->limit &&
		    top->node->start.offset != offset)
			return;
		finder->n--;
	}
}

static int
reserve(struct place_finder *finder)
{
	const size_t cap = finder->cap == 0 ? 16 : 2 * finder->cap;
	struct place_level *levels;

	if (finder->n < finder->cap)
		return 0;
	levels = arena_alloc(finder->arena, cap, sizeof *levels);
	if (levels == NULL)
		return -1;
	if (finder->n > 0)
		memcpy(levels, finder->levels, finder->n * sizeof *levels);
	finder->levels = levels;
	finder->cap = cap;
	return 0;
}

/* Adds what leads from the last level to the item; SIZE_MAX: it is too long. */
static size_t
write_path(struct place_finder *finder, const struct doc_node *n, size_t index)
{
	const size_t before =
	    finder->n > 0 ? finder->levels[finder->n - 1].path_n : 0;
	struct writer w = writer_of(finder->path, PLACE_PATH - 1);

	if (before == SIZE_MAX)
		return SIZE_MAX;
	w.n = before;
	if (n->kind == DOC_SEQUENCE)
		writer_printf(&w, "[%zu]", index);
	else
		put_key(&w, n->items[index / 2 * 2]);
	return w.failed ? SIZE_MAX : w.n;
}

/* Goes down from the collection to the item. */
static int
go_down(struct place_finder *finder, const struct doc_node *n, size_t index)
{
	const size_t items = n->kind == DOC_MAPPING ? 2 * n->count : n->count;
	const size_t outer =
	    finder->n > 0 ? finder->levels[finder->n - 1].limit : SIZE_MAX;
	struct place_level level = { .node = n,
		.index = index,
		.start = n->items[index]->start.offset,
		.limit = outer };

	if (index + 1 < items && n->items[index + 1]->start.offset < outer)
		level.limit = n->items[index + 1]->start.offset;
	if (reserve(finder) == -1)
		return -1;
	level.path_n = write_path(finder, n, index);
	finder->levels[finder->n++] = level;
	return 0;
}

/* Whether the last level leads to a key, below which nothing is looked for. */
static bool
is_at_key(const struct place_finder *finder)
{
	const struct place_level *top;

	if (finder->n == 0)
		return false;
	top = &finder->levels[finder->n - 1];
	return top->node->kind == DOC_MAPPING && top->index % 2 == 0;
}

int
place_find(struct place *p, struct place_finder *finder, size_t offset,
    bool as_element)
{
	const struct doc_node *n = finder->root, *parent = NULL;
	size_t path_n = 0;

	*p = (struct place){ .node = NULL };
	go_up(finder, offset);
	if (finder->n > 0) {
		parent = finder->levels[finder->n - 1].node;
		n = parent->items[finder->levels[finder->n - 1].index];
	}
	while (n != NULL && is_collection(n) && !is_at_key(finder) &&
	    !(as_element && is_element(n, parent, offset))) {
		size_t until = doc_items_until(n, offset);

		if (until == 0)
			break;
		if (go_down(finder, n, until - 1) == -1)
			return -1;
		parent = n;
		n = n->items[until - 1];
	}
	if (n != NULL)
		set_node(p, n, offset);
	if (finder->n > 0)
		path_n = finder->levels[finder->n - 1].path_n;
	if (path_n != SIZE_MAX)
		memcpy(p->path, finder->path, path_n);
	return 0;
}

static bool
is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

static bool
is_line_end(uint8_t c)
{
	return c == '\n' || c == '\r';
}

struct slice
place_excerpt(struct slice text, struct doc_pos at, unsigned *column)
{
	size_t start = at.offset < text.n ? at.offset : text.n, end = start;
	size_t begin = start;

	while (start > 0 && begin - start < BEFORE &&
	    !is_line_end(text.p[start - 1]))
		start--;
	while (start < begin && is_continuation(text.p[start]))
		start++;
	while (end < text.n && end - start < PLACE_EXCERPT &&
	    !is_line_end(text.p[end]))
		end++;
	while (end < text.n && end > begin && is_continuation(text.p[end]))
		end--;
	*column = at.column;
	for (size_t i = start; i<begin && * column> 1; i++)
		*column -= !is_continuation(text.p[i]);
	return slice_of(text.p + start, end - start);
}

const char *
place_excerpt_text(
    struct arena *a, struct slice text, struct doc_pos at, unsigned *column)
{
	static const char symbol[] = "\xe2\x90\x80"; /* U+2400 */
	struct slice line = place_excerpt(text, at, column);
	char room[PLACE_EXCERPT * (sizeof symbol - 1)];
	struct writer w = writer_of(room, sizeof room);
	struct slice part;

	while (slice_cut(line, '\0', &part, &line)) {
		writer_bytes(&w, part.p, part.n);
		writer_bytes(&w, symbol, sizeof symbol - 1);
	}
	writer_bytes(&w, part.p, part.n);
	return arena_text(a, room, w.n);
}
