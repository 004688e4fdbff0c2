/* verify_settings: see verify_settings.h. */
#include "verify_settings.h"

#include "arena.h"
#include "doc_yaml.h"
#include "infile.h"
#include "num.h"
#include "spelling.h"
#include "verify_kinds.h"
#include "verify_program.h"

#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)64 << 20)
#define OUTAGE_MS                                                   \
	(24 * UINT64_C(3600000)) /* how long last-known-good counts \
				  */
#define RECHECK_MS (5 * UINT64_C(60000))

/* What is being read. */
struct reading {
	struct verify_config *config;
	const char *name; /* of the file */
	struct fail *why;
};

enum value_kind {
	VALUE_TEXT,
	VALUE_BOOL,
	VALUE_DURATION, /* to milliseconds */
	VALUE_PERCENT,
	VALUE_OUTAGE,
	VALUE_POLICY,
	VALUE_DENY, /* a bool, to the role */
	VALUE_SOURCES,
};

struct field {
	const char *name;
	enum value_kind kind;
	size_t at; /* in what is filled */
};

#define TOP(member) offsetof(struct verify_config, member)
static const struct field top_fields[] = {
	{ "policy", VALUE_POLICY, TOP(policy) },
	{ "timeout", VALUE_DURATION, TOP(ask_ms) },
	{ "cache-allow", VALUE_DURATION, TOP(cache_allow_ms) },
	{ "cache-deny", VALUE_DURATION, TOP(cache_deny_ms) },
	{ "allow-empty", VALUE_BOOL, TOP(context.allow_empty) },
	{ "last-good-folder", VALUE_TEXT, TOP(context.last_good) },
	{ "sources", VALUE_SOURCES, 0 },
};

#define ROW(member) offsetof(struct verify_source_config, member)
static const struct field row_fields[] = {
	{ "outage", VALUE_OUTAGE, ROW(outage) },
	{ "outage-for", VALUE_DURATION, ROW(outage_ms) },
	{ "refresh", VALUE_DURATION, ROW(refresh_ms) },
	{ "recheck", VALUE_DURATION, ROW(recheck_ms) },
	{ "deny", VALUE_DENY, ROW(role) },
	{ "follow", VALUE_BOOL, ROW(follow) },
	{ "allow-expired", VALUE_BOOL, ROW(allow_expired) },
	{ "shrink", VALUE_PERCENT, ROW(shrink_part) },
	{ "ca-file", VALUE_TEXT, ROW(ca_file) },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int read_sources(struct reading *r, const struct doc_node *node);

__attribute__((format(printf, 3, 4))) static int
complain(struct reading *r, const struct doc_node *node, const char *fmt, ...)
{
	char text[FAIL_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return fail_at(r->why, (unsigned)node->start.line,
	    (unsigned)node->start.column, "%s:%u:%u: %s", r->name,
	    (unsigned)node->start.line, (unsigned)node->start.column, text);
}

/* The text of a scalar; "" for null and for nothing. NULL: it is none, or
 * memory is short, which has been told. */
static const char *
text_of(struct reading *r, const struct doc_node *node)
{
	const struct doc_node *value = doc_resolve(node);
	const char *text;

	if (value == NULL || value->kind != DOC_SCALAR) {
		complain(r, node, "expected a single value");
		return NULL;
	}
	if (value->style == DOC_PLAIN &&
	    (slice_is(value->text, "~") || slice_is(value->text, "null")))
		return "";
	if (memchr(value->text.p, '\0', value->text.n) != NULL) {
		complain(r, node, "the value has a NUL character in it");
		return NULL;
	}
	text = arena_text(
	    r->config->arena, (const char *)value->text.p, value->text.n);
	if (text == NULL)
		complain(r, node, "out of memory");
	return text;
}

/* A list of words as one text; the same errors. */
static const char *
words_of(struct reading *r, const struct doc_node *node)
{
	const struct doc_node *list = doc_resolve(node);
	const char *text, *words = NULL;
	struct fail reason = { 0 };
	struct buf command;
	int rc = 0;

	if (list == NULL || list->kind != DOC_SEQUENCE || list->count == 0) {
		complain(r, node,
		    "expected a list of words, as in [headscale, nodes, list, "
		    "-o, json]");
		return NULL;
	}
	buf_init(&command, VERIFY_SETTINGS_BYTES_MAX * 2);
	for (size_t i = 0; i < list->count && rc == 0; i++) {
		text = text_of(r, list->items[i]);
		rc = text == NULL
		    ? -1
		    : verify_program_quote(&command, slice_str(text), &reason);
		if (text != NULL && rc == -1)
			complain(r, list->items[i], "%s", reason.text);
	}
	if (rc == 0) {
		words = arena_text(r->config->arena,
		    (const char *)buf_slice(&command).p, buf_len(&command));
		if (words == NULL)
			complain(r, node, "out of memory");
	}
	buf_clear(&command);
	return words;
}

static int
read_bool(struct reading *r, const struct doc_node *node, bool *out)
{
	const char *text = text_of(r, node);

	if (text == NULL)
		return -1;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return complain(
		    r, node, "\"%.40s\" is neither true nor false", text);
	*out = text[0] == 't';
	return 0;
}

static int
read_duration(struct reading *r, const struct doc_node *node, uint64_t *out)
{
	const char *text = text_of(r, node);

	if (text == NULL)
		return -1;
	if (num_parse_duration_ms(slice_str(text), out) == -1)
		return complain(r, node,
		    "\"%.40s\" is not a time; write 500ms, 30s, 5m or 24h",
		    text);
	return 0;
}

static int
read_percent(struct reading *r, const struct doc_node *node, unsigned *out)
{
	const char *text = text_of(r, node);
	int64_t n;

	if (text == NULL)
		return -1;
	if (num_parse_int(slice_str(text), 1, 100, &n) == -1)
		return complain(r, node,
		    "\"%.40s\" is not a number from 1 to 100 (percent)", text);
	*out = (unsigned)n;
	return 0;
}

static int
read_outage(
    struct reading *r, const struct doc_node *node, enum verify_outage *out)
{
	const char *text = text_of(r, node);

	if (text == NULL)
		return -1;
	if (strcmp(text, "closed") == 0)
		*out = VERIFY_OUTAGE_CLOSED;
	else if (strcmp(text, "open") == 0)
		*out = VERIFY_OUTAGE_OPEN;
	else if (strcmp(text, "last-known-good") == 0)
		*out = VERIFY_OUTAGE_LAST_GOOD;
	else
		return complain(r, node,
		    "\"%.40s\" is not closed, open or last-known-good", text);
	return 0;
}

static int
read_policy(
    struct reading *r, const struct doc_node *node, enum verify_policy *out)
{
	const char *text = text_of(r, node), *name;

	if (text == NULL)
		return -1;
	for (size_t n = 0; (name = verify_config_policy_name(n)) != NULL; n++)
		if (strcmp(text, name) == 0) {
			*out = (enum verify_policy)n;
			return 0;
		}
	return complain(r, node, "\"%.40s\" is not any or all", text);
}

static int
read_deny(struct reading *r, const struct doc_node *node, enum verify_role *out)
{
	bool deny;

	if (read_bool(r, node, &deny) == -1)
		return -1;
	*out = deny ? VERIFY_ROLE_DENY : VERIFY_ROLE_ALLOW;
	return 0;
}

/* Puts the value where the field of *filled is. */
static int
read_value(struct reading *r, const struct field *field,
    const struct doc_node *node, void *filled)
{
	char *to = (char *)filled + field->at;

	switch (field->kind) {
	case VALUE_TEXT:
		return (*(const char **)(void *)to = text_of(r, node)) != NULL
		    ? 0
		    : -1;
	case VALUE_BOOL:
		return read_bool(r, node, (bool *)to);
	case VALUE_DURATION:
		return read_duration(r, node, (uint64_t *)(void *)to);
	case VALUE_PERCENT:
		return read_percent(r, node, (unsigned *)(void *)to);
	case VALUE_OUTAGE:
		return read_outage(r, node, (enum verify_outage *)(void *)to);
	case VALUE_POLICY:
		return read_policy(r, node, (enum verify_policy *)(void *)to);
	case VALUE_DENY:
		return read_deny(r, node, (enum verify_role *)(void *)to);
	case VALUE_SOURCES:
		return read_sources(r, node);
	}
	return -1;
}

static const struct field *
find_field(const struct field *fields, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(name, fields[i].name))
			return &fields[i];
	return NULL;
}

/* -1 when a key comes twice, or is not a text. */
static int
check_keys(struct reading *r, const struct doc_node *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct doc_node *key = map->items[2 * i];

		if (key->kind != DOC_SCALAR)
			return complain(r, key, "expected a name");
		for (size_t k = 0; k < i; k++)
			if (slice_eq(map->items[2 * k]->text, key->text))
				return complain(r, key,
				    "\"%.*s\" is set a second time",
				    (int)key->text.n,
				    (const char *)key->text.p);
	}
	return 0;
}

static int
complain_unknown(
    struct reading *r, const struct doc_node *key, const struct spelling *near)
{
	const char *best = spelling_best(near);

	return complain(r, key, "\"%.*s\" is not known%s%s%s",
	    (int)(key->text.n < 40 ? key->text.n : 40),
	    (const char *)key->text.p, best != NULL ? "; is it \"" : "",
	    best != NULL ? best : "", best != NULL ? "\"?" : "");
}

/* The kind that a row names, and the place of its argument. */
static const struct verify_source_kind *
find_kind(const struct doc_node *map, const struct doc_node **argument)
{
	const struct verify_source_kind *kind;

	for (size_t n = 0; (kind = verify_kinds_get(n)) != NULL; n++) {
		*argument = doc_get(map, kind->name);
		if (*argument != NULL)
			return kind;
	}
	return NULL;
}

/* A row that names no kind; most often the name is misspelt. */
static int
complain_kindless(struct reading *r, const struct doc_node *map)
{
	const struct doc_node *key = map->count > 0 ? map->items[0] : map;
	struct spelling near =
	    spelling_of(map->count > 0 ? key->text : slice_str(""));
	const struct verify_source_kind *kind;
	char kinds[256];
	struct writer w = writer_of(kinds, sizeof kinds);
	const char *best;

	for (size_t n = 0; (kind = verify_kinds_get(n)) != NULL; n++) {
		spelling_consider(&near, kind->name);
		writer_printf(&w, "%s%s", n > 0 ? ", " : "", kind->name);
	}
	best = spelling_best(&near);
	if (best != NULL)
		return complain(r, key,
		    "\"%.*s\" is not a kind of source; is it \"%s\"?",
		    (int)(key->text.n < 40 ? key->text.n : 40),
		    (const char *)key->text.p, best);
	return complain(r, key,
	    "the kind of this source is missing, as in \"nodes: FILE\"; "
	    "kinds are %.*s",
	    (int)writer_slice(&w).n, kinds);
}

/* A setting that only this kind has. */
static int
read_option(struct reading *r, const struct verify_option *option,
    const struct doc_node *node, struct verify_source_config *row)
{
	const char *text = NULL;
	uint64_t ms;
	bool on;

	switch (option->type) {
	case VERIFY_OPTION_TEXT:
	case VERIFY_OPTION_FILE:
		text = text_of(r, node);
		break;
	case VERIFY_OPTION_WORDS:
		text = words_of(r, node);
		break;
	case VERIFY_OPTION_BOOL:
		if (read_bool(r, node, &on) == -1)
			return -1;
		text = on ? "true" : "false";
		break;
	case VERIFY_OPTION_DURATION:
		if (read_duration(r, node, &ms) == -1)
			return -1;
		text = arena_printf(
		    r->config->arena, "%llu", (unsigned long long)ms);
		break;
	}
	if (text == NULL)
		return -1;
	row->options[row->option_count++] =
	    (struct verify_option_value){ .name = option->name, .value = text };
	return 0;
}

static int
read_row_value(struct reading *r, const struct doc_node *key,
    const struct doc_node *value, struct verify_source_config *row)
{
	const struct verify_option *o = row->kind->options;
	const struct field *field =
	    find_field(row_fields, COUNT(row_fields), key->text);
	struct spelling near = spelling_of(key->text);

	if (slice_is(key->text, row->kind->name))
		return 0;
	if (field != NULL)
		return read_value(r, field, value, row);
	for (; o != NULL && o->name != NULL; o++) {
		if (slice_is(key->text, o->name))
			return read_option(r, o, value, row);
		spelling_consider(&near, o->name);
	}
	for (size_t i = 0; i < COUNT(row_fields); i++)
		spelling_consider(&near, row_fields[i].name);
	return complain_unknown(r, key, &near);
}

/* What is settled between the settings of a row. */
static int
check_row(struct reading *r, const struct doc_node *map,
    struct verify_source_config *row)
{
	const enum verify_outage outage = row->outage != VERIFY_OUTAGE_DEFAULT
	    ? row->outage
	    : row->kind->outage;

	if (row->outage == VERIFY_OUTAGE_OPEN && !row->kind->can_fail_open)
		return complain(
		    r, map, "source %s cannot fail open", row->kind->name);
	if (row->ca_file != NULL && !row->kind->uses_ca_file)
		return complain(r, map, "source %s does not use a ca-file",
		    row->kind->name);
	if (doc_get(map, "outage-for") != NULL &&
	    outage != VERIFY_OUTAGE_OPEN && outage != VERIFY_OUTAGE_LAST_GOOD)
		return complain(
		    r, map, "outage-for has no effect with outage: closed");
	if (outage == VERIFY_OUTAGE_LAST_GOOD &&
	    doc_get(map, "outage-for") == NULL)
		row->outage_ms = OUTAGE_MS;
	if (doc_get(map, "recheck") == NULL)
		row->recheck_ms = RECHECK_MS;
	return 0;
}

static int
read_row(struct reading *r, const struct doc_node *node)
{
	const struct doc_node *map = doc_resolve(node), *place = NULL;
	const struct verify_source_kind *kind;
	struct verify_source_config *row;
	struct fail reason = { 0 };
	const char *argument;

	if (map == NULL || map->kind != DOC_MAPPING)
		return complain(r, node,
		    "expected a source: its kind and what it is, as in "
		    "\"nodes: FILE\"");
	if (check_keys(r, map) == -1)
		return -1;
	kind = find_kind(map, &place);
	if (kind == NULL)
		return complain_kindless(r, map);
	argument = kind->argument_type == VERIFY_OPTION_WORDS
	    ? words_of(r, place)
	    : text_of(r, place);
	if (argument == NULL)
		return -1;
	if (kind->check != NULL && kind->check(argument, &reason) == -1)
		return complain(r, place, "%s", reason.text);
	row = verify_config_add(r->config, kind->name, argument, &reason);
	if (row == NULL)
		return complain(r, place, "%s", reason.text);
	row->follow = true;
	for (size_t i = 0; i < map->count; i++)
		if (read_row_value(
			r, map->items[2 * i], map->items[2 * i + 1], row) == -1)
			return -1;
	return check_row(r, node, row);
}

static int
read_sources(struct reading *r, const struct doc_node *node)
{
	const struct doc_node *list = doc_resolve(node);

	if (list == NULL || list->kind != DOC_SEQUENCE || list->count == 0)
		return complain(r, node, "expected a list of sources");
	for (size_t i = 0; i < list->count; i++)
		if (read_row(r, list->items[i]) == -1)
			return -1;
	return 0;
}

static int
read_top(struct reading *r, const struct doc_node *root)
{
	for (size_t i = 0; i < root->count; i++) {
		const struct doc_node *key = root->items[2 * i];
		const struct field *field =
		    find_field(top_fields, COUNT(top_fields), key->text);
		struct spelling near = spelling_of(key->text);

		for (size_t k = 0; k < COUNT(top_fields); k++)
			spelling_consider(&near, top_fields[k].name);
		if (field == NULL)
			return complain_unknown(r, key, &near);
		if (read_value(r, field, root->items[2 * i + 1], r->config) ==
		    -1)
			return -1;
	}
	return r->config->source_count > 0
	    ? 0
	    : complain(r, root, "sources: names none");
}

int
verify_settings_parse(struct verify_config *config, struct slice text,
    const char *name, struct fail *why)
{
	struct reading r = { .config = config, .name = name, .why = why };
	struct fail reason = { 0 };
	const char *copy = NULL;
	struct doc doc;
	int rc = -1;

	config->arena = arena_new(ARENA_MAX);
	if (config->arena != NULL)
		copy = arena_text(config->arena, (const char *)text.p, text.n);
	if (copy == NULL) {
		verify_config_clear(config);
		return fail_set(why, "out of memory");
	}
	text = slice_of(copy, text.n);
	if (doc_yaml_read(&doc, config->arena, text, &reason) == -1)
		fail_at(why, reason.line, reason.column, "%s:%u:%u: %s", name,
		    reason.line, reason.column, reason.text);
	else if (doc.root == NULL || doc.root->kind != DOC_MAPPING)
		fail_at(why, 1, 1, "%s:1:1: expected \"sources:\"", name);
	else if (check_keys(&r, doc.root) == 0)
		rc = read_top(&r, doc.root);
	if (rc == -1)
		verify_config_clear(config);
	return rc;
}

int
verify_settings_load(
    struct verify_config *config, const char *path, struct fail *why)
{
	const struct filestamp stamp = filestamp_of(path);
	struct buf text;
	int rc = infile_read(&text, path, VERIFY_SETTINGS_BYTES_MAX, why);

	if (rc == 0)
		rc = verify_settings_parse(
		    config, buf_slice(&text), infile_name(path), why);
	if (rc == 0) {
		config->stamp = stamp;
		crypto_generichash(config->digest, sizeof config->digest,
		    buf_slice(&text).p, buf_len(&text), NULL, 0);
	}
	buf_clear(&text);
	return rc;
}
