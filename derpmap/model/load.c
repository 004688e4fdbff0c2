/* load: see load.h. */
#include "load.h"

#include "doc_json.h"
#include "doc_yaml.h"
#include "infile.h"

const char *
load_form_name(size_t n)
{
	static const char *const names[] = {
		[LOAD_HEADSCALE] = "headscale",
		[LOAD_JSON] = "json",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
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

int
load_text(struct load *l, const char *file, struct slice text,
    enum load_form form, struct fail *why)
{
	struct fail syntax = { .text = "" };
	const char *copy = NULL;

	*l = (struct load){ .file = file };
	if (text.n > DOC_TEXT_MAX)
		return fail_set(
		    why, "%s: larger than %zu bytes", file, DOC_TEXT_MAX);
	l->arena = arena_new(DOC_ARENA_MAX);
	if (l->arena != NULL)
		copy = arena_text(l->arena, (const char *)text.p, text.n);
	if (copy == NULL) {
		load_close(l);
		return fail_set(why, "%s: not enough memory", file);
	}
	l->text = slice_of(copy, text.n);
	l->detected = form == LOAD_DETECT;
	if (l->detected)
		form = looks_like_json(l->text) ? LOAD_JSON : LOAD_HEADSCALE;
	l->dialect = form == LOAD_JSON ? DIALECT_JSON : DIALECT_HEADSCALE;
	if (form == LOAD_JSON)
		doc_json_read(&l->doc, l->arena, l->text, &syntax);
	else
		doc_yaml_read(&l->doc, l->arena, l->text, &syntax);
	if (l->doc.error == DOC_MEMORY ||
	    (l->doc.error == DOC_OK &&
		decode_map(&l->map, l->arena, &l->doc, l->dialect, why) ==
		    -1)) {
		load_close(l);
		return fail_set(why, "%s: not enough memory", file);
	}
	return 0;
}

int
load_open(
    struct load *l, const char *file, enum load_form form, struct fail *why)
{
	struct buf text;
	int result;

	*l = (struct load){ .file = file };
	result = infile_read(&text, file, DOC_TEXT_MAX, why);
	if (result == 0)
		result = load_text(l, file, buf_slice(&text), form, why);
	buf_clear(&text);
	return result;
}

void
load_close(struct load *l)
{
	arena_free(l->arena);
	l->arena = NULL;
}

bool
load_accepted(const struct load *l)
{
	return l->doc.error == DOC_OK && !l->map.refused;
}
