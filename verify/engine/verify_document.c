/* verify_document: see verify_document.h. */
#include "verify_document.h"

#include "verify_rows.h"

#include <jansson.h>

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
	    verify_nodes_add(list, &key, VERIFY_NODES_NEVER, name, &reason) ==
		0)
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

static int
parse_json(struct verify_nodes *list, struct slice text, struct fail *why)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text.p, text.n,
	    JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
	int rc;

	if (root == NULL)
		return fail_at(why, error.line > 0 ? (unsigned)error.line : 0,
		    error.column > 0 ? (unsigned)error.column : 0,
		    "bad JSON: %s", error.text);
	rc = verify_rows_add(list, root, why);
	json_decref(root);
	return rc;
}

typedef int parse_fn(
    struct verify_nodes *list, struct slice text, struct fail *why);

static struct verify_nodes *
parse_with(parse_fn *parse, struct slice text, struct fail *why)
{
	struct verify_nodes *list;

	if (text.n > VERIFY_DOCUMENT_BYTES_MAX) {
		fail_set(why, "larger than %zu MiB",
		    VERIFY_DOCUMENT_BYTES_MAX >> 20);
		return NULL;
	}
	list = verify_nodes_new();
	if (list == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	if (parse(list, text, why) == 0)
		return list;
	verify_nodes_free(list);
	return NULL;
}

struct verify_nodes *
verify_document_parse_json(struct slice text, struct fail *why)
{
	return parse_with(parse_json, text, why);
}

/* JSON begins like JSON; a key and a comment begin otherwise. */
static bool
is_json(struct slice text)
{
	struct slice s = slice_trim(text);

	return slice_starts(s, "[") || slice_starts(s, "{") ||
	    slice_is(s, "null");
}

struct verify_nodes *
verify_document_parse(struct slice text, struct fail *why)
{
	if (slice_starts(text, "\xef\xbb\xbf")) /* as some editors put it */
		text = slice_of(text.p + 3, text.n - 3);
	return parse_with(is_json(text) ? parse_json : parse_plain, text, why);
}
