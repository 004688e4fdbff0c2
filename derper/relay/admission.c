/* admission: see admission.h. */
#include "admission.h"

#include "conn.h"
#include "conn_table.h"
#include "mailbox.h"
#include "relay.h"
#include "worker.h"

#include <stdlib.h>

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
	if (!verify_ask(
		shared->verify, key, &conn->remote, answer, post_answer, a))
		return ADMISSION_PENDING;
	free(a);
	return ADMISSION_DECIDED;
}
