/* environment: see environment.h. */
#include "environment.h"

#include "infile.h"

#include <string.h>

#define PREFIX "HEADSCALE_"

/* Puts one variable in; e->v has room. -1: memory is short. */
static int
add(struct environment *e, struct arena *a, struct slice name,
    struct slice value, unsigned line)
{
	const char *kept_name, *kept;

	if (!slice_starts(name, PREFIX))
		return 0;
	kept_name = arena_text(a, (const char *)name.p, name.n);
	kept = arena_text(a, (const char *)value.p, value.n);
	if (kept_name == NULL || kept == NULL)
		return -1;
	e->v[e->n++] = (struct environment_variable){
		.name = slice_of(kept_name, name.n),
		.value = slice_of(kept, value.n),
		.line = line,
	};
	return 0;
}

static int
make_room(struct environment *e, struct arena *a, size_t count)
{
	e->v = arena_alloc(a, count + 1, sizeof *e->v);
	return e->v == NULL ? -1 : 0;
}

int
environment_from_process(
    struct environment *e, struct arena *a, char *const *variables)
{
	struct slice name, value;
	size_t count = 0;

	*e = (struct environment){ .file = NULL };
	while (variables[count] != NULL)
		count++;
	if (make_room(e, a, count) == -1)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (slice_cut(slice_str(variables[i]), '=', &name, &value) &&
		    add(e, a, name, value, 0) == -1)
			return -1;
	return 0;
}

static bool
is_quoted(struct slice s)
{
	return s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') &&
	    s.p[s.n - 1] == s.p[0];
}

/* One line of the file. -1 with *why. */
static int
add_line(struct environment *e, struct arena *a, struct slice line,
    unsigned number, struct fail *why)
{
	struct slice name, value;

	line = slice_trim(line);
	if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
		return 0;
	if (!slice_cut(line, '=', &name, &value))
		return fail_at(why, number, 1,
		    "%s:%u: not a line of the form NAME=VALUE", e->file,
		    number);
	value = slice_trim(value);
	if (is_quoted(value))
		value = slice_of(value.p + 1, value.n - 2);
	if (add(e, a, slice_trim(name), value, number) == -1)
		return fail_set(why, "%s: not enough memory", e->file);
	return 0;
}

static size_t
count_lines(struct slice text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == '\n';
	return count;
}

int
environment_from_file(
    struct environment *e, struct arena *a, const char *path, struct fail *why)
{
	struct slice rest, line;
	unsigned number = 0;
	struct buf text;
	int result;

	*e = (struct environment){ .file = path };
	result = infile_read(&text, path, ENVIRONMENT_FILE_MAX, why);
	rest = buf_slice(&text);
	if (result == 0 && make_room(e, a, count_lines(rest)) == -1)
		result = fail_set(why, "%s: not enough memory", path);
	while (result == 0 && rest.n > 0) {
		slice_cut(rest, '\n', &line, &rest);
		result = add_line(e, a, line, ++number, why);
	}
	buf_clear(&text);
	return result;
}

const struct environment_variable *
environment_find(const struct environment *e, const char *name)
{
	for (size_t i = e->n; i > 0; i--)
		if (slice_is(e->v[i - 1].name, name))
			return &e->v[i - 1];
	return NULL;
}
