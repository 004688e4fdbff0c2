/* mesh_peer: see mesh_peer.h. */
#include "mesh_peer.h"

#include "client.h"
#include "conn.h"
#include "deliver.h"
#include "derp_msg.h"
#include "forward_cache.h"
#include "relay.h"
#include "watchers.h"
#include "worker.h"

void
mesh_peer_watch(struct client *c)
{
	struct client_mesh *mesh = client_mesh(c);
	struct relay *relay = c->relay;

	if (derp_key_eq(client_key(c), relay->shared->public_key))
		return;
	if (watchers_add(&relay->watchers, c->conn, &mesh->watcher) == 0)
		return;
	counters_add(&relay->worker->counters->watchers_refused, 1);
	conn_fail(c->conn, "too many watchers, or out of memory");
}

void
mesh_peer_forward(struct client *c, const struct derp_frame *f)
{
	struct client_mesh *mesh = client_mesh(c);
	/* as it is sent on: with one key */
	const size_t len = DERP_HEADER + f->body.n - DERP_KEY;
	struct derp_key src, dst;
	struct slice packet;
	struct conn_addr to;
	enum outq_class class;

	if (derp_forward_packet_parse(f->body, &src, &dst, &packet) == -1)
		return; /* no such frame is cut */
	pacing_count_packet(&c->conn->pace, len);
	counters_add(&c->relay->worker->counters->packets_forwarded_in, 1);
	class = deliver_class(packet);
	if (!forward_cache_find(
		&mesh->forward, c->relay->shared->registry, &src, &dst, &to)) {
		deliver_to_nobody(c, &dst, class, len, true);
		return;
	}
	deliver_frame(c, to, class, derp_forward_to_recv(f->head), len);
}

void
mesh_peer_close(struct client *c, const struct derp_frame *f)
{
	struct derp_key key;

	if (derp_close_peer_parse(f->body, &key) == 0)
		client_close_key(c->relay, &key, CLIENT_CLOSER_MESH_PEER);
}
