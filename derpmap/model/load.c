/* load: see load.h. */
#include "load.h"

#include "doc_json.h"
#include "doc_yaml.h"
#include "infile.h"

#include <string.h>

const char *
load_form_name(size_t n)
{
	static const char *const names[] = {
		[LOAD_HEADSCALE] = "headscale",
		[LOAD_JSON] = "json",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

bool
load_max_is_valid(int64_t mib)
{
	return mib >= 1 && mib <= (int64_t)(DOC_TEXT_MAX >> 20);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Steps over blanks. */
static struct slice
skip_blanks(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = slice_of(s.p + 1, s.n - 1);
	return s;
}

/* JSON begins with { and then a quoted name or the end; YAML in that style is
 * possible too, and is told by its bare names. */
static bool
looks_like_json(struct slice s)
{
	uint8_t open;

	if (slice_starts(s, "\xef\xbb\xbf"))
		s = slice_of(s.p + 3, s.n - 3);
	s = skip_blanks(s);
	if (s.n == 0 || (s.p[0] != '{' && s.p[0] != '['))
		return false;
	open = s.p[0];
	s = skip_blanks(slice_of(s.p + 1, s.n - 1));
	if (s.n == 0)
		return true;
	return s.p[0] == '"' || s.p[0] == (open == '{' ? '}' : ']');
}

/* Reads the text in the form of the dialect. */
static void
read_document(struct load *l)
{
	struct fail syntax = { .text = "" };

	if (l->dialect == DIALECT_JSON)
		doc_json_read(&l->doc, l->arena, l->text, &syntax);
	else
		doc_yaml_read(&l->doc, l->arena, l->text, &syntax);
}

/* Reads the text as HuJSON. Whether there is such a document, which is then
 * l->doc; `keep` leaves the error of the reader before in it. */
static bool
read_human(struct load *l, enum doc_json_form form, bool keep)
{
	struct fail syntax = { .text = "" };
	struct doc doc;

	if (doc_json_read_as(&doc, l->arena, l->text, form, &syntax) == -1 ||
	    doc.root->kind != DOC_MAPPING)
		return false;
	if (keep) {
		doc.error = l->doc.error;
		doc.error_at = l->doc.error_at;
		doc.error_text = l->doc.error_text;
	}
	l->doc = doc;
	l->dialect = DIALECT_JSON;
	return true;
}

/* Copies the text with blanks in place of all but what is between the offsets,
 * line ends excepted: what is in there keeps its places. */
static int
blank_around(struct load *l, size_t start, size_t end, struct slice *inside)
{
	char *copy = arena_text(l->arena, (const char *)l->text.p, l->text.n);

	if (copy == NULL)
		return -1;
	for (size_t i = 0; i < l->text.n; i++)
		if ((i < start || i >= end) && copy[i] != '\n' &&
		    copy[i] != '\r')
			copy[i] = ' ';
	*inside = slice_of(copy, l->text.n);
	return 0;
}

/* Reads the block of text that a ConfigMap has for a map: YAML may be indented
 * as a whole. */
static int
read_block(struct load *l)
{
	const struct doc_node *block = l->kind.map;
	const uint8_t *line = memchr(l->text.p + block->start.offset, '\n',
	    l->text.n - block->start.offset);
	struct slice whole = l->text, inside;
	size_t start = line != NULL ? (size_t)(line - whole.p) : whole.n;

	if (blank_around(l, start, block->end.offset, &inside) == -1)
		return -1;
	l->text = inside;
	if (looks_like_json(inside))
		l->dialect = DIALECT_JSON;
	read_document(l);
	l->text = whole;
	l->kind.map = l->doc.root;
	return 0;
}

/* Whether the document is an object of Kubernetes without a map. */
static bool
is_mapless_object(const struct load *l)
{
	if (l->kind.kind == FILEKIND_CONFIGMAP)
		return l->kind.map == NULL;
	return l->kind.kind == FILEKIND_OTHER &&
	    doc_get(doc_resolve(l->doc.root), "apiVersion") != NULL;
}

/* Reads the document that the note tells of, in a copy of the text in which
 * what is before it is blank. -1: memory is short or it cannot be read. */
static int
read_next(struct load *l, char *copy, const struct doc_note *note)
{
	struct slice whole = l->text;

	for (size_t i = 0; i < note->at.offset; i++)
		if (copy[i] != '\n' && copy[i] != '\r')
			copy[i] = ' ';
	l->text = slice_of(copy, whole.n);
	read_document(l);
	l->text = whole;
	if (l->doc.error != DOC_OK)
		return -1;
	return filekind_find(&l->kind, l->arena, &l->doc, l->dialect);
}

/* A manifest has a document for each object, all of which Kubernetes reads:
 * takes the first one that holds a map, if there is one. What is read again is
 * limited to what a file may have. -1: memory is short. */
static int
find_in_manifest(struct load *l)
{
	const struct doc first = l->doc;
	const struct filekind_found first_kind = l->kind;
	const struct doc_note *next;
	char *copy;

	if (!is_mapless_object(l) ||
	    doc_note_find(&l->doc, DOC_NOTE_SECOND_DOCUMENT) == NULL ||
	    doc_note_find(&l->doc, DOC_NOTE_UTF16) != NULL)
		return 0;
	copy = arena_text(l->arena, (const char *)l->text.p, l->text.n);
	if (copy == NULL)
		return -1;
	for (size_t work = 0; work < LOAD_TEXT_MAX; work += l->text.n) {
		next = doc_note_find(&l->doc, DOC_NOTE_SECOND_DOCUMENT);
		if (next == NULL || read_next(l, copy, next) == -1)
			break;
		if (l->kind.kind == FILEKIND_CONFIGMAP && l->kind.map != NULL)
			return 0;
	}
	l->doc = first;
	l->kind = first_kind;
	return 0;
}

/* What the document is, and its map. -1: memory is short. */
static int
find_kind(struct load *l)
{
	if (filekind_find(&l->kind, l->arena, &l->doc, l->dialect) == -1 ||
	    find_in_manifest(l) == -1)
		return -1;
	/* in UTF-16 a place does not lead to the bytes */
	if (l->kind.kind == FILEKIND_CONFIGMAP && l->kind.map != NULL &&
	    doc_note_find(&l->doc, DOC_NOTE_UTF16) == NULL)
		return read_block(l);
	return 0;
}

/* Reads a text that is not YAML, or that a strict JSON reader refuses, as
 * HuJSON. The error stays: a policy file is the only one that may be so. */
static bool
read_forgiving(struct load *l)
{
	struct fail syntax = { .text = "" };
	struct doc strict;

	if (!read_human(l, DOC_JSON_HUMAN, true))
		return false;
	/* not what YAML has to say about it */
	if (doc_json_read(&strict, l->arena, l->text, &syntax) == -1) {
		l->doc.error = strict.error;
		l->doc.error_at = strict.error_at;
		l->doc.error_text = strict.error_text;
	}
	return true;
}

/* Reads members without braces; only those that hold a map are taken. */
static int
read_fragment(struct load *l)
{
	struct doc before = l->doc;
	enum dialect dialect = l->dialect;

	if (!read_human(l, DOC_JSON_MEMBERS, true))
		return 0;
	if (find_kind(l) == -1)
		return -1;
	if (l->kind.kind != FILEKIND_POLICY &&
	    !filekind_has_regions(l->doc.root)) {
		l->doc = before;
		l->dialect = dialect;
		l->kind = (struct filekind_found){ .path = "" };
	} else {
		l->kind.kind = FILEKIND_FRAGMENT;
	}
	return 0;
}

/* Reads what begins like JSON and is YAML: {"regions": {900: ...}}. */
static bool
read_yaml_flow(struct load *l)
{
	struct fail syntax = { .text = "" };
	struct doc doc;

	if (!l->detected || l->dialect != DIALECT_JSON ||
	    doc_yaml_read(&doc, l->arena, l->text, &syntax) == -1)
		return false;
	l->doc = doc;
	l->dialect = DIALECT_HEADSCALE;
	return true;
}

/* Reads the document as people meant it: a JSON text is one whatever the file's
 * name, and HuJSON is fine where it is a policy file. -1: memory is short. */
static int
read_meant(struct load *l)
{
	if (l->doc.error == DOC_OK && l->dialect == DIALECT_HEADSCALE &&
	    looks_like_json(l->text))
		read_human(l, DOC_JSON_HUMAN, false);
	else if (l->doc.error == DOC_SYNTAX && !read_forgiving(l) &&
	    !read_yaml_flow(l))
		return read_fragment(l);
	if (find_kind(l) == -1)
		return -1;
	if (l->kind.kind == FILEKIND_POLICY && l->doc.error == DOC_SYNTAX)
		l->doc.error = DOC_OK;
	return 0;
}

/* Decodes the document, or what in it is the map. */
static int
decode(struct load *l, bool as_meant, struct fail *why)
{
	const struct doc_node *root = l->doc.root;
	enum filekind kind;

	if (as_meant && read_meant(l) == -1)
		return -1;
	if (as_meant)
		root = l->kind.map;
	else if (filekind_find(&l->kind, l->arena, &l->doc, l->dialect) == -1)
		return -1;
	if (l->doc.error != DOC_MEMORY &&
	    decode_map_at(&l->map, l->arena, root, l->dialect, as_meant, why) ==
		-1)
		return -1;
	if (l->doc.error == DOC_OK && !l->map.refused)
		return 0;
	kind = filekind_of_text(l->text, &l->kind_at);
	if (kind != FILEKIND_MAP)
		l->kind.kind = kind;
	return 0;
}

/* Reads document and map from the bytes, which are taken. */
static int
read_bytes(struct load *l, const char *file, struct buf *bytes,
    const struct load_how *how, struct fail *why)
{
	enum load_form form = how->form;

	*l = (struct load){ .file = file, .form = form, .bytes = *bytes };
	l->text = buf_slice(&l->bytes);
	l->arena = arena_new(DOC_ARENA_MAX);
	if (l->arena == NULL) {
		load_close(l);
		return fail_set(why, "%s: not enough memory", file);
	}
	l->detected = form == LOAD_DETECT;
	if (l->detected)
		form = looks_like_json(l->text) ? LOAD_JSON : LOAD_HEADSCALE;
	l->dialect = form == LOAD_JSON ? DIALECT_JSON : DIALECT_HEADSCALE;
	read_document(l);
	if (decode(l, how->as_meant, why) == -1 || l->doc.error == DOC_MEMORY) {
		load_close(l);
		return fail_set(why, "%s: not enough memory", file);
	}
	return 0;
}

static size_t
max_of(const struct load_how *how)
{
	return how->text_max > 0 ? how->text_max : LOAD_TEXT_MAX;
}

int
load_text_as(struct load *l, const char *file, struct slice text,
    const struct load_how *how, struct fail *why)
{
	const size_t max = max_of(how);
	struct buf copy;

	*l = (struct load){ .file = file };
	if (text.n > max)
		return fail_set(why, "%s: larger than %zu bytes", file, max);
	buf_init(&copy, max);
	if (buf_append(&copy, text.p, text.n) == -1) {
		buf_clear(&copy);
		return fail_set(why, "%s: not enough memory", file);
	}
	return read_bytes(l, file, &copy, how, why);
}

int
load_open_as(struct load *l, const char *file, const struct load_how *how,
    struct fail *why)
{
	struct buf bytes;

	*l = (struct load){ .file = file };
	if (infile_read(&bytes, file, max_of(how), why) == -1) {
		buf_clear(&bytes);
		return -1;
	}
	return read_bytes(l, file, &bytes, how, why);
}

int
load_text(struct load *l, const char *file, struct slice text,
    enum load_form form, struct fail *why)
{
	const struct load_how how = { .form = form };

	return load_text_as(l, file, text, &how, why);
}

int
load_open(
    struct load *l, const char *file, enum load_form form, struct fail *why)
{
	const struct load_how how = { .form = form };

	return load_open_as(l, file, &how, why);
}

void
load_close(struct load *l)
{
	arena_free(l->arena);
	l->arena = NULL;
	buf_clear(&l->bytes);
}

bool
load_accepted(const struct load *l)
{
	return l->doc.error == DOC_OK && !l->map.refused;
}
