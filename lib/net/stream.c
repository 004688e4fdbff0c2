/* stream: see stream.h. */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* what is sealed, or a handshake flight */
#define WIRE_SIZE (STREAM_CHUNK + TLS_OUTPUT_COST(STREAM_CHUNK) + TLS_WIRE_ROOM)

struct stream_scratch {
	uint8_t in[TLS_RECORD_MAX + STREAM_CHUNK]; /* ciphertext received */
	uint8_t wire[WIRE_SIZE];                   /* ciphertext to be sent */
};

struct stream_scratch *
stream_scratch_new(void)
{
	return malloc(sizeof(struct stream_scratch));
}

void
stream_scratch_free(struct stream_scratch *scratch)
{
	free(scratch);
}

int
stream_open(struct stream *s, struct loop *loop, struct stream_scratch *scratch,
    int fd, struct tls *tls)
{
	*s = (struct stream){
		.loop = loop,
		.scratch = scratch,
		.watch = { .fd = fd, .events = LOOP_READ },
		.tls = tls,
		.reading = true,
	};
	if (loop_watch(loop, &s->watch) == 0)
		return 0;
	stream_close(s);
	return -1;
}

void
stream_on_ready(
    struct stream *s, void (*ready)(void *ctx, unsigned events), void *ctx)
{
	s->watch.ready = ready;
	s->watch.ctx = ctx;
}

bool
stream_blocked(const struct stream *s)
{
	return s->unsent_len > 0;
}

size_t
stream_unsent(const struct stream *s)
{
	return s->unsent_len - s->unsent_at;
}

size_t
stream_held(const struct stream *s)
{
	return s->rest_len + (s->tls != NULL ? tls_held(s->tls) : 0);
}

bool
stream_in_handshake(const struct stream *s)
{
	return s->tls != NULL && tls_in_handshake(s->tls);
}

bool
stream_stalled(struct stream *s)
{
	const bool stalled = s->rest_len > 0 && s->rest_asked;

	s->rest_asked = s->rest_len > 0;
	return stalled;
}

/* What the socket took says little: a large window or send buffer takes all of
 * a burst at once and then nothing for a long time, while the peer reads. */
bool
stream_acked_progress(struct stream *s)
{
	uint32_t acked;
	int waiting;

	if (ioctl(s->watch.fd, SIOCOUTQ, &waiting) == -1)
		return false;
	acked = s->sent - (uint32_t)waiting;
	if (acked == s->acked)
		return false;
	s->acked = acked;
	return true;
}

bool
stream_established(const struct stream *s)
{
	return s->tls == NULL || tls_established(s->tls);
}

static void
update_watch(struct stream *s)
{
	loop_rewatch(s->loop, &s->watch,
	    (s->reading && !s->answer_unsent ? (unsigned)LOOP_READ : 0U) |
		(stream_blocked(s) ? (unsigned)LOOP_WRITE : 0U));
}

void
stream_pause(struct stream *s, bool paused)
{
	s->reading = !paused;
	update_watch(s);
}

/* Appends to what waits for the socket. */
static int
keep(struct stream *s, struct slice bytes)
{
	size_t waiting = s->unsent_len - s->unsent_at;
	uint8_t *p;

	if (bytes.n == 0)
		return 0;
	if (bytes.n > UINT32_MAX / 2 - waiting)
		return -1;
	if (s->unsent_at > 0) {
		memmove(s->unsent, s->unsent + s->unsent_at, waiting);
		s->unsent_at = 0;
		s->unsent_len = (uint32_t)waiting;
	}
	p = realloc(s->unsent, waiting + bytes.n);
	if (p == NULL)
		return -1;
	memcpy(p + waiting, bytes.p, bytes.n);
	s->unsent = p;
	s->unsent_len = (uint32_t)(waiting + bytes.n);
	update_watch(s);
	return 0;
}

/* One send; how much the socket took, 0 when it is full, -1 when broken. */
static ssize_t
send_once(struct stream *s, struct slice bytes)
{
	ssize_t n;

	do
		n = send(
		    s->watch.fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		s->sent += (uint32_t)n;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

/* Sends wire bytes; what the socket does not take is kept. */
static int
send_wire(struct stream *s, struct slice wire)
{
	ssize_t n = 0;

	if (wire.n == 0)
		return 0;
	if (!stream_blocked(s)) {
		n = send_once(s, wire);
		if (n == -1)
			return -1;
	}
	return keep(s, slice_of(wire.p + n, wire.n - (size_t)n));
}

int
stream_send(struct stream *s, struct slice bytes, size_t *taken)
{
	struct writer wire;
	ssize_t n;

	assert(!stream_blocked(s));
	if (bytes.n > STREAM_CHUNK)
		bytes.n = STREAM_CHUNK;
	if (s->tls == NULL) {
		n = send_once(s, bytes);
		if (n == -1)
			return -1;
		*taken = (size_t)n;
		return 0;
	}
	wire = writer_of(s->scratch->wire, sizeof s->scratch->wire);
	if (tls_output(s->tls, bytes, &wire) == -1 || wire.failed)
		return -1;
	*taken = bytes.n;
	return send_wire(s, writer_slice(&wire));
}

int
stream_keep(struct stream *s, struct slice bytes)
{
	struct writer wire;
	struct slice part;

	if (s->tls == NULL)
		return keep(s, bytes);
	while (bytes.n > 0) {
		part = slice_of(
		    bytes.p, bytes.n < STREAM_CHUNK ? bytes.n : STREAM_CHUNK);
		wire = writer_of(s->scratch->wire, sizeof s->scratch->wire);
		if (tls_output(s->tls, part, &wire) == -1 || wire.failed ||
		    keep(s, writer_slice(&wire)) == -1)
			return -1;
		bytes = slice_of(bytes.p + part.n, bytes.n - part.n);
	}
	return 0;
}

int
stream_writable(struct stream *s)
{
	ssize_t n;

	if (!stream_blocked(s))
		return 0;
	n = send_once(s,
	    slice_of(s->unsent + s->unsent_at, s->unsent_len - s->unsent_at));
	if (n == -1)
		return -1;
	s->unsent_at += (uint32_t)n;
	if (s->unsent_at == s->unsent_len) {
		free(s->unsent);
		s->unsent = NULL;
		s->unsent_at = s->unsent_len = 0;
		s->answer_unsent = false;
		update_watch(s);
	}
	return 0;
}

/* One recv into p, of at most *n bytes; STREAM_OK with *n > 0, or what else
 * there was. */
static enum stream_status
receive(struct stream *s, uint8_t *p, size_t *n, struct fail *why)
{
	const size_t limit =
	    stream_established(s) ? STREAM_CHUNK : STREAM_HANDSHAKE_CHUNK;
	const size_t most = *n < limit ? *n : limit;
	ssize_t got;

	*n = 0;
	do
		got = recv(s->watch.fd, p, most, MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	if (got > 0) {
		*n = (size_t)got;
		return STREAM_OK;
	}
	if (got == 0)
		return STREAM_EOF;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return STREAM_EMPTY;
	if (errno != ECONNRESET && errno != EPIPE)
		fail_errno(why, "read");
	return STREAM_FAILED;
}

/* Keeps the front of a record until the rest of it comes. */
static int
keep_rest(struct stream *s, struct slice rest, struct fail *why)
{
	uint8_t *p;

	if (rest.n > TLS_RECORD_MAX)
		return fail_set(why, "tls: record too long");
	if (rest.n == 0) {
		free(s->rest);
		s->rest = NULL;
		s->rest_len = 0;
		return 0;
	}
	p = realloc(s->rest, rest.n);
	if (p == NULL)
		return fail_set(why, "out of memory");
	memcpy(p, rest.p, rest.n);
	s->rest = p;
	s->rest_len = (uint32_t)rest.n;
	return 0;
}

static enum stream_status
from_tls(enum tls_status status)
{
	switch (status) {
	case TLS_OPEN:
		return STREAM_OK;
	case TLS_EOF:
		return STREAM_EOF;
	case TLS_BROKEN:
	case TLS_NO_MEMORY:
		return STREAM_FAILED;
	}
	return STREAM_FAILED;
}

/* Sends what reading gave rise to; while it waits, nothing more is read. */
static int
send_answer(struct stream *s, struct slice wire)
{
	if (wire.n == 0)
		return 0;
	if (send_wire(s, wire) == -1)
		return -1;
	if (stream_blocked(s)) {
		s->answer_unsent = true;
		update_watch(s);
	}
	return 0;
}

static enum stream_status
read_tls(struct stream *s, size_t n, struct writer *plain, struct fail *why)
{
	uint8_t *in = s->scratch->in;
	struct writer wire =
	    writer_of(s->scratch->wire, sizeof s->scratch->wire);
	enum stream_status status;
	enum tls_status tls;
	struct slice bytes;
	size_t before;

	if (s->answer_unsent)
		return STREAM_EMPTY;
	assert(s->rest_len <= TLS_RECORD_MAX);
	status = receive(s, in + s->rest_len, &n, why);
	if (status != STREAM_OK)
		return status;
	if (s->rest_len > 0)
		memcpy(in, s->rest, s->rest_len);
	bytes = slice_of(in, s->rest_len + n);
	do {
		before = bytes.n;
		tls = tls_input(s->tls, &bytes, plain, &wire, why);
	} while (tls == TLS_OPEN && bytes.n > 0 && bytes.n < before);
	if (bytes.n < s->rest_len + n)
		s->rest_asked = false;
	if (send_answer(s, writer_slice(&wire)) == -1 ||
	    (tls == TLS_OPEN && keep_rest(s, bytes, why) == -1))
		return STREAM_FAILED;
	return from_tls(tls);
}

enum stream_status
stream_read(struct stream *s, size_t n, struct writer *plain, struct fail *why)
{
	enum stream_status status;

	assert(n > 0 && plain->cap - plain->n >= STREAM_READ_ROOM);
	if (s->tls != NULL)
		return read_tls(s, n, plain, why);
	status = receive(s, plain->p + plain->n, &n, why);
	plain->n += n;
	return status;
}

void
stream_shutdown(struct stream *s)
{
	struct writer wire;

	if (s->watch.fd == -1 || stream_blocked(s))
		return;
	if (s->tls != NULL && !s->said_close) {
		wire = writer_of(s->scratch->wire, sizeof s->scratch->wire);
		tls_close(s->tls, &wire);
		s->said_close = true;
		if (send_wire(s, writer_slice(&wire)) == -1 ||
		    stream_blocked(s))
			return;
	}
	(void)shutdown(s->watch.fd, SHUT_WR);
}

void
stream_close(struct stream *s)
{
	int fd = s->watch.fd;

	if (fd != -1) {
		loop_unwatch(s->loop, &s->watch);
		close(fd);
	}
	tls_free(s->tls);
	free(s->rest);
	free(s->unsent);
	s->tls = NULL;
	s->rest = s->unsent = NULL;
	s->rest_len = s->unsent_at = s->unsent_len = 0;
}
