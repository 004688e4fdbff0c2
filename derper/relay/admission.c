/* admission: see admission.h. */
#include "admission.h"

#include "client.h"
#include "conn.h"
#include "conn_table.h"
#include "mailbox.h"
#include "registry.h"
#include "relay.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>

#define CLIENTS_MIN 256

/* A question on its way, and its answer as a message. Owned by whoever is about
 * to answer; the connection only knows that one is pending. */
struct admission {
	struct message message;  /* first member */
	struct mailbox *mailbox; /* of the connection's worker */
	struct conn_addr addr;
	void (*answered)(struct conn *conn, const struct verify_answer *answer);
	struct verify_answer answer;
};

static void
handle_answer(void *ctx, struct message *m)
{
	struct worker *worker = ctx;
	struct admission *a = (struct admission *)m;
	struct conn *conn = conn_table_get(worker->conns, a->addr);

	if (conn != NULL)
		a->answered(conn, &a->answer);
	free(a);
}

static void
drop_answer(struct message *m)
{
	free(m);
}

/* On a thread of the engine. */
static void
post_answer(void *ctx, const struct verify_answer *answer)
{
	struct admission *a = ctx;

	a->answer = *answer;
	mailbox_post(a->mailbox, &a->message, &a->message);
}

enum admission_result
admission_ask(const struct relay_shared *shared, struct conn *conn,
    const struct derp_key *key,
    void (*answered)(struct conn *conn, const struct verify_answer *answer),
    struct verify_answer *answer)
{
	struct admission *a;

	if (shared->verify == NULL) {
		*answer = (struct verify_answer){ .verdict = VERIFY_ALLOW };
		return ADMISSION_DECIDED;
	}
	a = malloc(sizeof *a);
	if (a == NULL)
		return ADMISSION_NO_MEMORY;
	*a = (struct admission){ .message = { .handle = handle_answer,
				     .drop = drop_answer },
		.mailbox = shared->crossing->mailboxes[conn->addr.worker],
		.addr = conn->addr,
		.answered = answered };
	if (!verify_current_ask(
		shared->verify, key, &conn->remote, answer, post_answer, a))
		return ADMISSION_PENDING;
	free(a);
	return ADMISSION_DECIDED;
}

static bool
is_of(const void *ctx, const void *arg)
{
	const struct admission *a = ctx;
	const struct conn_addr *addr = arg;

	return conn_addr_eq(a->addr, *addr);
}

void
admission_cancel(const struct relay_shared *shared, const struct conn *conn,
    const struct derp_key *key)
{
	if (shared->verify != NULL)
		free(verify_current_cancel(
		    shared->verify, key, &conn->remote, is_of, &conn->addr));
}

/* A connection that is to be ended. */
struct revocation {
	struct message message; /* first member */
	struct conn_addr addr;
	char reason[VERIFY_REASON_MAX];
};

bool
admission_is_connected(void *ctx, const struct derp_key *key)
{
	const struct relay_shared *shared = ctx;

	return registry_count(shared->registry, key) > 0;
}

/* Clients that are being collected. */
struct clients {
	struct verify_client *v; /* owned */
	size_t count, room;
	bool failed; /* memory is short */
};

static void
add_client(void *ctx, const struct derp_key *key, const struct netaddr *remote)
{
	struct clients *all = ctx;

	if (all->count == all->room) {
		const size_t room = all->room * 2 + CLIENTS_MIN;
		struct verify_client *grown =
		    reallocarray(all->v, room, sizeof *grown);

		all->failed = all->failed || grown == NULL;
		if (grown == NULL)
			return;
		all->v = grown;
		all->room = room;
	}
	all->v[all->count++] =
	    (struct verify_client){ .key = *key, .addr = *remote };
}

int
admission_connected(void *ctx, struct verify_client **clients, size_t *count)
{
	const struct relay_shared *shared = ctx;
	struct clients found = { 0 };

	registry_each_client(shared->registry, add_client, &found);
	if (found.failed) {
		free(found.v);
		return -1;
	}
	*clients = found.v;
	*count = found.count;
	return 0;
}

void
admission_end(struct conn *conn, const char *reason)
{
	const struct client *client = conn->session;
	char remote[NETADDR_TEXT], text[DERP_KEY_TEXT];

	counters_add(&conn->worker->counters->revoked, 1);
	if (log_allowed(
		&client->relay->log_revoked, loop_now_ms(conn->worker->loop))) {
		netaddr_format(&conn->remote, remote);
		derp_key_format(client_key(client), text);
		log_warn("derp: %s: client %s disconnected: %s", remote, text,
		    reason);
	}
	conn_end_unlogged(conn, reason);
}

static void
handle_revocation(void *ctx, struct message *m)
{
	struct worker *worker = ctx;
	const struct revocation *r = (struct revocation *)m;
	const struct client *client = client_at(worker, r->addr);

	/* a mesh peer was admitted by another right */
	if (client != NULL && !client->is_mesh)
		admission_end(client->conn, r->reason);
	free(m);
}

static void
free_all(struct message *first)
{
	while (first != NULL) {
		struct message *next = first->next;

		free(first);
		first = next;
	}
}

/* All or none, so that who is told of a failure may begin again. */
int
admission_revoked(
    void *ctx, const struct derp_key *key, const char *name, const char *reason)
{
	const struct relay_shared *shared = ctx;
	struct conn_addr addrs[REGISTRY_MEMBERS_MAX];
	const size_t count = registry_addresses(shared->registry, key, addrs);
	struct message *first = NULL, *next = NULL;

	for (size_t i = 0; i < count; i++) {
		struct revocation *r = malloc(sizeof *r);

		if (r == NULL) {
			free_all(first);
			return -1;
		}
		*r = (struct revocation){ .message = { .next = first,
					      .handle = handle_revocation,
					      .drop = drop_answer },
			.addr = addrs[i] };
		snprintf(r->reason, sizeof r->reason, "%s%s%s", name,
		    name[0] != '\0' ? ": " : "", reason);
		first = &r->message;
	}
	for (; first != NULL; first = next) {
		const struct revocation *r = (struct revocation *)first;

		next = first->next;
		mailbox_post(
		    shared->crossing->mailboxes[r->addr.worker], first, first);
	}
	return 0;
}
