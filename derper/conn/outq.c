/* outq: see outq.h. */
#include "outq.h"

#include "client.h"
#include "derp_frame.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

/* Frames that lie behind each other in the turn's memory. */
struct run {
	struct run *next;
	uint8_t *p;
	size_t len; /* at most STREAM_CHUNK, but for a single larger frame */
};

/* A frame in the backlog. */
struct packet {
	struct packet *next;
	uint32_t len;
	bool counted; /* a packet that may be dropped */
	uint8_t frame[];
};

/* Puts the client on the list of those to be flushed at the end of the turn. */
static void
mark_dirty(struct client *c)
{
	if (c->out.dirty)
		return;
	c->out.dirty = true;
	c->out.next_dirty = c->worker->dirty;
	c->worker->dirty = c;
}

void
outq_add(struct client *c, uint8_t *frames, size_t len)
{
	struct outq *q = &c->out;
	struct run *run = q->last_run;

	if (run != NULL && run->p + run->len == frames &&
	    run->len + len <= STREAM_CHUNK) {
		run->len += len;
		return;
	}
	run = worker_turn_alloc(c->worker, sizeof *run);
	if (run == NULL) {
		counters_add(&c->worker->counters->dropped_queue_tail, 1);
		return;
	}
	*run = (struct run){ .p = frames, .len = len };
	if (q->first_run == NULL)
		q->first_run = run;
	else
		q->last_run->next = run;
	q->last_run = run;
	mark_dirty(c);
}

void
outq_control(struct client *c, struct slice frame)
{
	uint8_t *copy = worker_turn_alloc(c->worker, frame.n);

	if (copy == NULL) {
		client_end(c, "out of memory");
		return;
	}
	memcpy(copy, frame.p, frame.n);
	outq_add(c, copy, frame.n);
}

static struct packet *
fifo_take(struct client *c, struct fifo *f)
{
	struct packet *p = f->first;

	f->first = p->next;
	if (f->first == NULL)
		f->last = NULL;
	if (p->counted)
		f->packets--;
	if (p->frame[0] == DERP_PONG)
		c->out.pong_waits = false;
	c->out.bytes -= p->len;
	c->worker->queued_bytes -= p->len;
	return p;
}

/* Drops the oldest droppable packet of a full queue. Frames that are not
 * packets may stand before it; they keep their place. */
static void
drop_oldest(struct client *c, struct fifo *f)
{
	struct packet **at = &f->first, *before = NULL, *p;

	while (!(*at)->counted) {
		before = *at;
		at = &before->next;
	}
	p = *at;
	*at = p->next;
	if (f->last == p)
		f->last = before;
	f->packets--;
	c->out.bytes -= p->len;
	c->worker->queued_bytes -= p->len;
	counters_add(&c->worker->counters->dropped_queue_head, 1);
	free(p);
}

size_t
outq_all_max(const struct worker *worker)
{
	return (size_t)(worker->config->queue_bytes_total /
	    worker->config->workers);
}

bool
outq_all_full(const struct worker *worker, size_t more)
{
	return worker->queued_bytes + worker->unsent_bytes + more >
	    outq_all_max(worker);
}

static bool
over_limits(const struct client *c, size_t more)
{
	struct worker *worker = c->worker;

	if (outq_all_full(worker, more)) {
		worker->memory_pressure = true;
		return true;
	}
	return c->out.bytes + more > (size_t)worker->config->queue_bytes;
}

/* Copies one frame into the backlog. Packets are dropped at the limits; -1 when
 * a frame that may not be dropped does not fit. */
static int
backlog_add(struct client *c, const uint8_t *frame, size_t len)
{
	struct slice body = slice_of(frame + DERP_HEADER, len - DERP_HEADER);
	bool counted = frame[0] == DERP_RECV_PACKET;
	bool disco = counted && body.n >= DERP_KEY &&
	    derp_packet_is_disco(
		slice_of(body.p + DERP_KEY, body.n - DERP_KEY));
	struct fifo *f = disco ? &c->out.disco : &c->out.other;
	struct packet *p;

	if (counted && f->packets >= c->worker->config->queue_depth)
		drop_oldest(c, f);
	p = over_limits(c, len) ? NULL : malloc(sizeof *p + len);
	if (p == NULL) {
		counters_add(&c->worker->counters->dropped_queue_tail, counted);
		return counted ? 0 : -1;
	}
	*p = (struct packet){ .len = (uint32_t)len, .counted = counted };
	memcpy(p->frame, frame, len);
	if (f->last == NULL)
		f->first = p;
	else
		f->last->next = p;
	f->last = p;
	f->packets += counted;
	if (frame[0] == DERP_PONG)
		c->out.pong_waits = true;
	c->out.bytes += p->len;
	c->worker->queued_bytes += p->len;
	return 0;
}

/* Moves the runs that are left to the backlog, frame by frame. */
static int
spill_runs(struct client *c)
{
	struct outq *q = &c->out;

	for (struct run *run = q->first_run; run != NULL; run = run->next) {
		uint8_t *p = run->p;
		size_t left = run->len;

		while (left > 0) {
			size_t len = DERP_HEADER + derp_header_get(p).len;

			if (backlog_add(c, p, len) == -1)
				return -1;
			p += len;
			left -= len;
		}
	}
	q->first_run = q->last_run = NULL;
	return 0;
}

/* Sends bytes; what the socket does not take at once stays with the stream. */
static int
send_all(struct client *c, struct slice bytes)
{
	size_t taken;

	while (bytes.n > 0) {
		taken = 0;
		if (!stream_blocked(&c->stream) &&
		    stream_send(&c->stream, bytes, &taken) == -1)
			return -1;
		counters_add(&c->worker->counters->bytes_sent, taken);
		bytes = slice_of(bytes.p + taken, bytes.n - taken);
		/* the socket is full: at most one chunk goes on its way with
		 * the stream, the rest of what is here waits in the backlog */
		if (taken < STREAM_CHUNK && bytes.n > 0) {
			counters_add(&c->worker->counters->bytes_sent, bytes.n);
			return stream_keep(&c->stream, bytes);
		}
	}
	return 0;
}

/* Sends from the backlog until it is empty or the socket is full. */
static int
flush_backlog(struct client *c)
{
	struct worker *worker = c->worker;
	struct writer w = writer_of(worker->coalesce, STREAM_CHUNK);
	int rc = 0;

	while (rc == 0 && !stream_blocked(&c->stream) && c->out.bytes > 0) {
		struct fifo *f =
		    c->out.disco.first != NULL ? &c->out.disco : &c->out.other;
		struct packet *p = f->first;

		if (p->len <= w.cap - w.n) {
			p = fifo_take(c, f);
			writer_bytes(&w, p->frame, p->len);
			free(p);
			if (c->out.bytes > 0)
				continue;
		} else if (w.n == 0) { /* larger than a chunk */
			p = fifo_take(c, f);
			rc = send_all(c, slice_of(p->frame, p->len));
			free(p);
		}
		if (w.n > 0)
			rc = send_all(c, writer_slice(&w));
		w.n = 0;
	}
	return rc;
}

/* Sends the runs until the socket is full. A long run goes out from where it
 * lies; short ones are made one first, as one send of many frames costs a
 * fraction of many sends. */
static int
flush_runs(struct client *c)
{
	struct outq *q = &c->out;
	struct writer w = writer_of(c->worker->coalesce, STREAM_CHUNK);
	int rc = 0;

	while (rc == 0 && q->first_run != NULL && !stream_blocked(&c->stream)) {
		struct run *run = q->first_run;

		if (w.n == 0 &&
		    (run->next == NULL || run->len > STREAM_CHUNK / 2)) {
			q->first_run = run->next;
			rc = send_all(c, slice_of(run->p, run->len));
			continue;
		}
		if (run->len <= w.cap - w.n) {
			writer_bytes(&w, run->p, run->len);
			q->first_run = run->next;
			if (run->next != NULL)
				continue;
		}
		rc = send_all(c, writer_slice(&w));
		w.n = 0;
	}
	if (q->first_run == NULL)
		q->last_run = NULL;
	return rc;
}

int
outq_flush(struct client *c)
{
	if (stream_blocked(&c->stream) && stream_writable(&c->stream) == -1)
		return -1;
	if (flush_backlog(c) == -1)
		return -1;
	if (c->out.bytes == 0 && flush_runs(c) == -1)
		return -1;
	return c->out.first_run != NULL ? spill_runs(c) : 0;
}

int
outq_write(struct client *c, struct slice bytes)
{
	return send_all(c, bytes);
}

static size_t
packets_in(const struct run *run)
{
	size_t count = 0;

	for (size_t at = 0; at < run->len;
	     at += DERP_HEADER + derp_header_get(run->p + at).len)
		count += run->p[at] == DERP_RECV_PACKET;
	return count;
}

void
outq_clear(struct client *c)
{
	struct fifo *fifos[] = { &c->out.disco, &c->out.other };
	struct packet *p;

	for (size_t i = 0; i < 2; i++)
		while (fifos[i]->first != NULL) {
			p = fifo_take(c, fifos[i]);
			counters_add(
			    &c->worker->counters->dropped_gone_disconnected,
			    p->counted);
			free(p);
		}
	for (struct run *run = c->out.first_run; run != NULL; run = run->next)
		counters_add(&c->worker->counters->dropped_gone_disconnected,
		    packets_in(run));
	c->out.first_run = c->out.last_run = NULL;
}
