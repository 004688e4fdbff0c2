/* verify_last_good: see verify_last_good.h. */
#include "verify_last_good.h"

#include "buf.h"
#include "infile.h"
#include "newfile.h"
#include "num.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "derpkit-last-good 1"
#define NODE_TEXT_MAX 192 /* bytes of a line: key, two numbers, name */
#define TEXT_MAX ((size_t)VERIFY_SET_MAX * NODE_TEXT_MAX + 128)
#define ID_BYTES 8
#define TRUE_S_MAX (INT64_MAX / 1000) /* ages are told in milliseconds */

static void
hash_text(crypto_generichash_state *hash, const char *text)
{
	crypto_generichash_update(
	    hash, (const unsigned char *)text, strlen(text));
}

/* Of a row with an argument alone it is the hash of that. A NUL, which no
 * text has, keeps the parts apart. */
static void
hash_row(crypto_generichash_state *hash, const struct verify_source_config *row)
{
	static const unsigned char nul[1];
	const struct verify_option *o = row->kind->options;

	hash_text(hash, row->argument);
	if (row->role == VERIFY_ROLE_DENY) {
		crypto_generichash_update(hash, nul, sizeof nul);
		hash_text(hash, "deny");
	}
	for (; o != NULL && o->name != NULL; o++) {
		const char *value = verify_source_option(row, o->name);

		if (value == NULL || value[0] == '\0')
			continue;
		crypto_generichash_update(hash, nul, sizeof nul);
		hash_text(hash, o->name);
		hash_text(hash, "=");
		hash_text(hash, value);
	}
}

static_assert(VERIFY_LAST_GOOD_ID == 2 * ID_BYTES + 1, "in hexadecimal");

void
verify_last_good_id(
    const struct verify_source_config *row, char id[static VERIFY_LAST_GOOD_ID])
{
	unsigned char bytes[ID_BYTES < crypto_generichash_BYTES_MIN
		? crypto_generichash_BYTES_MIN
		: ID_BYTES];
	crypto_generichash_state hash;

	crypto_generichash_init(&hash, NULL, 0, sizeof bytes);
	hash_row(&hash, row);
	crypto_generichash_final(&hash, bytes, sizeof bytes);
	sodium_bin2hex(id, VERIFY_LAST_GOOD_ID, bytes, ID_BYTES);
}

int
verify_last_good_path(const char *folder,
    const struct verify_source_config *row, char path[static PATH_MAX])
{
	char id[VERIFY_LAST_GOOD_ID];
	int n;

	verify_last_good_id(row, id);
	n = snprintf(
	    path, PATH_MAX, "%s/%s-%s.last-good", folder, row->kind->name, id);
	return n > 0 && n < PATH_MAX ? 0 : -1;
}

static int
put_node(struct buf *text, const struct verify_set_node *node)
{
	char hex[DERP_KEY_HEX_TEXT];

	derp_key_format_hex(&node->key, hex);
	return buf_printf(text, "%s %" PRId64 " %u%s%s\n", hex, node->expires_s,
	    node->flags, node->name[0] != '\0' ? " " : "", node->name);
}

int
verify_last_good_save(const char *path, const struct verify_set *set,
    int64_t true_s, struct fail *why)
{
	const size_t count = verify_set_count(set);
	struct verify_set_node node;
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = buf_printf(
	    &text, MAGIC " %" PRId64 " %zu\n", true_s > 0 ? true_s : 0, count);
	for (size_t i = 0; i < count && rc == 0; i++) {
		verify_set_at(set, i, &node);
		rc = put_node(&text, &node);
	}
	if (rc == -1)
		fail_set(why, "%s: out of memory", path);
	else
		rc = newfile_replace(path, buf_slice(&text), 0600, why);
	buf_clear(&text);
	return rc;
}

/* The text up to the next blank. */
static struct slice
take_word(struct slice *line)
{
	struct slice word;

	slice_cut(*line, ' ', &word, line);
	return word;
}

static int
parse_head(struct slice line, int64_t *true_s, size_t *count)
{
	uint64_t n;

	if (!slice_starts(line, MAGIC " "))
		return -1;
	line = slice_of(line.p + strlen(MAGIC " "), line.n - strlen(MAGIC " "));
	if (num_parse_int(take_word(&line), 0, TRUE_S_MAX, true_s) == -1 ||
	    num_parse_decimal(line, VERIFY_SET_MAX, &n) == -1)
		return -1;
	*count = (size_t)n;
	return 0;
}

static int
parse_node(struct verify_set *set, struct slice line, struct fail *why)
{
	struct verify_set_node node = { .name = NULL };
	char name[VERIFY_SET_NAME_MAX + 1];
	uint64_t flags;

	if (derp_key_parse_hex(&node.key, take_word(&line)) == -1 ||
	    num_parse_int(take_word(&line), INT64_MIN, INT64_MAX,
		&node.expires_s) == -1 ||
	    num_parse_decimal(take_word(&line), UINT32_MAX, &flags) == -1)
		return fail_set(why, "is damaged");
	snprintf(name, sizeof name, "%.*s",
	    (int)(line.n < sizeof name ? line.n : sizeof name - 1),
	    (const char *)line.p);
	node.name = name;
	node.flags = (unsigned)flags;
	return verify_set_add(set, &node, why);
}

struct verify_set *
verify_last_good_parse(struct slice text, int64_t *true_s, struct fail *why)
{
	struct verify_set *set = verify_set_new();
	struct slice line;
	size_t count = 0;
	int rc;

	if (set == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	slice_cut(text, '\n', &line, &text);
	rc = parse_head(line, true_s, &count);
	while (rc == 0 && text.n > 0) {
		slice_cut(text, '\n', &line, &text);
		rc = parse_node(set, line, why);
	}
	if (rc == 0 && verify_set_count(set) == count) {
		verify_set_seal(set);
		return set;
	}
	fail_set(why, "is damaged");
	verify_set_drop(set);
	return NULL;
}

struct verify_set *
verify_last_good_load(const char *path, int64_t *true_s, struct fail *why)
{
	struct verify_set *set = NULL;
	struct fail reason = { 0 };
	struct buf text;

	if (access(path, F_OK) == -1 && errno == ENOENT)
		return NULL;
	if (infile_read(&text, path, TEXT_MAX, why) == 0) {
		set = verify_last_good_parse(buf_slice(&text), true_s, &reason);
		if (set == NULL)
			fail_set(why, "%s: %s", path, reason.text);
	}
	buf_clear(&text);
	return set;
}
