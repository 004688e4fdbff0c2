/* derper_start: see derper_start.h. Sources of what a service may have: the
 * Compose specification, systemd.exec(5). */
#include "derper_start.h"

#include "derper_words.h"
#include "doc_yaml.h"
#include "infile.h"
#include "place.h"

#include <string.h>

#define FILE_MAX ((size_t)1 << 20) /* bytes of each file */
#define PARTS_MAX 16               /* files of one relay */
#define FLAGS_MAX 64               /* commands of one file */

/* One file while all are being read. */
struct file {
	const char *name;
	struct slice text;
};

struct reading {
	struct arena *arena;
	struct derper_start *start;
	struct file files[PARTS_MAX]; /* the first one is what was named */
	size_t count;
	bool is_unit; /* whose files of variables win over itself */
	struct fail *why;
};

static const struct doc_node *
get(const struct doc_node *mapping, const char *key)
{
	return doc_resolve(doc_get(mapping, key));
}

/* --- services --- */

/* The path's last part, without the version of an image. */
static bool
names_derper(struct slice path)
{
	struct slice name, rest;

	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/') {
			path = slice_of(path.p + i, path.n - i);
			break;
		}
	slice_cut(path, ':', &name, &rest);
	slice_cut(name, '@', &name, &rest);
	return name.n > 0 && memmem(name.p, name.n, "derper", 6) != NULL;
}

/* The first word of a command, in either of its forms. */
static struct slice
first_word(const struct doc_node *command)
{
	struct slice word = slice_str(""), rest;

	if (command != NULL && command->kind == DOC_SEQUENCE &&
	    command->count > 0)
		command = doc_resolve(command->items[0]);
	if (command != NULL && command->kind == DOC_SCALAR)
		slice_cut(slice_trim(command->text), ' ', &word, &rest);
	return word;
}

static bool
runs_derper(const struct doc_node *service)
{
	const struct doc_node *entrypoint = get(service, "entrypoint");

	return names_derper(first_word(
	    entrypoint != NULL ? entrypoint : get(service, "image")));
}

/* Where the words of a command are in the text: a block of text begins on the
 * line after its mark. */
static struct slice
span_of(const struct doc_node *command, struct slice text)
{
	size_t start = command->start.offset;
	const size_t end = place_node_end(command).offset;
	const uint8_t *line;

	if (command->style == DOC_LITERAL || command->style == DOC_FOLDED) {
		line = memchr(text.p + start, '\n', end - start);
		start = line != NULL ? (size_t)(line - text.p) : end;
	}
	return slice_of(text.p + start, end - start);
}

/* Keeps the span of a command that is nothing but flags. */
static void
add_flags(struct reading *r, const struct doc_node *service)
{
	const struct doc_node *command = get(service, "command");
	struct derper_start *s = r->start;

	if (slice_starts(first_word(command), "-") && s->flag_count < FLAGS_MAX)
		s->flags[s->flag_count++] = span_of(command, r->files[0].text);
}

/* --- files of variables --- */

/* Relative names are below the folder of the file that was named. */
static const char *
path_of(const struct reading *r, struct slice name)
{
	const char *file = r->files[0].name;
	const char *slash = strrchr(file, '/');
	const int folder = slash != NULL ? (int)(slash - file) + 1 : 0;

	/* "-" alone would be standard input */
	return arena_printf(r->arena, "%.*s%s%.*s",
	    slice_starts(name, "/") ? 0 : folder, file,
	    slice_is(name, "-") ? "./" : "", (int)name.n, (const char *)name.p);
}

static int
no_memory(const struct reading *r)
{
	return fail_set(
	    r->why, "%s: not enough memory", infile_name(r->files[0].name));
}

/* Reads a file into the next place. */
static int
read_file(struct reading *r, const char *name, struct fail *why)
{
	struct buf bytes;
	const char *copy = NULL;
	size_t n;
	int result = infile_read(&bytes, name, FILE_MAX, why);

	n = buf_len(&bytes);
	if (result == 0) {
		copy =
		    arena_text(r->arena, (const char *)buf_slice(&bytes).p, n);
		if (copy == NULL)
			result = fail_set(why, "%s: not enough memory", name);
	}
	if (result == 0)
		r->files[r->count++] = (struct file){ name, slice_of(copy, n) };
	buf_clear(&bytes);
	return result;
}

/* A file that cannot be read does not stop anything: it may be a secret that
 * is on the relay's host only. */
static int
add_variables(struct reading *r, struct slice name)
{
	struct fail unread = { .text = "" };
	const char *path;

	if (r->count == PARTS_MAX)
		return 0;
	path = path_of(r, name);
	if (path == NULL)
		return no_memory(r);
	if (infile_check_regular(path, &unread) == 0 &&
	    read_file(r, path, &unread) == 0)
		return 0;
	r->start->unread =
	    arena_text(r->arena, unread.text, strlen(unread.text));
	return r->start->unread != NULL ? 0 : no_memory(r);
}

static int
add_named(struct reading *r, const struct doc_node *name)
{
	if (name == NULL || name->kind != DOC_SCALAR)
		return 0;
	return add_variables(r, name->text);
}

/* env_file: one name, or a list of names and of mappings with a path. */
static int
add_all_variables(struct reading *r, const struct doc_node *service)
{
	const struct doc_node *list = get(service, "env_file");

	if (list == NULL || list->kind != DOC_SEQUENCE)
		return add_named(r, list);
	for (size_t i = 0; i < list->count; i++) {
		const struct doc_node *n = doc_resolve(list->items[i]);

		if (n->kind == DOC_MAPPING)
			n = get(n, "path");
		if (add_named(r, n) == -1)
			return -1;
	}
	return 0;
}

/* The lines EnvironmentFile= of a unit; the dash of one that may be missing is
 * not a part of its name. */
static int
add_unit_variables(struct reading *r)
{
	static const char setting[] = "EnvironmentFile=";
	struct slice line, rest = r->files[0].text;

	while (rest.n > 0) {
		slice_cut(rest, '\n', &line, &rest);
		line = slice_trim(line);
		if (!slice_starts(line, setting))
			continue;
		line = slice_of(
		    line.p + strlen(setting), line.n - strlen(setting));
		if (slice_starts(line, "-"))
			line = slice_of(line.p + 1, line.n - 1);
		if (line.n > 0 && add_variables(r, line) == -1)
			return -1;
		r->is_unit = true;
	}
	return 0;
}

static int
add_services(struct reading *r)
{
	const struct doc_node *services;
	struct doc doc;

	/* a unit or a script is not YAML, or has no services */
	if (doc_yaml_read(&doc, r->arena, r->files[0].text, NULL) == -1)
		return 0;
	services = get(doc.root, "services");
	if (services == NULL || services->kind != DOC_MAPPING)
		return 0;
	r->start->flags =
	    arena_alloc(r->arena, FLAGS_MAX, sizeof *r->start->flags);
	if (r->start->flags == NULL)
		return no_memory(r);
	for (size_t i = 0; i < services->count; i++) {
		const struct doc_node *service =
		    doc_resolve(services->items[2 * i + 1]);

		if (!runs_derper(service))
			continue;
		add_flags(r, service);
		if (add_all_variables(r, service) == -1)
			return -1;
	}
	return 0;
}

/* --- one text --- */

static unsigned
count_lines(struct slice text)
{
	unsigned lines = 0;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	return lines;
}

/* Appends a file, and a line end where it has none. */
static void
append(struct derper_start *s, struct writer *w, unsigned *lines,
    const struct file *file)
{
	s->parts[s->part_count++] = (struct derper_start_part){
		.file = file->name, .at = w->n, .lines = *lines
	};
	writer_bytes(w, file->text.p, file->text.n);
	if (file->text.n > 0 && file->text.p[file->text.n - 1] != '\n')
		writer_u8(w, '\n');
	*lines += count_lines(slice_of(w->p + s->parts[s->part_count - 1].at,
	    w->n - s->parts[s->part_count - 1].at));
}

/* Joins the files: what counts more comes later. A Compose file wins over its
 * files of variables, and those of a unit win over the unit. */
static int
join(struct reading *r)
{
	struct derper_start *s = r->start;
	const uint8_t *named = r->files[0].text.p;
	unsigned lines = 0;
	struct writer w;
	size_t room = 0;
	uint8_t *text;

	for (size_t i = 0; i < r->count; i++)
		room += r->files[i].text.n + 1;
	text = arena_alloc(r->arena, room, 1);
	s->parts = arena_alloc(r->arena, r->count, sizeof *s->parts);
	if (text == NULL || s->parts == NULL)
		return no_memory(r);
	w = writer_of(text, room);
	if (r->is_unit)
		append(s, &w, &lines, &r->files[0]);
	for (size_t i = 1; i < r->count; i++)
		append(s, &w, &lines, &r->files[i]);
	s->named = r->is_unit ? 0 : s->part_count;
	if (!r->is_unit)
		append(s, &w, &lines, &r->files[0]);
	s->text = writer_slice(&w);
	for (size_t i = 0; i < s->flag_count; i++)
		s->flags[i].p =
		    text + s->parts[s->named].at + (s->flags[i].p - named);
	return 0;
}

int
derper_start_open(
    struct derper_start *s, struct arena *a, const char *file, struct fail *why)
{
	struct reading r = { .arena = a, .start = s, .why = why };
	size_t at;

	*s = (struct derper_start){ .part_count = 0 };
	if (read_file(&r, file, why) == -1)
		return -1;
	if (!derper_words_start(r.files[0].text, &at))
		return fail_set(why,
		    "%s: nothing in it starts derper: neither a program or "
		    "an image of that name nor a variable DERP_*",
		    file);
	if (add_services(&r) == -1 || add_unit_variables(&r) == -1)
		return -1;
	return join(&r);
}

struct slice
derper_start_text(const struct derper_start *s, size_t part)
{
	const size_t at = s->parts[part].at;
	const size_t end =
	    part + 1 < s->part_count ? s->parts[part + 1].at : s->text.n;

	return slice_of(s->text.p + at, end - at);
}

static void
move_back(struct doc_pos *at, const struct derper_start_part *part)
{
	if (at->line == 0)
		return;
	at->line -= part->lines;
	at->offset -= (uint32_t)part->at;
}

void
derper_start_place(const struct derper_start *s, struct finding *f)
{
	const struct derper_start_part *part = s->parts;

	for (size_t i = 1; i < s->part_count; i++)
		if (s->parts[i].at <= f->at.offset)
			part = &s->parts[i];
	f->file = part->file;
	move_back(&f->at, part);
	move_back(&f->end, part);
}
