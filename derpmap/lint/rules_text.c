/* rules_text: judgements about the text: its form, its characters, documents in
 * it and what the reader could not read. */
#include "rules.h"

#include "utf8.h"

#include <string.h>

#define BOM "\xef\xbb\xbf"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A place in the text from its offset, by counting. */
static struct doc_pos
place_of(struct slice text, size_t offset)
{
	struct doc_pos at = { .line = 1, .column = 1, .offset = offset };

	/* a byte order mark has no column */
	for (size_t i = slice_starts(text, BOM) ? strlen(BOM) : 0;
	     i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if ((text.p[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

void
rules_json_in_paths(struct lint *l)
{
	struct slice text = l->load->text, inside;
	size_t at = slice_starts(text, BOM) ? strlen(BOM) : 0;

	while (at < text.n && is_blank(text.p[at]))
		at++;
	if (at == text.n || text.p[at] != '{')
		return;
	inside = slice_trim(slice_of(text.p + at + 1, text.n - at - 1));
	if (slice_starts(inside, "\""))
		lint_found(l, place_of(text, at),
		    "this is JSON: headscale reads files in derp.paths as "
		    "YAML with lower-case keys and bare region ids, so it "
		    "comes to an empty map or an error")
		    ->fix = "derpmap convert --from json --to headscale";
}

/* Spaces that are none for YAML: U+00A0, U+2000 to U+200B, U+202F, U+205F,
 * U+3000. */
static bool
is_odd_space(uint32_t code)
{
	return code == 0xa0 || (code >= 0x2000 && code <= 0x200b) ||
	    code == 0x202f || code == 0x205f || code == 0x3000;
}

void
rules_odd_space(struct lint *l)
{
	struct slice rest = l->load->text;
	bool indent = true; /* nothing but spaces on this line so far */

	while (rest.n > 0) {
		size_t at = l->load->text.n - rest.n;
		uint32_t code = 0;
		size_t n = utf8_next(rest, &code);

		if (indent && n > 0 && is_odd_space(code)) {
			lint_found(l, place_of(l->load->text, at),
			    "the line is indented with U+%04X, which looks "
			    "like a space and is part of the key: headscale "
			    "does not see what you see",
			    code)
			    ->fix = "indent with plain spaces";
			return;
		}
		indent =
		    code == '\n' || (indent && (code == ' ' || code == '-'));
		n = n > 0 ? n : 1;
		rest = slice_of(rest.p + n, rest.n - n);
	}
}

static void
note(struct lint *l, enum doc_note_kind kind, const char *message,
    const char *fix)
{
	const struct doc_note *n;

	for (n = l->load->doc.notes; n != NULL; n = n->next)
		if (n->kind == kind)
			lint_found(l, n->at, "%s", message)->fix = fix;
}

void
rules_multi_doc(struct lint *l)
{
	note(l, DOC_NOTE_SECOND_DOCUMENT,
	    "only the first document of a file is read; what follows is "
	    "ignored",
	    "keep one document per file");
}

void
rules_leading_empty_doc(struct lint *l)
{
	note(l, DOC_NOTE_EMPTY_FIRST,
	    "the first document is empty, and it is the only one that "
	    "headscale reads",
	    "remove the extra ---");
}

void
rules_bom(struct lint *l)
{
	note(l, DOC_NOTE_BOM,
	    "the file starts with a byte order mark: fine for YAML, fatal "
	    "once it is served as JSON",
	    NULL);
}

void
rules_ignored_text(struct lint *l)
{
	const struct derpmap_remark *r;

	note(l, DOC_NOTE_IGNORED_TEXT,
	    "what follows is not part of the map: headscale drops it without "
	    "a word",
	    "indent it like what is above, or remove it");
	for (r = l->load->map.remarks; r != NULL; r = r->next)
		if (r->kind == DERPMAP_NULL_KEY)
			lint_found(l, r->at, "%s", r->text)->fix =
			    "give it the region's id";
}

/* Finds the reader's error when it is one of this kind. */
static void
syntax(struct lint *l, enum doc_error error, const char *fix)
{
	const struct doc *d = &l->load->doc;

	if (d->error == error)
		lint_found(l, d->error_at, "%s", d->error_text)->fix = fix;
}

void
rules_tab_indent(struct lint *l)
{
	syntax(l, DOC_TAB, "indent with spaces");
}

void
rules_directive(struct lint *l)
{
	syntax(l, DOC_DIRECTIVE, "remove the line that begins with %");
}

/* Go's JSON decoder takes such bytes and makes each one U+FFFD. */
static void
bad_json_bytes(struct lint *l)
{
	struct slice rest = l->load->text;
	size_t n = 1;

	while (rest.n > 0 && n > 0) {
		n = utf8_next(rest, NULL);
		rest = slice_of(rest.p + n, rest.n - n);
	}
	if (rest.n > 0)
		lint_found(l, place_of(l->load->text, l->load->text.n - rest.n),
		    "this byte is not UTF-8: the program reads it as U+FFFD")
		    ->fix = "save the file as UTF-8";
}

void
rules_encoding(struct lint *l)
{
	const struct doc_note *utf16;

	syntax(l, DOC_ENCODING,
	    "save the file as UTF-8 without a byte order mark");
	utf16 = doc_note_find(&l->load->doc, DOC_NOTE_UTF16);
	if (utf16 != NULL)
		lint_found_as(l, SEVERITY_INFO, utf16->at,
		    "the file is UTF-16: headscale reads it, few others do")
		    ->fix = "save the file as UTF-8";
	if (l->load->dialect == DIALECT_JSON)
		bad_json_bytes(l);
}

void
rules_json_syntax(struct lint *l)
{
	syntax(l, DOC_SYNTAX, NULL);
}

void
rules_syntax(struct lint *l)
{
	if (l->load->dialect == DIALECT_HEADSCALE)
		syntax(l, DOC_SYNTAX, NULL);
	syntax(l, DOC_LIMIT, NULL);
}
