/* admission: see admission.h. */
#include "admission.h"

#include "client.h"
#include "worker.h"

#include <stdlib.h>

/* A question on its way, and its answer as a message. Owned by whoever is about
 * to answer; the client only knows that one is pending. */
struct admission {
	struct message message; /* first member */
	struct server *server;
	struct conn_addr addr;
	struct verify_answer answer;
};

static void
log_fail_open(const struct client *c)
{
	char key[DERP_KEY_TEXT];

	derp_key_format(&c->key, key);
	if (log_allowed(&c->worker->log_login, loop_now_ms(c->worker->loop)))
		log_warn("admission controller unreachable; allowing client %s",
		    key);
}

static void
decide(struct client *c, const struct verify_answer *answer)
{
	bool allow = answer->verdict == VERIFY_ALLOW;

	if (allow && answer->fail_open)
		log_fail_open(c);
	client_admitted(c, allow, answer->reason);
}

static void
handle_answer(void *ctx, struct message *m)
{
	struct admission *a = (struct admission *)m;
	struct client *c = worker_client(ctx, a->addr);

	/* one that timed out meanwhile has ended, and its slot has a new
	 * generation */
	if (c != NULL && c->state == CLIENT_ADMISSION) {
		decide(c, &a->answer);
		client_resume(c);
	}
	free(a);
}

static void
drop_answer(struct message *m)
{
	free(m);
}

/* On a worker thread. */
static void
answered(void *ctx, const struct verify_answer *answer)
{
	struct admission *a = ctx;

	a->answer = *answer;
	mailbox_post(server_mailbox(a->server, a->addr.worker), &a->message,
	    &a->message);
}

void
admission_ask(struct client *c)
{
	struct worker *worker = c->worker;
	struct verify *verify = server_verify(worker->server);
	struct verify_answer answer = { .verdict = VERIFY_ALLOW };
	struct admission *a;

	if (verify == NULL) {
		decide(c, &answer);
		return;
	}
	a = malloc(sizeof *a);
	if (a == NULL) {
		client_end(c, "out of memory");
		return;
	}
	*a = (struct admission){ .message = { .handle = handle_answer,
				     .drop = drop_answer },
		.server = worker->server,
		.addr = c->addr };
	if (verify_ask(verify, &c->key, &c->remote, &answer, answered, a)) {
		free(a);
		decide(c, &answer);
		return;
	}
	client_park(c);
}
