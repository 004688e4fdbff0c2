/* yaml_notes: see yaml_notes.h. */
#include "yaml_notes.h"

#include <string.h>

bool
yaml_notes_ends_document(const struct yaml_token *t)
{
	return t->kind == YAML_VERSION || t->kind == YAML_TAG_LINE ||
	    t->kind == YAML_DOCUMENT_START || t->kind == YAML_DOCUMENT_END ||
	    t->kind == YAML_STREAM_END;
}

int
yaml_notes_encoding(struct doc_builder *b, const struct yaml_source *s)
{
	struct doc_pos at = { 1, 1, 0 };

	if (s->bom > 0 && doc_builder_note(b, DOC_NOTE_BOM, at) == -1)
		return -1;
	return s->utf16 ? doc_builder_note(b, DOC_NOTE_UTF16, at) : 0;
}

/* Whether there is more than blanks, comments and `...` after a `...`. */
static bool
has_more(struct slice rest)
{
	size_t i = 0;

	while (i < rest.n) {
		uint8_t c = rest.p[i];

		if (c == '#')
			while (i < rest.n && rest.p[i] != '\n')
				i++;
		else if (c != 0 && strchr(" \t\r\n.", c) != NULL)
			i++;
		else
			return true;
	}
	return false;
}

/* Whether the end mark is the last content; not checked in UTF-16. */
static bool
is_last(const struct yaml_source *s, const struct yaml_token *t)
{
	size_t end = t->end.offset;

	return t->kind == YAML_DOCUMENT_END &&
	    (s->utf16 || end > s->raw.n ||
		!has_more(slice_of(s->raw.p + end, s->raw.n - end)));
}

static bool
is_empty(const struct doc_node *root)
{
	return root->kind == DOC_SCALAR && root->style == DOC_PLAIN &&
	    root->text.n == 0 && root->props->tag == NULL;
}

int
yaml_notes_rest(struct doc_builder *b, const struct yaml_source *s,
    const struct yaml_token *t)
{
	if (t->kind == YAML_STREAM_END || is_last(s, t))
		return 0;
	if (!yaml_notes_ends_document(t))
		return doc_builder_note(b, DOC_NOTE_IGNORED_TEXT, t->start);
	if (is_empty(b->doc->root) &&
	    doc_builder_note(b, DOC_NOTE_EMPTY_FIRST, t->start) == -1)
		return -1;
	return doc_builder_note(b, DOC_NOTE_SECOND_DOCUMENT, t->start);
}
