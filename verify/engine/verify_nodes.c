/* verify_nodes: see verify_nodes.h. */
#include "verify_nodes.h"

#include "arena.h"
#include "keytable.h"
#include "utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_BYTES 63 /* of a node's name; the rest is cut */
/* Go's zero time, 0001-01-01T00:00:00Z: headscale's other way to say never */
#define GO_ZERO_TIME_S INT64_C(-62135596800)

/* Everything that can be allocated for VERIFY_NODES_MAX nodes. */
#define ARENA_MAX ((size_t)VERIFY_NODES_MAX * 256)

struct verify_nodes {
	struct arena *arena;     /* owned; holds the nodes */
	struct keytable *by_key; /* owned; values are struct verify_node */
	struct verify_node *first, *last;
};

static int parse_plain(
    struct verify_nodes *list, struct slice text, struct fail *why);
static int parse_json(
    struct verify_nodes *list, struct slice text, struct fail *why);

/* JSON begins like JSON; a key and a comment begin otherwise. */
static bool
is_json(struct slice text)
{
	struct slice s = slice_trim(text);

	return slice_starts(s, "[") || slice_starts(s, "{") ||
	    slice_is(s, "null");
}

struct verify_nodes *
verify_nodes_parse(struct slice text, struct fail *why)
{
	struct verify_nodes *list;
	int rc;

	if (text.n > VERIFY_NODES_BYTES_MAX) {
		fail_set(
		    why, "larger than %zu MiB", VERIFY_NODES_BYTES_MAX >> 20);
		return NULL;
	}
	list = calloc(1, sizeof *list);
	if (list == NULL)
		goto short_of_memory;
	list->arena = arena_new(ARENA_MAX);
	list->by_key = keytable_new(VERIFY_NODES_MAX);
	if (list->arena == NULL || list->by_key == NULL)
		goto short_of_memory;
	if (slice_starts(text, "\xef\xbb\xbf")) /* as some editors put it */
		text = slice_of(text.p + 3, text.n - 3);
	rc = is_json(text) ? parse_json(list, text, why)
			   : parse_plain(list, text, why);
	if (rc == 0)
		return list;
	verify_nodes_free(list);
	return NULL;

short_of_memory:
	verify_nodes_free(list);
	fail_set(why, "out of memory");
	return NULL;
}

void
verify_nodes_free(struct verify_nodes *list)
{
	if (list == NULL)
		return;
	keytable_free(list->by_key);
	arena_free(list->arena);
	free(list);
}

/* Copies a name so that it is safe in a log line and on a terminal. */
static const char *
copy_name(struct arena *arena, struct slice name)
{
	uint8_t text[NAME_MAX_BYTES];
	struct writer w = writer_of(text, sizeof text);
	struct reader r = { .rest = name };

	while (r.rest.n > 0 && !w.failed) {
		uint32_t code;
		size_t n = utf8_next(r.rest, &code);
		struct slice one = reader_take(&r, n > 0 ? n : 1);

		/* controls, those of ISO 8859 included, and bad UTF-8 */
		if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			writer_u8(&w, '?');
		else
			writer_bytes(&w, one.p, one.n);
	}
	return arena_text(arena, (const char *)text, w.n);
}

/* Adds a node. Of a key that is listed twice the earlier expiry counts: who was
 * put off the relay must not come back by an old row. */
static int
add(struct verify_nodes *list, const struct derp_key *key, int64_t expires_s,
    struct slice name, struct fail *why)
{
	struct verify_node *node = keytable_get(list->by_key, key->b);

	if (node != NULL) {
		if (node->expires_s > expires_s)
			node->expires_s = expires_s;
		return 0;
	}
	if (verify_nodes_count(list) == VERIFY_NODES_MAX)
		return fail_set(why, "more than %d nodes", VERIFY_NODES_MAX);
	node = arena_alloc(list->arena, 1, sizeof *node);
	if (node == NULL)
		return fail_set(why, "out of memory");
	node->key = *key;
	node->expires_s = expires_s;
	node->name = copy_name(list->arena, name);
	if (node->name == NULL ||
	    keytable_put(list->by_key, key->b, node) == -1)
		return fail_set(why, "out of memory");
	if (list->last != NULL)
		list->last->next = node;
	else
		list->first = node;
	list->last = node;
	return 0;
}

int
verify_nodes_parse_key(
    struct slice text, struct derp_key *key, struct fail *why)
{
	const int shown = text.n < 80 ? (int)text.n : 80;

	if (derp_key_parse(key, text) == -1 &&
	    derp_key_parse_hex(key, text) == -1)
		return fail_set(why,
		    "\"%.*s\" is not a valid node key (nodekey: and 64 hex "
		    "digits)",
		    utf8_valid(text) ? shown : 0, (const char *)text.p);
	if (derp_key_is_zero(key))
		return fail_set(why, "the zero key is nobody's");
	return 0;
}

/* The text up to the first blank, and the rest. */
static void
cut_word(struct slice s, struct slice *word, struct slice *rest)
{
	struct reader r = { .rest = s };
	size_t n = 0;

	while (r.rest.n > 0) {
		uint8_t c = reader_u8(&r);

		if (c == ' ' || c == '\t')
			break;
		n++;
	}
	*word = slice_of(s.p, n);
	*rest = slice_trim(slice_of(s.p + n, s.n - n));
}

static int
parse_line(struct verify_nodes *list, struct slice line, unsigned number,
    struct fail *why)
{
	struct slice word, name, comment;
	struct fail reason = { 0 };
	struct derp_key key;

	slice_cut(line, '#', &line, &comment);
	line = slice_trim(line);
	if (line.n == 0)
		return 0;
	cut_word(line, &word, &name);
	if (verify_nodes_parse_key(word, &key, &reason) == 0 &&
	    add(list, &key, VERIFY_NODES_NEVER, name, &reason) == 0)
		return 0;
	return fail_at(why, number, 1, "%s", reason.text);
}

static int
parse_plain(struct verify_nodes *list, struct slice text, struct fail *why)
{
	struct slice line;

	for (unsigned number = 1; text.n > 0; number++) {
		slice_cut(text, '\n', &line, &text);
		if (parse_line(list, line, number, why) == -1)
			return -1;
	}
	return 0;
}

/* RFC 3339, as Go writes it: any number of digits of a second, any offset.
 * -1 when it is something else. */
static int
parse_rfc3339(const char *text, int64_t *out)
{
	int year, month, day, hour, minute, second, used = 0;
	int off_hour = 0, off_minute = 0, off_used = 0;
	struct tm tm;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day,
		&hour, &minute, &second, &used) != 6 ||
	    used != 19)
		return -1;
	text += used;
	if (*text == '.') {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits == 0)
			return -1;
		text += 1 + digits;
	}
	if (strcmp(text, "Z") != 0) {
		if ((*text != '+' && *text != '-') ||
		    sscanf(text + 1, "%2d:%2d%n", &off_hour, &off_minute,
			&off_used) != 2 ||
		    off_used != 5 || text[6] != '\0')
			return -1;
		if (*text == '-') {
			off_hour = -off_hour;
			off_minute = -off_minute;
		}
	}
	if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60)
		return -1;
	tm = (struct tm){
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
	};
	*out = timegm(&tm) - (off_hour * 60 + off_minute) * 60;
	return 0;
}

/* null and absent: never; text; or {"seconds":N,"nanos":N}, zeros left out. */
static int
parse_expiry(const json_t *value, int64_t *out)
{
	const json_t *seconds;

	if (value == NULL || json_is_null(value)) {
		*out = VERIFY_NODES_NEVER;
		return 0;
	}
	if (json_is_string(value)) {
		if (parse_rfc3339(json_string_value(value), out) == -1)
			return -1;
	} else if (json_is_object(value)) {
		seconds = json_object_get(value, "seconds");
		if (seconds != NULL && !json_is_integer(seconds))
			return -1;
		*out = json_integer_value(seconds);
	} else {
		return -1;
	}
	if (*out <= GO_ZERO_TIME_S)
		*out = VERIFY_NODES_NEVER;
	return 0;
}

/* The member under its old name or its new one. */
static const json_t *
member(const json_t *object, const char *snake, const char *camel)
{
	const json_t *value = json_object_get(object, snake);

	return value != NULL ? value : json_object_get(object, camel);
}

static struct slice
text_of(const json_t *value)
{
	if (!json_is_string(value))
		return slice_of("", 0);
	return slice_of(json_string_value(value), json_string_length(value));
}

/* A row with both names must mean one key. */
static bool
has_two_keys(const json_t *row)
{
	const json_t *snake = json_object_get(row, "node_key");
	const json_t *camel = json_object_get(row, "nodeKey");

	return snake != NULL && camel != NULL && !json_equal(snake, camel);
}

static int
parse_node(struct verify_nodes *list, const json_t *row, struct fail *why)
{
	const json_t *text = member(row, "node_key", "nodeKey");
	struct slice name = text_of(member(row, "given_name", "givenName"));
	struct derp_key key;
	int64_t expires_s;

	if (!json_is_object(row))
		return fail_set(why, "is not an object");
	if (has_two_keys(row))
		return fail_set(why, "has a node_key and another nodeKey");
	if (!json_is_string(text))
		return fail_set(why, "has no node_key or nodeKey");
	if (derp_key_parse(&key, text_of(text)) == -1)
		return fail_set(why, "has a bad node key \"%.80s\"",
		    json_string_value(text));
	if (parse_expiry(json_object_get(row, "expiry"), &expires_s) == -1)
		return fail_set(why, "has an expiry that is not a time");
	/* a row without a key of its own admits nobody, but it must not make
	 * the other rows unreadable either */
	if (derp_key_is_zero(&key))
		return 0;
	if (name.n == 0)
		name = text_of(json_object_get(row, "name"));
	return add(list, &key, expires_s, name, why);
}

/* The array of nodes in the document; NULL when it is another document. An
 * absent list is an empty one where headscale writes it so. */
static const json_t *
find_rows(const json_t *root, bool *empty)
{
	const json_t *rows = root;

	if (json_is_object(root))
		rows = json_object_get(root, "nodes");
	*empty = json_is_null(rows);
	return json_is_array(rows) ? rows : NULL;
}

static int
parse_json(struct verify_nodes *list, struct slice text, struct fail *why)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text.p, text.n,
	    JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
	const json_t *rows;
	struct fail reason = { 0 };
	bool empty;
	int rc = 0;

	if (root == NULL)
		return fail_at(why, error.line > 0 ? (unsigned)error.line : 0,
		    error.column > 0 ? (unsigned)error.column : 0,
		    "bad JSON: %s", error.text);
	rows = find_rows(root, &empty);
	if (rows == NULL && !empty)
		rc = fail_set(why,
		    "is neither a list of nodes nor an object with \"nodes\"");
	for (size_t i = 0; rc == 0 && i < json_array_size(rows); i++) {
		rc = parse_node(list, json_array_get(rows, i), &reason);
		if (rc == -1)
			fail_set(why, "node %zu %s", i + 1, reason.text);
	}
	json_decref(root);
	return rc;
}

size_t
verify_nodes_count(const struct verify_nodes *list)
{
	return keytable_count(list->by_key);
}

const struct verify_node *
verify_nodes_find(const struct verify_nodes *list, const struct derp_key *key)
{
	return keytable_get(list->by_key, key->b);
}

const struct verify_node *
verify_nodes_first(const struct verify_nodes *list)
{
	return list->first;
}

bool
verify_nodes_is_expired(const struct verify_node *node, int64_t now_s)
{
	return node->expires_s <= now_s;
}

void
verify_nodes_format_time(
    int64_t time_s, char out[static VERIFY_NODES_TIME_TEXT])
{
	const time_t time = time_s;
	struct tm tm;

	if (time_s == VERIFY_NODES_NEVER || gmtime_r(&time, &tm) == NULL ||
	    strftime(out, VERIFY_NODES_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) ==
		0)
		snprintf(out, VERIFY_NODES_TIME_TEXT, "never");
}
