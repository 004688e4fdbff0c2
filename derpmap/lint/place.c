/* place: see place.h. */
#include "place.h"

#include "quote.h"

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

/* How many nodes of the collection are at or before the offset. */
static size_t
count_until(const struct doc_node *n, size_t offset)
{
	size_t low = 0, high = n->kind == DOC_MAPPING ? 2 * n->count : n->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->items[middle]->start.offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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
place_find(struct place *p, const struct doc_node *root, size_t offset,
    bool as_element)
{
	struct writer w = writer_of(p->path, sizeof p->path - 1);
	const struct doc_node *n = root, *parent = NULL;

	*p = (struct place){ .node = NULL };
	while (n != NULL && is_collection(n) &&
	    !(as_element && is_element(n, parent, offset))) {
		size_t until = count_until(n, offset);
		bool is_key = n->kind == DOC_MAPPING && until % 2 == 1;

		if (until == 0)
			break;
		if (n->kind == DOC_SEQUENCE)
			writer_printf(&w, "[%zu]", until - 1);
		else
			put_key(&w, n->items[(until - 1) / 2 * 2]);
		parent = n;
		n = n->items[until - 1];
		if (is_key)
			break;
	}
	if (n != NULL)
		set_node(p, n, offset);
	p->path[w.failed ? 0 : w.n] = '\0';
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
