/* edit: see edit.h. */
#include "edit.h"

#include "doc_line.h"

#include <string.h>

static bool
is_editable(const struct rule_run *run)
{
	return run->load != NULL &&
	    doc_note_find(&run->load->doc, DOC_NOTE_UTF16) == NULL;
}

bool
edit_is_own(const struct derpmap_origin *from)
{
	return from->value != NULL && from->value->kind != DOC_ALIAS &&
	    from->value->props->anchor == NULL &&
	    (from->how & (DERPMAP_MERGED | DERPMAP_ALIASED)) == 0;
}

static void
add(struct rule_run *run, struct finding *f, struct doc_pos start,
    struct doc_pos end, const char *text)
{
	struct arena *arena = run->out->arena;
	struct finding_edit *e;

	/* a finding that is not kept needs none */
	if (!is_editable(run) || f == &run->scratch)
		return;
	e = arena_alloc(arena, 1, sizeof *e);
	if (e != NULL)
		e->text = arena_text(arena, text, strlen(text));
	if (e == NULL || e->text == NULL) {
		run->out->failed = true;
		return;
	}
	e->start = start;
	e->end = end;
	e->next = f->edit;
	f->edit = e;
}

void
edit_value(struct rule_run *run, struct finding *f,
    const struct derpmap_origin *from, const char *text)
{
	const struct doc_node *n = from->value;

	if (edit_is_own(from) && n->kind == DOC_SCALAR &&
	    n->props->tag == NULL && n->style <= DOC_DOUBLE &&
	    n->end.offset > n->start.offset)
		add(run, f, n->start, n->end, text);
}

/* Whether YAML reads the text as itself, wherever it is: a name with a dot
 * that cannot be a number, an IPv4 address, or none. */
static bool
is_plain(struct slice text)
{
	bool letter = false;

	if (slice_is(text, "none"))
		return true;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool is_letter =
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		letter |= is_letter && c != 'e' && c != 'E';
		if (!is_letter && !(c >= '0' && c <= '9') && c != '.' &&
		    c != '-')
			return false;
	}
	/* a number has one dot, an address three */
	return text.n > 0 && text.p[0] != '-' && text.p[0] != '.' &&
	    memchr(text.p, '.', text.n) != NULL &&
	    (letter ||
		memchr(text.p, '.', text.n) != memrchr(text.p, '.', text.n));
}

/* Whether the text is the name of a field, and so no word of YAML. */
static bool
is_name(struct slice text)
{
	for (enum derpmap_level level = DERPMAP_LEVEL_MAP;
	     level <= DERPMAP_LEVEL_NODE; level++) {
		struct derpmap_fields fields = derpmap_fields(level);

		for (size_t i = 0; i < fields.n; i++)
			if (slice_is(text, fields.v[i].yaml) ||
			    slice_is(text, fields.v[i].json))
				return true;
	}
	return false;
}

static bool
is_quotable(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] >= 0x7f ||
		    strchr("\"'\\", text.p[i]) != NULL)
			return false;
	return text.n > 0;
}

/* Appends the text in the style of the node; false: it cannot be. */
static bool
write_styled(struct writer *w, const struct doc_node *n, struct slice text)
{
	const char *quote = n->style == DOC_SINGLE ? "'" : "\"";

	if (!is_quotable(text) || n->style > DOC_DOUBLE)
		return false;
	if (n->style == DOC_PLAIN && (is_plain(text) || is_name(text)))
		quote = "";
	writer_printf(
	    w, "%s%.*s%s", quote, (int)text.n, (const char *)text.p, quote);
	return !w->failed;
}

void
edit_text(struct rule_run *run, struct finding *f,
    const struct derpmap_origin *from, struct slice text)
{
	char styled[512];
	struct writer w = writer_of(styled, sizeof styled - 1);

	if (!edit_is_own(from) || from->value->kind != DOC_SCALAR ||
	    !write_styled(&w, from->value, text))
		return;
	styled[w.n] = '\0';
	edit_value(run, f, from, styled);
}

void
edit_key(struct rule_run *run, struct finding *f, const struct doc_node *key,
    const char *name)
{
	char styled[64];
	struct writer w = writer_of(styled, sizeof styled - 1);

	if (key == NULL || key->kind != DOC_SCALAR ||
	    key->props->anchor != NULL || key->props->tag != NULL ||
	    key->end.offset <= key->start.offset ||
	    !write_styled(&w, key, slice_str(name)))
		return;
	styled[w.n] = '\0';
	add(run, f, key->start, key->end, styled);
}

static enum doc_line_form
form_of(const struct rule_run *run)
{
	return run->load->dialect == DIALECT_JSON ? DOC_LINE_JSON
						  : DOC_LINE_YAML;
}

static size_t
line_start(const struct rule_run *run, size_t offset)
{
	return doc_line_start(run->load->text, offset, form_of(run));
}

/* How the line at the offset ends; the last one as the one before it. */
static struct slice
line_end(const struct rule_run *run, size_t offset)
{
	const enum doc_line_form form = form_of(run);
	struct slice text = run->load->text;
	size_t at = doc_line_end(text, offset, form);
	size_t n = doc_line_break(text, at, form);

	if (n == 0) {
		at = line_start(run, offset);
		n = doc_line_break_before(text, at, form);
		at -= n;
	}
	if (n == 0)
		return slice_str("\n");
	/* in JSON a CR is a blank, but it belongs to the end all the same */
	if (at > 0 && text.p[at] == '\n' && text.p[at - 1] == '\r')
		return slice_of(text.p + at - 1, n + 1);
	return slice_of(text.p + at, n);
}

/* Whether nothing but blanks, and dashes if they may be, is before the key on
 * its line. */
static bool
begins_line(const struct rule_run *run, const struct doc_node *key, bool dashes)
{
	const struct slice text = run->load->text;

	for (size_t i = line_start(run, key->start.offset);
	     i < key->start.offset; i++)
		if (text.p[i] != ' ' && !(dashes && text.p[i] == '-') &&
		    !(!dashes && text.p[i] == '\t'))
			return false;
	return key->kind == DOC_SCALAR && key->props->anchor == NULL &&
	    key->props->tag == NULL;
}

/* Writes what leads to the key on its line, dashes as blanks. */
static void
write_indent(
    struct writer *w, const struct rule_run *run, const struct doc_node *key)
{
	const struct slice text = run->load->text;

	for (size_t i = line_start(run, key->start.offset);
	     i < key->start.offset; i++)
		writer_u8(w, text.p[i] == '-' ? ' ' : text.p[i]);
}

/* Before the first key; after a name that comes first, as people write it. */
static void
add_to_block(struct rule_run *run, struct finding *f,
    const struct doc_node *owner, const char *member)
{
	const struct doc_node *key = owner->items[0];
	struct slice end;
	char line[512];
	struct writer w = writer_of(line, sizeof line - 1);

	if (owner->count > 1 && key->kind == DOC_SCALAR &&
	    slice_is_nocase(key->text, "name") &&
	    begins_line(run, owner->items[2], false))
		key = owner->items[2];
	if (!begins_line(run, key, true))
		return;
	end = line_end(run, key->start.offset);
	writer_printf(&w, "%s", member);
	writer_bytes(&w, end.p, end.n);
	write_indent(&w, run, key);
	line[w.n] = '\0';
	if (!w.failed)
		add(run, f, key->start, key->start, line);
}

static void
add_to_flow(struct rule_run *run, struct finding *f,
    const struct doc_node *owner, const char *member)
{
	const struct doc_node *key = owner->count > 0 ? owner->items[0] : NULL;
	struct doc_pos inside = owner->start;
	struct slice end;
	char line[512];
	struct writer w = writer_of(line, sizeof line - 1);

	if (key == NULL) {
		doc_pos_advance(&inside, run->load->text,
		    owner->start.offset + 1, form_of(run));
		add(run, f, inside, inside, member);
		return;
	}
	writer_printf(&w, "%s,", member);
	if (key->start.line == owner->start.line) {
		writer_u8(&w, ' ');
	} else {
		if (!begins_line(run, key, false))
			return;
		end = line_end(run, owner->start.offset);
		writer_bytes(&w, end.p, end.n);
		write_indent(&w, run, key);
	}
	line[w.n] = '\0';
	if (!w.failed && key->props->anchor == NULL && key->props->tag == NULL)
		add(run, f, key->start, key->start, line);
}

void
edit_add(struct rule_run *run, struct finding *f,
    const struct derpmap_origin *owner, const char *name, const char *value)
{
	const bool json = run->load->dialect == DIALECT_JSON;
	const struct doc_node *n = owner->value;
	char member[256];
	struct writer w = writer_of(member, sizeof member - 1);

	if (!edit_is_own(owner) || n->kind != DOC_MAPPING || !is_editable(run))
		return;
	writer_printf(&w, json ? "\"%s\": %s" : "%s: %s", name, value);
	member[w.n] = '\0';
	if (w.failed)
		return;
	if (n->style == DOC_FLOW)
		add_to_flow(run, f, n, member);
	else if (n->count > 0)
		add_to_block(run, f, n, member);
}

/* A place at or before the offset, from one after it: the start of the later
 * one's line, or of the text when the offset is not on that line. */
static struct doc_pos
line_pos(const struct rule_run *run, struct doc_pos later, size_t offset)
{
	const struct slice text = run->load->text;
	const enum doc_line_form form = form_of(run);
	size_t at = later.offset;

	while (at > offset && doc_line_break_before(text, at, form) == 0)
		at--;
	if (at > offset)
		return (struct doc_pos){ .line = 1, .column = 1 };
	return (struct doc_pos){ later.line, 1, (uint32_t)line_start(run, at) };
}

void
edit_span(struct rule_run *run, struct finding *f, size_t offset, size_t len,
    const char *text)
{
	/* the text is walked once when the edits come in its order */
	struct doc_pos start = f->edit != NULL ? f->edit->end : f->at, end;

	if (start.offset > offset)
		start = line_pos(run, f->at, offset);
	doc_pos_advance(&start, run->load->text, offset, form_of(run));
	end = start;
	doc_pos_advance(&end, run->load->text, offset + len, form_of(run));
	add(run, f, start, end, text);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Reads no more of the text than what may go: all elements may be on one line.
 */
void
edit_remove_element(
    struct rule_run *run, struct finding *f, const struct doc_node *value)
{
	struct slice text = run->load->text;
	size_t start = f->at.offset, end = start, line_break;
	bool has_dash = false;

	if (value == NULL || value->kind != DOC_SCALAR ||
	    value->props->anchor != NULL || run->load->dialect == DIALECT_JSON)
		return;
	while (start > 0 &&
	    (is_blank(text.p[start - 1]) ||
		(text.p[start - 1] == '-' && !has_dash)))
		has_dash |= text.p[--start] == '-';
	if (!has_dash ||
	    (start > 0 &&
		doc_line_break_before(text, start, form_of(run)) == 0) ||
	    text.n - end < value->text.n ||
	    !slice_eq(slice_of(text.p + end, value->text.n), value->text))
		return;
	end += value->text.n;
	while (end < text.n && is_blank(text.p[end]))
		end++;
	line_break = doc_line_break(text, end, DOC_LINE_YAML);
	if (end == text.n || line_break > 0)
		edit_span(run, f, start, end + line_break - start, "");
}
