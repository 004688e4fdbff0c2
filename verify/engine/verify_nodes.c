/* verify_nodes: see verify_nodes.h. */
#include "verify_nodes.h"

#include "arena.h"
#include "keytable.h"
#include "utf8.h"
#include "verify_set.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAME_MAX_BYTES 63 /* of a node's name; the rest is cut */

/* Everything that can be allocated for VERIFY_NODES_MAX nodes. */
#define ARENA_MAX ((size_t)VERIFY_NODES_MAX * 256)

struct verify_nodes {
	struct arena *arena;     /* owned; holds the nodes */
	struct keytable *by_key; /* owned; values are struct verify_node */
	struct verify_node *first, *last;
};

struct verify_nodes *
verify_nodes_new(void)
{
	struct verify_nodes *list = calloc(1, sizeof *list);

	if (list == NULL)
		return NULL;
	list->arena = arena_new(ARENA_MAX);
	list->by_key =
	    keytable_new(VERIFY_NODES_MAX, offsetof(struct verify_node, key));
	if (list->arena != NULL && list->by_key != NULL)
		return list;
	verify_nodes_free(list);
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

int
verify_nodes_add(struct verify_nodes *list, const struct derp_key *key,
    int64_t expires_s, struct slice name, struct fail *why)
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
	if (node->name == NULL || keytable_put(list->by_key, node) == -1)
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

int
verify_nodes_put(
    const struct verify_nodes *list, struct verify_set *set, struct fail *why)
{
	for (const struct verify_node *n = list->first; n != NULL; n = n->next)
		if (verify_set_add(set,
			&(struct verify_set_node){ .key = n->key,
			    .name = n->name,
			    .expires_s = n->expires_s },
			why) == -1)
			return -1;
	return 0;
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
