/* outq: see outq.h. */
#include "outq.h"

#include "counters.h"
#include "stream.h"
#include "turn_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(OUTQ_COALESCE == OUTQ_HEAD_MAX + STREAM_CHUNK,
    "a stretch of frames is one chunk at most");
static_assert(TURN_MEMORY_BEFORE >= OUTQ_HEAD_MAX,
    "a head has room before what is sent from the turn's memory");

/* Frames of one class, one after the other in the turn's memory. */
struct outq_run {
	struct outq_run *next;
	uint8_t *p;
	uint32_t len; /* at most STREAM_CHUNK, but for a single larger frame */
	uint8_t class;
	bool marked; /* a run of one frame */
};

/* A frame in the backlog. */
struct outq_frame {
	struct outq_frame *next;
	uint32_t len;
	uint32_t sequence; /* in what order control and data were added */
	bool marked;
	uint8_t bytes[];
};

static int backlog_add(struct outq *q, const struct outq_run *run,
    const uint8_t *frame, size_t len);

void
outq_init(struct outq *q, struct outq_shared *shared)
{
	*q = (struct outq){ .shared = shared };
}

bool
outq_waiting(const struct outq *q)
{
	return q->first_run != NULL || q->bytes > 0;
}

static struct outq_run *
add_run(struct outq *q, enum outq_class class, uint8_t *frames, size_t len)
{
	struct outq_run *run =
	    turn_memory_alloc(q->shared->memory, sizeof *run);

	if (run == NULL)
		return NULL;
	*run = (struct outq_run){ .p = frames,
		.len = (uint32_t)len,
		.class = (uint8_t) class };
	if (q->first_run == NULL)
		q->first_run = run;
	else
		q->last_run->next = run;
	q->last_run = run;
	return run;
}

static size_t
frames_in(const struct outq *q, const uint8_t *frames, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < len; at += q->shared->frame_len(frames + at))
		count++;
	return count;
}

/* More than the last bound of the histogram are all the same. */
static void
count_frames(struct outq *q, unsigned count)
{
	const unsigned sum = q->frames + count;

	q->frames = sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
}

void
outq_add(struct outq *q, enum outq_class class, uint8_t *frames, size_t len,
    unsigned count)
{
	struct outq_run *run = q->last_run;

	count_frames(q, count);
	if (run != NULL && run->p + run->len == frames && run->class == class &&
	    run->len + len <= STREAM_CHUNK && !run->marked) {
		run->len += (uint32_t)len;
		return;
	}
	if (add_run(q, class, frames, len) == NULL)
		COUNTERS_DROP(q->shared->counters, dropped_queue_tail,
		    class == OUTQ_DISCO, frames_in(q, frames, len), len);
}

int
outq_control(struct outq *q, struct slice frame, bool mark)
{
	uint8_t *copy = turn_memory_alloc(q->shared->memory, frame.n);
	struct outq_run *run;

	if (copy == NULL)
		return -1;
	memcpy(copy, frame.p, frame.n);
	run = add_run(q, OUTQ_CONTROL, copy, frame.n);
	if (run == NULL)
		return -1;
	run->marked = mark;
	count_frames(q, 1);
	q->marked = (uint16_t)(q->marked + mark);
	return 0;
}

/* The first run has gone to the stream. */
static void
drop_first_run(struct outq *q)
{
	q->marked = (uint16_t)(q->marked - q->first_run->marked);
	q->first_run = q->first_run->next;
	if (q->first_run == NULL)
		q->last_run = NULL;
}

static struct outq_frame *
fifo_first(const struct outq_fifo *f)
{
	return f->last != NULL ? f->last->next : NULL;
}

static void
fifo_add(struct outq_fifo *f, struct outq_frame *frame)
{
	if (f->last == NULL) {
		frame->next = frame;
	} else {
		frame->next = f->last->next;
		f->last->next = frame;
	}
	f->last = frame;
}

/* The FIFO whose first frame is the next to go: disco, else the older one of
 * control and data. NULL: the backlog is empty. */
static struct outq_fifo *
next_fifo(struct outq *q)
{
	const struct outq_frame *control =
	    fifo_first(&q->backlog[OUTQ_CONTROL]);
	const struct outq_frame *data = fifo_first(&q->backlog[OUTQ_DATA]);

	if (q->backlog[OUTQ_DISCO].last != NULL)
		return &q->backlog[OUTQ_DISCO];
	if (control == NULL)
		return data != NULL ? &q->backlog[OUTQ_DATA] : NULL;
	/* the difference is right also after the numbers wrap */
	if (data == NULL || (int32_t)(control->sequence - data->sequence) < 0)
		return &q->backlog[OUTQ_CONTROL];
	return &q->backlog[OUTQ_DATA];
}

/* Takes the first frame off the FIFO; the caller owns it. */
static struct outq_frame *
fifo_take(struct outq *q, struct outq_fifo *f)
{
	struct outq_frame *frame = f->last->next;

	f->last->next = frame->next;
	if (f->last == frame)
		f->last = NULL;
	q->packets[f - q->backlog]--;
	q->marked = (uint16_t)(q->marked - frame->marked);
	q->bytes -= frame->len;
	memory_budget_discharge(
	    q->shared->budget, &q->share, MEMORY_OUTPUT_QUEUED, frame->len);
	return frame;
}

/* A frame with room for len bytes, which are counted; NULL when a limit is
 * reached or memory is short. */
static struct outq_frame *
frame_new(struct outq *q, size_t len)
{
	struct memory_budget *budget = q->shared->budget;
	struct outq_frame *frame;

	if (!memory_budget_charge(budget, &q->share, MEMORY_OUTPUT_QUEUED, len))
		return NULL;
	frame = q->bytes + len <= q->shared->max_bytes
	    ? malloc(sizeof *frame + len)
	    : NULL;
	if (frame == NULL)
		memory_budget_discharge(
		    budget, &q->share, MEMORY_OUTPUT_QUEUED, len);
	return frame;
}

/* Drops the oldest packet of a class, which has one. */
static void
drop_oldest(struct outq *q, enum outq_class class)
{
	struct outq_frame *frame = fifo_take(q, &q->backlog[class]);

	COUNTERS_DROP(q->shared->counters, dropped_queue_head,
	    class == OUTQ_DISCO, 1, frame->len);
	free(frame);
}

/* Drops the packet that waits for longest. False when none does. */
static bool
drop_packet(struct outq *q)
{
	const enum outq_class class =
	    q->backlog[OUTQ_DATA].last != NULL ? OUTQ_DATA : OUTQ_DISCO;

	if (q->backlog[class].last == NULL)
		return false;
	drop_oldest(q, class);
	return true;
}

/* The same for a frame that may not be dropped: packets make room for it. When
 * it is others who hold all there is, it is charged beyond the limit, so that
 * the largest of them goes. */
static struct outq_frame *
control_frame_new(struct outq *q, size_t len)
{
	struct outq_frame *frame;

	do {
		frame = frame_new(q, len);
		if (frame != NULL)
			return frame;
	} while (drop_packet(q));
	if (q->bytes + len > q->shared->max_bytes)
		return NULL;
	frame = malloc(sizeof *frame + len);
	if (frame != NULL)
		memory_budget_change(
		    q->shared->budget, &q->share, MEMORY_OUTPUT_QUEUED, 0, len);
	return frame;
}

/* Copies one frame into the backlog. Packets are dropped at the limits; -1 when
 * a frame that may not be dropped does not fit. */
static int
backlog_add(struct outq *q, const struct outq_run *run, const uint8_t *bytes,
    size_t len)
{
	const bool packet = run->class != OUTQ_CONTROL;
	struct outq_frame *frame;

	if (packet && q->packets[run->class] >= q->shared->depth)
		drop_oldest(q, run->class);
	frame = packet ? frame_new(q, len) : control_frame_new(q, len);
	if (frame == NULL && !packet)
		return -1;
	if (frame == NULL) {
		COUNTERS_DROP(q->shared->counters, dropped_queue_tail,
		    run->class == OUTQ_DISCO, 1, len);
		return 0;
	}
	*frame = (struct outq_frame){ .len = (uint32_t)len,
		.sequence = ++q->sequence,
		.marked = run->marked };
	memcpy(frame->bytes, bytes, len);
	fifo_add(&q->backlog[run->class], frame);
	q->packets[run->class]++;
	q->bytes += frame->len;
	return 0;
}

/* Moves the runs that are left to the backlog, frame by frame. */
static int
spill_runs(struct outq *q)
{
	for (struct outq_run *run = q->first_run; run != NULL;
	     run = run->next) {
		size_t len;

		for (size_t at = 0; at < run->len; at += len) {
			len = q->shared->frame_len(run->p + at);
			if (backlog_add(q, run, run->p + at, len) == -1)
				return -1;
		}
	}
	q->first_run = q->last_run = NULL;
	return 0;
}

/* Sends bytes; what the socket does not take at once stays with the stream. */
static int
send_all(struct outq *q, struct stream *stream, struct slice bytes)
{
	size_t taken;

	while (bytes.n > 0) {
		taken = 0;
		if (!stream_blocked(stream) &&
		    stream_send(stream, bytes, &taken) == -1)
			return -1;
		counters_add(&q->shared->counters->bytes_sent, taken);
		bytes = slice_of(bytes.p + taken, bytes.n - taken);
		/* the socket is full: at most one chunk goes on its way with
		 * the stream, the rest of what is here waits in the backlog */
		if (taken < STREAM_CHUNK && bytes.n > 0) {
			counters_add(&q->shared->counters->bytes_sent, bytes.n);
			return stream_keep(stream, bytes);
		}
	}
	return 0;
}

/* Sends bytes as one message after the other, each in one piece with its head,
 * for which it borrows the room before them: what is there belongs to others,
 * or was sent. */
static int
send_messages(struct outq *q, struct stream *stream, uint8_t *p, size_t n)
{
	uint8_t head[OUTQ_HEAD_MAX], others[OUTQ_HEAD_MAX];
	size_t head_len, part;
	int rc = 0;

	for (; rc == 0 && n > 0; p += part, n -= part) {
		part =
		    n < q->framing->message_max ? n : q->framing->message_max;
		head_len = q->framing->head(head, part);
		memcpy(others, p - head_len, head_len);
		memcpy(p - head_len, head, head_len);
		rc = send_all(
		    q, stream, slice_of(p - head_len, head_len + part));
		memcpy(p - head_len, others, head_len);
	}
	return rc;
}

/* Sends bytes that have room before them, from where they lie. */
static int
send_in_place(struct outq *q, struct stream *stream, uint8_t *p, size_t n)
{
	return q->framing == NULL ? send_all(q, stream, slice_of(p, n))
				  : send_messages(q, stream, p, n);
}

/* Sends bytes that have no room before them; nothing may be coalesced. */
static int
send_copy(struct outq *q, struct stream *stream, struct slice bytes)
{
	uint8_t *room = q->shared->coalesce + OUTQ_HEAD_MAX;
	size_t part;
	int rc = 0;

	if (q->framing == NULL)
		return send_all(q, stream, bytes);
	for (; rc == 0 && bytes.n > 0;
	     bytes = slice_of(bytes.p + part, bytes.n - part)) {
		part = bytes.n < q->framing->message_max
		    ? bytes.n
		    : q->framing->message_max;
		memcpy(room, bytes.p, part);
		rc = send_messages(q, stream, room, part);
	}
	return rc;
}

/* A writer for frames that go out together, with room for a head before them.
 */
static struct writer
coalesce_writer(const struct outq *q)
{
	return writer_of(q->shared->coalesce + OUTQ_HEAD_MAX,
	    q->framing == NULL ? STREAM_CHUNK : q->framing->message_max);
}

/* Sends what was coalesced, and begins anew. */
static int
send_coalesced(struct outq *q, struct stream *stream, struct writer *w)
{
	const size_t n = w->n;

	w->n = 0;
	return n > 0 ? send_in_place(q, stream, w->p, n) : 0;
}

/* Sends from the backlog until it is empty or the socket is full. */
static int
flush_backlog(struct outq *q, struct stream *stream)
{
	struct writer w = coalesce_writer(q);
	struct outq_fifo *f;
	int rc = 0;

	while (
	    rc == 0 && !stream_blocked(stream) && (f = next_fifo(q)) != NULL) {
		struct outq_frame *frame;

		if (fifo_first(f)->len <= w.cap - w.n) {
			frame = fifo_take(q, f);
			writer_bytes(&w, frame->bytes, frame->len);
			free(frame);
			if (q->bytes == 0)
				rc = send_coalesced(q, stream, &w);
		} else if (w.n > 0) {
			rc = send_coalesced(q, stream, &w);
		} else { /* larger than what is coalesced */
			frame = fifo_take(q, f);
			rc = send_copy(
			    q, stream, slice_of(frame->bytes, frame->len));
			free(frame);
		}
	}
	return rc;
}

/* Sends the runs until the socket is full. A long run goes out from where it
 * lies; short ones are made one first, as one send of many frames costs a
 * fraction of many sends. */
static int
flush_runs(struct outq *q, struct stream *stream)
{
	struct writer w = coalesce_writer(q);
	int rc = 0;

	while (rc == 0 && q->first_run != NULL && !stream_blocked(stream)) {
		struct outq_run *run = q->first_run;

		if (w.n == 0 &&
		    (run->next == NULL || run->len > STREAM_CHUNK / 2)) {
			drop_first_run(q);
			rc = send_in_place(q, stream, run->p, run->len);
			continue;
		}
		if (run->len <= w.cap - w.n) {
			writer_bytes(&w, run->p, run->len);
			drop_first_run(q);
			if (q->first_run != NULL)
				continue;
		}
		rc = send_coalesced(q, stream, &w);
	}
	return rc;
}

int
outq_flush(struct outq *q, struct stream *stream)
{
	if (q->frames > 0)
		counter_histogram_add(&q->shared->counters->write_frames,
		    &counters_bounds_write_frames, q->frames);
	q->frames = 0;
	if (q->bytes > 0 && flush_backlog(q, stream) == -1)
		return -1;
	if (q->bytes == 0 && flush_runs(q, stream) == -1)
		return -1;
	return q->first_run != NULL ? spill_runs(q) : 0;
}

int
outq_write(struct outq *q, struct stream *stream, struct slice bytes)
{
	return send_copy(q, stream, bytes);
}

int
outq_write_raw(struct outq *q, struct stream *stream, struct slice bytes)
{
	return send_all(q, stream, bytes);
}

/* Counts a packet that its receiver did not live to get. */
static void
count_gone(struct outq *q, enum outq_class class, size_t packets, size_t len)
{
	if (class != OUTQ_CONTROL)
		COUNTERS_DROP(q->shared->counters, dropped_gone_disconnected,
		    class == OUTQ_DISCO, packets, len);
}

void
outq_clear(struct outq *q)
{
	struct outq_frame *frame;

	for (size_t class = 0; class < OUTQ_CLASSES; class ++)
		while (q->backlog[class].last != NULL) {
			frame = fifo_take(q, &q->backlog[class]);
			count_gone(q, (enum outq_class) class, 1, frame->len);
			free(frame);
		}
	for (struct outq_run *run = q->first_run; run != NULL; run = run->next)
		count_gone(
		    q, run->class, frames_in(q, run->p, run->len), run->len);
	q->first_run = q->last_run = NULL;
	q->marked = 0;
	q->frames = 0;
}
