/* status_batch: see status_batch.h. */
#include "status_batch.h"

#include "client.h"
#include "clock.h"
#include "conn.h"
#include "conn_table.h"
#include "registry.h"
#include "relay.h"
#include "session.h"
#include "tcp_stats.h"
#include "worker.h"

#include <stdlib.h>

static void fill(void *ctx, struct message *m);

static void
drop(struct message *m)
{
	free(m);
}

struct status_batch *
status_batch_new(struct mailbox *worker, struct mailbox *asker)
{
	struct status_batch *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	b->worker = worker;
	b->asker = asker;
	return b;
}

void
status_batch_free(struct status_batch *b)
{
	free(b);
}

void
status_batch_post(struct status_batch *b)
{
	b->message = (struct message){ .handle = fill, .drop = drop };
	mailbox_post(b->worker, &b->message, &b->message);
}

static void
come_back(void *ctx, struct message *m)
{
	struct status_batch *b = (struct status_batch *)m;

	(void)ctx;
	b->filled(b->ctx, b);
}

static void
describe(struct status_client *out, const struct conn *c,
    const struct client *client, uint64_t now_ms)
{
	struct tcp_stats tcp;

	(void)tcp_stats_read(c->stream.watch.fd, &tcp);
	*out = (struct status_client){
		.addr = c->addr,
		.key = *client_key(client),
		.remote = c->remote,
		.bytes_received = tcp.received_bytes,
		.bytes_sent = tcp.acked_bytes,
		.rtt_us = tcp.rtt_us,
		.connected_s = (uint32_t)(now_ms / 1000) - c->since_s,
		.queued_bytes =
		    c->out.bytes + (uint32_t)stream_unsent(&c->stream),
		.queued_packets =
		    c->out.packets[OUTQ_DISCO] + c->out.packets[OUTQ_DATA],
		.senders = registry_senders(
		    client->relay->shared->registry, &client->member),
		.home = client->home,
		.mesh = client->is_mesh,
		.websocket = c->websocket != NULL,
		.tls = c->stream.tls != NULL,
	};
}

/* On the worker. */
static void
fill(void *ctx, struct message *m)
{
	const struct worker *worker = ctx;
	struct status_batch *b = (struct status_batch *)m;
	const uint64_t now_ms = loop_now_ms(worker->loop);
	const uint64_t began_us = clock_now_us();
	const uint32_t until = b->at + STATUS_BATCH_SLOTS;
	const struct conn *c;

	b->count = 0;
	for (size_t i = 0; i < STATUS_BATCH_MAX; i++) {
		const struct client *client;

		c = conn_table_next_before(worker->conns, &b->at, until);
		if (c == NULL)
			break;
		client = session_client(c);
		if (client != NULL)
			describe(&b->clients[b->count++], c, client, now_ms);
	}
	b->done = conn_table_is_end(worker->conns, b->at);
	b->took_us += clock_now_us() - began_us;
	b->message.handle = come_back;
	mailbox_post(b->asker, &b->message, &b->message);
}
