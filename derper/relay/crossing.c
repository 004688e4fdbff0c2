/* crossing: see crossing.h. */
#include "crossing.h"

#include "conn.h"
#include "conn_table.h"
#include "counters.h"
#include "derp_frame.h"
#include "worker.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a turn's first batch to a worker, and of those behind it, which hold
 * any frame. Turns are many and short when packets trickle in; with large
 * batches for a packet each, a worker that is busy for a few milliseconds would
 * have all that may be under way to it and the packets would be dropped. */
#define BATCH_FIRST 16384
#define BATCH_BYTES 131072

/* What stands before each stretch of frames in a batch. */
struct entry {
	struct conn_addr addr;
	uint32_t len;     /* bytes of frames, which follow, padded to 8 */
	uint16_t packets; /* how many of the frames are packets */
	uint16_t class;   /* enum outq_class, of all of them */
};

static_assert(BATCH_BYTES >= sizeof(struct entry) + DERP_MAX_FRAME + 8,
    "a batch holds any frame");

static size_t
padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Gives a batch back to its sender, from whatever worker, or frees it when that
 * one has enough. */
static void
batch_release(struct batch *b)
{
	struct crossing *x = b->from;

	atomic_fetch_sub_explicit(b->under_way, b->cap, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&x->spare, b->cap, memory_order_relaxed) +
		b->cap >
	    CROSSING_SPARE_MAX) {
		atomic_fetch_sub_explicit(
		    &x->spare, b->cap, memory_order_relaxed);
		free(b);
		return;
	}
	/* only ever taken as a whole: no entry can come back meanwhile */
	b->message.next =
	    atomic_load_explicit(&x->returned, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&x->returned,
	    &b->message.next, &b->message, memory_order_release,
	    memory_order_relaxed))
		;
}

static struct message **
spare_list(struct crossing *x, size_t cap)
{
	return cap == BATCH_FIRST ? &x->small : &x->large;
}

static void
sort_returned(struct crossing *x)
{
	struct message *m, *next, **list;

	m = atomic_exchange_explicit(&x->returned, NULL, memory_order_acquire);
	for (; m != NULL; m = next) {
		next = m->next;
		list = spare_list(x, ((struct batch *)m)->cap);
		m->next = *list;
		*list = m;
	}
}

/* A batch of that size, used before if there is one; NULL when memory is short.
 */
static struct batch *
batch_take(struct crossing *x, size_t cap)
{
	struct message **list = spare_list(x, cap);
	struct message *m;

	if (*list == NULL &&
	    atomic_load_explicit(&x->returned, memory_order_relaxed) != NULL)
		sort_returned(x);
	m = *list;
	if (m == NULL)
		return malloc(sizeof(struct batch) + cap);
	*list = m->next;
	atomic_fetch_sub_explicit(&x->spare, cap, memory_order_relaxed);
	return (struct batch *)m;
}

static void
drop(struct message *m)
{
	batch_release((struct batch *)m);
}

static void
release(struct turn_hold *hold)
{
	batch_release(
	    (struct batch *)((char *)hold - offsetof(struct batch, hold)));
}

static void
count_sent(
    struct counters *counters, const struct conn *to, const struct entry *entry)
{
	if (entry->packets == 0 || to->outgoing)
		return;
	counters_add(&counters->packets_sent, entry->packets);
	counters_add(&counters->payload_sent,
	    entry->len - entry->packets * (DERP_HEADER + DERP_KEY));
}

/* On the receiving worker: every stretch of frames becomes a run of its
 * destination. */
static void
handle_batch(void *ctx, struct message *m)
{
	struct worker *worker = ctx;
	struct batch *b = (struct batch *)m;
	struct entry entry;
	struct conn *c;

	for (size_t at = 0; at < b->used;
	     at += sizeof entry + padded(entry.len)) {
		memcpy(&entry, b->bytes + at, sizeof entry);
		c = conn_table_get(worker->conns, entry.addr);
		if (c != NULL) {
			/* a stretch without packets is one frame */
			conn_send(c, entry.class, b->bytes + at + sizeof entry,
			    entry.len, entry.packets > 0 ? entry.packets : 1);
			count_sent(worker->counters, c, &entry);
		} else {
			if (entry.packets > 0)
				COUNTERS_DROP(worker->counters,
				    dropped_gone_disconnected,
				    entry.class == OUTQ_DISCO, entry.packets,
				    entry.len);
		}
	}
	b->hold.release = release;
	turn_memory_hold(worker->memory, &b->hold);
}

static struct batch *
new_batch(struct crossing *h, unsigned to, size_t room, size_t limit)
{
	const size_t cap = h->first[to] == NULL && room <= BATCH_FIRST
	    ? BATCH_FIRST
	    : BATCH_BYTES;
	atomic_size_t *under_way = &h->shared->under_way[to].bytes;
	struct batch *b;

	if (atomic_load_explicit(under_way, memory_order_relaxed) > limit)
		return NULL;
	b = batch_take(h, cap);
	if (b == NULL)
		return NULL;
	*b =
	    (struct batch){ .message = { .handle = handle_batch, .drop = drop },
		    .from = h,
		    .under_way = under_way,
		    .cap = cap };
	atomic_fetch_add_explicit(under_way, b->cap, memory_order_relaxed);
	if (h->first[to] == NULL)
		h->first[to] = b;
	else
		h->last[to]->message.next = &b->message;
	h->last[to] = b;
	return b;
}

/* Makes the last entry longer when it is for the same address and class and
 * nothing lies between: a burst for one client stays one run. */
static bool
extend(struct batch *b, const struct entry *added, struct slice frame)
{
	struct entry entry;
	size_t end;

	if (b->used == 0)
		return false;
	memcpy(&entry, b->bytes + b->last_entry, sizeof entry);
	end = b->last_entry + sizeof entry + entry.len;
	if (!conn_addr_eq(entry.addr, added->addr) ||
	    entry.class != added->class || entry.len + frame.n > STREAM_CHUNK ||
	    b->cap - end < padded(frame.n) + 8)
		return false;
	memcpy(b->bytes + end, frame.p, frame.n);
	entry.len += (uint32_t)frame.n;
	entry.packets = (uint16_t)(entry.packets + added->packets);
	memcpy(b->bytes + b->last_entry, &entry, sizeof entry);
	b->used = b->last_entry + sizeof entry + padded(entry.len);
	return true;
}

/* PeerGone must arrive; it is as rare as connections that end. */
static size_t
limit_of(enum outq_class class, struct crossing_sender sender)
{
	if (class == OUTQ_CONTROL)
		return SIZE_MAX;
	return sender.is_light ? CROSSING_LIGHT_MAX : CROSSING_MAX;
}

int
crossing_add(struct crossing *x, struct conn_addr addr, enum outq_class class,
    struct slice frame, struct crossing_sender sender)
{
	struct batch *b = x->last[addr.worker];
	const struct entry entry = { .addr = addr,
		.len = (uint32_t)frame.n,
		.packets = class != OUTQ_CONTROL,
		.class = (uint16_t) class };
	const size_t room = sizeof entry + padded(frame.n);

	counters_add(&x->counters->crossed, entry.packets);
	if (!sender.may_wait)
		x->urgent[addr.worker] = true;
	if (b != NULL && extend(b, &entry, frame))
		return 0;
	if (b == NULL || b->cap - b->used < room)
		b = new_batch(x, addr.worker, room, limit_of(class, sender));
	if (b == NULL)
		return -1;
	memcpy(b->bytes + b->used, &entry, sizeof entry);
	memcpy(b->bytes + b->used + sizeof entry, frame.p, frame.n);
	b->last_entry = b->used;
	b->used += room;
	return 0;
}

void
crossing_post(struct crossing *x)
{
	for (unsigned to = 0; to < x->shared->workers; to++) {
		if (x->first[to] == NULL)
			continue;
		(x->urgent[to] ? mailbox_post : mailbox_post_high_rate)(
		    x->shared->mailboxes[to], &x->first[to]->message,
		    &x->last[to]->message);
		x->first[to] = x->last[to] = NULL;
		x->urgent[to] = false;
	}
}

static void
free_list(struct message **list)
{
	struct message *m;

	while ((m = *list) != NULL) {
		*list = m->next;
		free(m);
	}
}

void
crossing_clear(struct crossing *x)
{
	for (unsigned to = 0; to < x->shared->workers; to++)
		while (x->first[to] != NULL) {
			struct batch *b = x->first[to];

			x->first[to] = (struct batch *)b->message.next;
			batch_release(b);
		}
	sort_returned(x);
	free_list(&x->small);
	free_list(&x->large);
	atomic_store(&x->spare, 0);
}
