/* verify_list: see verify_list.h. */
#include "verify_list.h"

#include "verify_revoke.h"

#include <stdlib.h>
#include <string.h>

int
verify_list_init(struct verify_list *l, const char *name,
    const struct verify_source_context *context)
{
	pthread_mutex_init(&l->lock, NULL);
	l->context = *context;
	l->expired_s = context->wall_s();
	l->nodes = NULL;
	l->name = strdup(name);
	return l->name != NULL ? 0 : -1;
}

void
verify_list_clear(struct verify_list *l)
{
	verify_nodes_free(l->nodes);
	pthread_mutex_destroy(&l->lock);
	free(l->name);
}

size_t
verify_list_count(struct verify_list *l)
{
	size_t n;

	pthread_mutex_lock(&l->lock);
	n = l->nodes != NULL ? verify_nodes_count(l->nodes) : 0;
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* Whether the list allows the key. */
static bool
allows(const struct verify_nodes *nodes, const struct derp_key *key, int64_t s)
{
	const struct verify_node *node = verify_nodes_find(nodes, key);

	return node != NULL && !verify_nodes_is_expired(node, s);
}

/* Names the keys that the old list allowed and the new one does not. Only the
 * refreshing thread changes lists: it may read both without the lock. */
static void
revoke_missing(struct verify_list *l, const struct verify_nodes *old)
{
	const int64_t now_s = l->context.wall_s();

	if (l->context.revoke == NULL || old == NULL)
		return;
	verify_revoke_changed(l->context.revoke);
	for (const struct verify_node *n = verify_nodes_first(old); n != NULL;
	     n = n->next)
		if (!allows(l->nodes, &n->key, now_s))
			verify_revoke_left(l->context.revoke, &n->key, n->name);
}

void
verify_list_replace(
    struct verify_list *l, struct verify_nodes *nodes, bool believe)
{
	struct verify_nodes *old = l->nodes;
	const size_t before = verify_list_count(l);
	const size_t now = verify_nodes_count(nodes);

	if (now == 0 && before > 0 && !believe) {
		verify_nodes_free(nodes);
		verify_source_notify(&l->context,
		    "%s is empty now; keeping the %zu keys of the last good "
		    "list (SIGHUP makes it take effect)",
		    l->name, before);
		return;
	}
	pthread_mutex_lock(&l->lock);
	l->nodes = nodes;
	pthread_mutex_unlock(&l->lock);
	if (old != NULL)
		verify_source_notify(&l->context,
		    "%s reloaded: %zu keys (was %zu)%s", l->name, now, before,
		    now < before / 2 ? "; less than half of them are left"
				     : "");
	else if (now == 0)
		verify_source_notify(
		    &l->context, "%s is empty: it admits nobody", l->name);
	revoke_missing(l, old);
	verify_nodes_free(old);
}

void
verify_list_expire(struct verify_list *l)
{
	const int64_t now_s = l->context.wall_s();
	const int64_t since_s = l->expired_s;

	l->expired_s = now_s;
	if (l->context.revoke == NULL || l->nodes == NULL || now_s == since_s)
		return;
	/* an answer of a moment ago may rest on the old time */
	verify_revoke_changed(l->context.revoke);
	for (const struct verify_node *n = verify_nodes_first(l->nodes);
	     n != NULL; n = n->next)
		if (n->expires_s > since_s && n->expires_s <= now_s)
			verify_revoke_left(l->context.revoke, &n->key, n->name);
}

void
verify_list_ask(struct verify_list *l, const struct derp_key *key,
    struct verify_answer *answer)
{
	const struct verify_node *node;
	char text[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];
	const char *gap;

	derp_key_format(key, text);
	pthread_mutex_lock(&l->lock);
	node = l->nodes != NULL ? verify_nodes_find(l->nodes, key) : NULL;
	gap = node != NULL && node->name[0] != '\0' ? " " : "";
	if (node == NULL) {
		verify_answer_set(answer, VERIFY_DENY,
		    "peer %s not authorized (not in %s)", text, l->name);
	} else if (verify_nodes_is_expired(node, l->context.wall_s())) {
		verify_nodes_format_time(node->expires_s, time);
		verify_answer_set(answer, VERIFY_DENY,
		    "peer %s not authorized (%s%sexpired %s in %s)", text,
		    node->name, gap, time, l->name);
	} else {
		verify_answer_set(answer, VERIFY_ALLOW, "%s%sin %s", node->name,
		    gap, l->name);
	}
	pthread_mutex_unlock(&l->lock);
}
