/* rules_text: judgements about the text: its form, its characters, documents in
 * it and what the reader could not read. */
#include "rule_groups.h"

#include "edit.h"
#include "syntax_hint.h"
#include "texts.h"
#include "utf8.h"

#include <string.h>

#define BOM "\xef\xbb\xbf"

/* A place in the text from its offset, by counting. */
static struct doc_pos
place_of(struct slice text, size_t offset)
{
	struct doc_pos at = {
		.line = 1, .column = 1, .offset = (uint32_t)offset
	};

	/* a byte order mark has no column */
	for (size_t i = slice_starts(text, BOM) ? strlen(BOM) : 0;
	     i < offset && i < text.n; i++) {
		bool cr = text.p[i] == '\r' &&
		    !(i + 1 < text.n && text.p[i + 1] == '\n');

		if (text.p[i] == '\n' || cr) {
			at.line++;
			at.column = 1;
		} else if ((text.p[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* A text that is JSON through and through was read as such, see load.h. */
static void
json_in_paths(struct rule_run *run)
{
	const struct load *l = run->load;

	if (l->form != LOAD_HEADSCALE || l->dialect != DIALECT_JSON ||
	    l->kind.kind == FILEKIND_FRAGMENT ||
	    l->kind.kind == FILEKIND_CONFIGMAP)
		return;
	rule_found(run,
	    l->doc.root != NULL ? l->doc.root->start : (struct doc_pos){ 0 },
	    "this is JSON: headscale reads files in derp.paths as YAML with "
	    "lower-case keys and bare region ids, so it comes to an empty map "
	    "or an error")
	    ->fix = "derpmap convert --to headscale";
}

/* Spaces that YAML does not know as such: U+00A0, U+2000 to U+200B, U+202F,
 * U+205F, U+3000. */
static bool
is_odd_space(uint32_t code)
{
	return code == 0xa0 || (code >= 0x2000 && code <= 0x200b) ||
	    code == 0x202f || code == 0x205f || code == 0x3000;
}

/* Whether the offset is in one of the texts, which are in order; *next is the
 * first that may still hold it. */
static bool
is_in_text(const struct texts *t, size_t *next, size_t offset)
{
	while (*next < t->n && t->v[*next].end <= offset)
		++*next;
	return *next < t->n && t->v[*next].start <= offset;
}

static struct finding *
found_odd_space(struct rule_run *run, size_t at, uint32_t code)
{
	struct finding *f = rule_found(run, place_of(run->load->text, at),
	    "the line is indented with U+%04X, which looks like a space and "
	    "is part of the key: headscale does not see what you see",
	    code);

	f->fix = "indent with plain spaces";
	return f;
}

/* Where the next character that is not ASCII begins. */
static size_t
next_wide(struct slice text, size_t at)
{
	while (at < text.n && text.p[at] < 0x80)
		at++;
	return at;
}

/* Whether there are nothing but spaces and list marks before it on its line. */
static bool
is_indent(struct slice text, size_t at)
{
	while (at > 0 && (text.p[at - 1] == ' ' || text.p[at - 1] == '-'))
		at--;
	return at == 0 || text.p[at - 1] == '\n' || text.p[at - 1] == '\r';
}

static void
odd_space(struct rule_run *run)
{
	struct slice text = run->load->text;
	size_t at = next_wide(text, 0), next = 0;
	struct finding *f = NULL;
	struct texts texts;

	if (at == text.n)
		return;
	if (texts_find(&texts, run->load->doc.root) == -1)
		run->out->failed = true;
	while (at < text.n) {
		uint32_t code = 0;
		size_t n = utf8_next(slice_of(text.p + at, text.n - at), &code);

		if (n > 0 && is_odd_space(code) && is_indent(text, at) &&
		    !is_in_text(&texts, &next, at)) {
			if (f == NULL)
				f = found_odd_space(run, at, code);
			/* one without width is no more than a slip */
			edit_span(run, f, at, n, code == 0x200b ? "" : " ");
		}
		at = next_wide(text, at + (n > 0 ? n : 1));
	}
	texts_clear(&texts);
}

static void
reader_note(struct rule_run *run, enum doc_note_kind kind, const char *message,
    const char *fix)
{
	const struct doc_note *n;

	for (n = run->load->doc.notes; n != NULL; n = n->next)
		if (n->kind == kind)
			rule_found(run, n->at, "%s", message)->fix = fix;
}

static void
multi_doc(struct rule_run *run)
{
	const struct filekind_found *kind = &run->load->kind;

	/* Kubernetes reads every document, and no other file is judged */
	if (kind->kind == FILEKIND_OTHER ||
	    (kind->kind == FILEKIND_CONFIGMAP && kind->map == NULL))
		return;
	reader_note(run, DOC_NOTE_SECOND_DOCUMENT,
	    "only the first document of a file is read; what follows is "
	    "ignored",
	    "keep one document per file");
}

static void
leading_empty_doc(struct rule_run *run)
{
	reader_note(run, DOC_NOTE_EMPTY_FIRST,
	    "the first document is empty, and it is the only one that "
	    "headscale reads",
	    "remove the extra ---");
}

static void
bom(struct rule_run *run)
{
	const struct doc_note *n = doc_note_find(&run->load->doc, DOC_NOTE_BOM);
	struct finding *f;

	if (n == NULL)
		return;
	f = rule_found(run, n->at,
	    "the file starts with a byte order mark: fine for YAML, fatal "
	    "once it is served as JSON");
	f->fix = "save the file as UTF-8 without a byte order mark";
	if (slice_starts(run->load->text, BOM))
		edit_span(run, f, 0, strlen(BOM), "");
}

static void
ignored_text(struct rule_run *run)
{
	reader_note(run, DOC_NOTE_IGNORED_TEXT,
	    "what follows is not part of the map: headscale drops it without "
	    "a word",
	    "indent it like what is above, or remove it");
}

static void
null_key(struct rule_run *run, const struct derpmap_diagnostic *d)
{
	if (d->kind == DERPMAP_NULL_KEY)
		rule_found(run, d->at, "%s", d->text)->fix =
		    "give it the region's id";
}

/* Whether what the file is says why it cannot be read. */
static bool
is_explained(const struct load *l)
{
	return l->kind.kind == FILEKIND_FRAGMENT ||
	    l->kind.kind == FILEKIND_TEMPLATE || l->kind.kind == FILEKIND_HTML;
}

/* Finds the reader's error when it is one of this kind. */
static void
reader_error(struct rule_run *run, enum doc_error error, const char *fix)
{
	const struct doc *d = &run->load->doc;

	if (d->error == error && !is_explained(run->load))
		rule_found(run, d->error_at, "%s", d->error_text)->fix = fix;
}

static void
tab_indent(struct rule_run *run)
{
	reader_error(run, DOC_TAB, "indent with spaces");
}

static void
directive(struct rule_run *run)
{
	reader_error(run, DOC_DIRECTIVE, "remove the line that begins with %");
}

/* Go's JSON decoder takes such bytes and makes each one U+FFFD. */
static void
bad_json_bytes(struct rule_run *run)
{
	struct slice rest = run->load->text;
	size_t n = 1;

	while (rest.n > 0 && n > 0) {
		n = utf8_next(rest, NULL);
		rest = slice_of(rest.p + n, rest.n - n);
	}
	if (rest.n > 0)
		rule_found(run,
		    place_of(run->load->text, run->load->text.n - rest.n),
		    "this byte is not UTF-8: the program reads it as U+FFFD")
		    ->fix = "save the file as UTF-8";
}

/* A control character cannot be seen where it is. */
static void
control_character(struct rule_run *run, uint8_t code)
{
	const struct doc *d = &run->load->doc;

	rule_found(run, d->error_at, "%s, U+%04X", d->error_text, code)->fix =
	    "remove it";
}

static void
encoding(struct rule_run *run)
{
	const struct load *l = run->load;
	const size_t at = l->doc.error_at.offset;
	const struct doc_note *utf16;

	utf16 = doc_note_find(&l->doc, DOC_NOTE_UTF16);
	if (l->doc.error == DOC_ENCODING && utf16 == NULL && at < l->text.n &&
	    (l->text.p[at] < ' ' || l->text.p[at] == 0x7f))
		control_character(run, l->text.p[at]);
	else
		reader_error(run, DOC_ENCODING,
		    "save the file as UTF-8 without a byte order mark");
	if (utf16 != NULL)
		rule_found_as(run, SEVERITY_INFO, utf16->at,
		    "the file is UTF-16: headscale reads it, few others do")
		    ->fix = "save the file as UTF-8";
	if (run->load->dialect == DIALECT_JSON)
		bad_json_bytes(run);
}

static void
json_syntax(struct rule_run *run)
{
	reader_error(run, DOC_SYNTAX, NULL);
}

/* What the slip needs, when some bytes put in are enough. */
static void
set_insertions(
    struct rule_run *run, struct finding *f, const struct syntax_hint *hint)
{
	const struct finding_edit *next = NULL;

	for (size_t i = 2; i-- > 0;) {
		struct finding_edit *edit;

		if (hint->insert_at[i].line == 0)
			continue;
		edit = arena_alloc(run->out->arena, 1, sizeof *edit);
		if (edit == NULL) {
			run->out->failed = true;
			return;
		}
		*edit = (struct finding_edit){ hint->insert_at[i],
			hint->insert_at[i], hint->insert, next };
		next = edit;
	}
	f->edit = next;
}

/* The slip behind the error, or else what the reader says. */
static void
yaml_error(struct rule_run *run)
{
	struct syntax_hint hint;
	struct finding *f;

	if (is_explained(run->load) ||
	    !syntax_hint_find(
		&hint, run->out->arena, run->load->text, &run->load->doc)) {
		reader_error(run, DOC_SYNTAX, NULL);
		return;
	}
	f = rule_found(run, hint.at, "%s", hint.text);
	f->fix = hint.fix;
	set_insertions(run, f, &hint);
}

static void
unreadable(struct rule_run *run)
{
	if (run->load->dialect == DIALECT_HEADSCALE)
		yaml_error(run);
	reader_error(run, DOC_LIMIT, NULL);
}

static const struct rule rules[] = {
	{ "P00", "yaml-syntax", SEVERITY_ERROR, RULE_ANY,
	    { .file = unreadable },
	    "not valid YAML, or beyond a limit of the reader",
	    "Headscale refuses the file and does not start.", RULE_YAML3 },
	{ "P04", "json-in-paths", SEVERITY_ERROR, RULE_JSON,
	    { .file = json_in_paths },
	    "JSON in a file that headscale reads as YAML",
	    "Names in Go's spelling come to an empty map, lower-case ones to "
	    "an error, because \"900\" in quotes is not a number.",
	    RULE_YAML3 "; headscale issues 1418, 180" },
	{ "P13", "tab-indent", SEVERITY_ERROR, RULE_YAML,
	    { .file = tab_indent }, "a tab where YAML wants spaces",
	    "The file is refused.", RULE_YAML3 },
	{ "P14", "nbsp-indent", SEVERITY_ERROR, RULE_YAML,
	    { .file = odd_space },
	    "indented with a space that YAML does not know",
	    "A no-break space is a letter for YAML and becomes part of the "
	    "key: the map comes out empty or a region nil.",
	    RULE_YAML3 },
	{ "P15", "multi-doc", SEVERITY_WARNING, RULE_YAML,
	    { .file = multi_doc }, "more than one document",
	    "Only the first one is read. --- and ... at the start of a line "
	    "end it, even inside a block of text.",
	    RULE_YAML3 },
	{ "P16", "leading-empty-doc", SEVERITY_ERROR, RULE_YAML,
	    { .file = leading_empty_doc }, "the first document is empty",
	    "It is the only one that is read.", RULE_YAML3 },
	{ "P17", "yaml-1.2-directive", SEVERITY_ERROR, RULE_YAML,
	    { .file = directive }, "a % line that is refused",
	    "%YAML 1.1 is the only version taken.", RULE_YAML3 },
	{ "P18", "encoding", SEVERITY_ERROR, RULE_ANY, { .file = encoding },
	    "not UTF-8",
	    "In YAML the file is refused, in JSON each such byte becomes "
	    "U+FFFD. UTF-16 with a mark is read, as information only.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P19", "bom", SEVERITY_INFO, RULE_YAML, { .file = bom },
	    "starts with a byte order mark", "Fine in YAML, refused in JSON.",
	    RULE_YAML3 "; " RULE_GOJSON },
	{ "P23", "json-syntax", SEVERITY_ERROR, RULE_JSON,
	    { .file = json_syntax }, "not valid JSON",
	    "Comments, commas after the last element and text after the "
	    "value are refused; only the policy file may have them.",
	    RULE_GOJSON },
	{ "P29", "ignored-text", SEVERITY_WARNING, RULE_YAML,
	    { .file = ignored_text, .diagnostic = null_key },
	    "text that is dropped without a word",
	    "What follows a complete { } or a dedent below the top level is "
	    "not part of the map, and neither is an entry whose key is null.",
	    RULE_YAML3 },
};

const struct rule_group rules_text = { rules, sizeof rules / sizeof rules[0] };
