/* status_snapshot: see status_snapshot.h. */
#include "status_snapshot.h"

#include <stdlib.h>
#include <string.h>

struct status_snapshot *
status_snapshot_new(void)
{
	return calloc(1, sizeof(struct status_snapshot));
}

void
status_snapshot_free(struct status_snapshot *s)
{
	if (s == NULL)
		return;
	free(s->clients);
	free(s->by_key);
	free(s->by_traffic);
	free(s);
}

static int
make_room(struct status_snapshot *s, size_t more)
{
	size_t cap = s->cap > 0 ? s->cap : 256;
	struct status_client *clients;

	while (cap < s->count + more)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	clients = reallocarray(s->clients, cap, sizeof *clients);
	if (clients == NULL)
		return -1;
	s->clients = clients;
	s->cap = cap;
	return 0;
}

int
status_snapshot_add(struct status_snapshot *s,
    const struct status_client *clients, size_t count)
{
	const size_t room = STATUS_SNAPSHOT_MAX - s->count;
	const size_t kept = count < room ? count : room;

	s->left_out += count - kept;
	if (kept == 0)
		return 0;
	if (make_room(s, kept) == -1)
		return -1;
	memcpy(s->clients + s->count, clients, kept * sizeof *clients);
	s->count += kept;
	return 0;
}

static int
compare_addrs(const struct conn_addr *a, const struct conn_addr *b)
{
	if (a->worker != b->worker)
		return a->worker < b->worker ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return a->generation < b->generation ? -1
	    : a->generation > b->generation  ? 1
					     : 0;
}

static int
compare_clients(const void *a, const void *b)
{
	const struct status_client *x = a, *y = b;

	return compare_addrs(&x->addr, &y->addr);
}

static int
compare_keys(const void *a, const void *b, void *ctx)
{
	const struct status_client *clients = ctx;
	const struct status_client *x = &clients[*(const uint32_t *)a];
	const struct status_client *y = &clients[*(const uint32_t *)b];
	const int by_key = memcmp(x->key.b, y->key.b, sizeof x->key.b);

	return by_key != 0 ? by_key : compare_addrs(&x->addr, &y->addr);
}

static uint64_t
traffic_of(const struct status_client *c)
{
	return c->received_per_s + c->sent_per_s;
}

static int
compare_traffic(const void *a, const void *b, void *ctx)
{
	const struct status_client *clients = ctx;
	const uint64_t x = traffic_of(&clients[*(const uint32_t *)a]);
	const uint64_t y = traffic_of(&clients[*(const uint32_t *)b]);

	return x > y ? -1 : x < y ? 1 : compare_keys(a, b, ctx);
}

/* Of what grew from `then` to `now` in ms. */
static uint64_t
per_s(uint64_t then, uint64_t now, uint64_t ms)
{
	return now <= then || ms == 0
	    ? 0
	    : (uint64_t)((double)(now - then) * 1000 / (double)ms);
}

static void
take_rate(struct status_client *c, const struct status_client *then,
    uint64_t since_ms)
{
	/* a connection that is not a second old counts as one */
	const uint64_t life_ms =
	    (uint64_t)(c->connected_s > 0 ? c->connected_s : 1) * 1000;
	const uint64_t ms = then != NULL ? since_ms : life_ms;

	c->received_per_s = per_s(
	    then != NULL ? then->bytes_received : 0, c->bytes_received, ms);
	c->sent_per_s =
	    per_s(then != NULL ? then->bytes_sent : 0, c->bytes_sent, ms);
}

/* Both are in the order of addresses. */
static void
take_rates(struct status_snapshot *s, const struct status_snapshot *before)
{
	size_t at = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct status_client *c = &s->clients[i];
		const struct status_client *then = NULL;

		while (before != NULL && at < before->count &&
		    compare_clients(&before->clients[at], c) < 0)
			at++;
		if (before != NULL && at < before->count &&
		    compare_clients(&before->clients[at], c) == 0)
			then = &before->clients[at];
		take_rate(c, then, s->rates_ms);
	}
}

static uint32_t *
sort_indices(const struct status_snapshot *s,
    int (*compare)(const void *a, const void *b, void *ctx))
{
	uint32_t *order = calloc(s->count + 1, sizeof *order);

	if (order == NULL)
		return NULL;
	for (uint32_t i = 0; i < s->count; i++)
		order[i] = i;
	qsort_r(order, s->count, sizeof *order, compare, s->clients);
	return order;
}

int
status_snapshot_finish(struct status_snapshot *s,
    const struct status_snapshot *before, uint64_t now_ms)
{
	if (s->count > 0)
		qsort(s->clients, s->count, sizeof s->clients[0],
		    compare_clients);
	s->taken_ms = now_ms;
	s->rates_ms = before != NULL ? now_ms - before->taken_ms : 0;
	take_rates(s, before);
	s->by_key = sort_indices(s, compare_keys);
	s->by_traffic = sort_indices(s, compare_traffic);
	return s->by_key != NULL && s->by_traffic != NULL ? 0 : -1;
}

const struct status_client *
status_snapshot_at(
    const struct status_snapshot *s, const uint32_t *order, size_t i)
{
	return &s->clients[order[i]];
}
