/* deliver: see deliver.h. */
#include "deliver.h"

#include "client.h"
#include "conn.h"
#include "conn_table.h"
#include "counters.h"
#include "crossing.h"
#include "derp_frame.h"
#include "relay.h"
#include "worker.h"

enum outq_class
deliver_class(struct slice packet)
{
	return derp_packet_is_disco(packet) ? OUTQ_DISCO : OUTQ_DATA;
}

static struct crossing_sender
sender_of(const struct client *c, enum outq_class class)
{
	return (struct crossing_sender){
		.is_light = pacing_is_light(&c->conn->pace),
		.may_wait =
		    class == OUTQ_DATA && c->conn->stream.watch.high_rate,
	};
}

void
deliver_frame(struct client *from, struct conn_addr to, enum outq_class class,
    uint8_t *frame, size_t len)
{
	struct worker *worker = from->relay->worker;
	struct counters *counters = worker->counters;
	struct conn *conn;

	if (to.worker != worker->index) {
		if (crossing_add(&from->relay->crossing, to, class,
			slice_of(frame, len), sender_of(from, class)) == -1) {
			COUNTERS_DROP(counters, dropped_queue_tail,
			    class == OUTQ_DISCO, 1, len);
			counters_add(&counters->dropped_at_crossing, 1);
		}
		return;
	}
	conn = conn_table_get(worker->conns, to);
	if (conn == NULL) {
		COUNTERS_DROP(counters, dropped_gone_disconnected,
		    class == OUTQ_DISCO, 1, len);
		return;
	}
	conn_send(conn, class, frame, len, 1);
	if (conn->outgoing)
		return;
	counters_add(&counters->packets_sent, 1);
	counters_add(&counters->payload_sent, len - (DERP_HEADER + DERP_KEY));
}

void
deliver_to_nobody(struct client *from, const struct derp_key *key,
    enum outq_class class, size_t len, bool forwarded)
{
	struct counters *counters = from->relay->worker->counters;
	const bool disco = class == OUTQ_DISCO;

	if (forwarded)
		COUNTERS_DROP(
		    counters, dropped_unknown_dest_on_fwd, disco, 1, len);
	else
		COUNTERS_DROP(counters, dropped_unknown_dest, disco, 1, len);
	if (disco)
		client_say_not_here(from, key);
}
