/* field_words: see field_words.h. */
#include "field_words.h"

#include "derpmap.h"

#include <string.h>

#define TEXT_MAX 1024

/* Fields whose names no sentence has for another reason; or_json: also in Go's
 * spelling. */
static const struct derpmap_field *
field_of(struct slice word, bool or_json)
{
	static const char *const english[] = { "name", "nodes", "regions",
		"avoid", "latitude", "longitude", NULL };

	for (size_t i = 0; english[i] != NULL; i++)
		if (slice_is(word, english[i]))
			return NULL;
	for (enum derpmap_level level = DERPMAP_LEVEL_MAP;
	     level <= DERPMAP_LEVEL_NODE; level++) {
		struct derpmap_fields fields = derpmap_fields(level);

		for (size_t i = 0; i < fields.n; i++)
			if (slice_is(word, fields.v[i].yaml) ||
			    (or_json && slice_is(word, fields.v[i].json)))
				return fields.v + i;
	}
	return NULL;
}

static bool
is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/* The bytes of the word, or of what is between words, at the start of s. */
static size_t
run_of(struct slice s, bool *word)
{
	size_t n = 1;

	*word = is_word(s.p[0]);
	while (n < s.n && is_word(s.p[n]) == *word)
		n++;
	return n;
}

/* Writes the text with Go's names, and in quotes where it is what to write.
 * Whether anything changed. */
static bool
put(struct writer *w, struct slice rest, bool is_fix)
{
	bool changed = false, word;

	for (size_t n; rest.n > 0; rest = slice_of(rest.p + n, rest.n - n)) {
		const struct derpmap_field *field = NULL;
		struct slice tail;

		n = run_of(rest, &word);
		tail = slice_of(rest.p + n, rest.n - n);
		if (word)
			field = field_of(slice_of(rest.p, n),
			    is_fix && slice_starts(tail, ": "));
		changed |= field != NULL;
		if (field == NULL)
			writer_bytes(w, rest.p, n);
		else if (is_fix && slice_starts(tail, ": "))
			writer_printf(w, "\"%s\"", field->json);
		else
			writer_printf(w, "%s", field->json);
	}
	return changed;
}

/* The text in Go's names, or as it was. */
static const char *
to_json(struct findings *list, const char *text, bool is_fix)
{
	char out[TEXT_MAX];
	struct writer w = writer_of(out, sizeof out);
	const char *copy;

	if (text == NULL || !put(&w, slice_str(text), is_fix) || w.failed)
		return text;
	copy = arena_text(list->arena, out, w.n);
	list->failed |= copy == NULL;
	return copy != NULL ? copy : text;
}

void
field_words_to_json(struct findings *list, struct finding *from)
{
	for (struct finding *f = from; f != NULL; f = f->next) {
		f->message = to_json(list, f->message, false);
		f->fix = to_json(list, f->fix, true);
	}
}
