/* load_peer: see load_peer.h. */
#include "load_peer.h"

#include "clock.h"
#include "http1.h"
#include "xalloc.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define REQUEST_MAX 1024

static int start(struct peer *p, const struct relay *relay, struct fail *why);
static int send_request(
    struct peer *p, const struct relay *relay, bool fast, struct fail *why);
static void put_info(
    struct peer *p, struct writer *w, const struct derp_key *server);
static int take_input(struct peer *p, struct writer *plain,
    const struct peer_reader *r, struct fail *why);
static int unframe(
    struct peer *p, struct writer *plain, size_t had, struct fail *why);
static int take_response(struct peer *p, struct slice *in, struct fail *why);
static int begin_messages(struct peer *p, const struct relay *relay,
    struct writer *plain, struct slice *in, struct fail *why);
static int take_frame(struct peer *p, const struct derp_frame *frame,
    const struct peer_reader *r, struct fail *why);
static int take_server_key(struct peer *p, struct slice body, struct fail *why);
static void keep_rest(struct peer *p, struct slice in);

void
peer_init(struct peer *p, uint32_t source)
{
	*p = (struct peer){ .source = source, .wire.fd = -1 };
	derp_private_key_generate(&p->private_key);
	/* a fresh key is never zero */
	(void)derp_private_key_public(&p->private_key, &p->key);
}

void
peer_clear(struct peer *p)
{
	peer_close(p);
	derp_private_key_clear(&p->private_key);
}

int
peer_dial(struct peer *p, const struct relay *relay,
    struct wire_scratch *scratch, struct fail *why)
{
	if (wire_dial(&p->wire, &relay->wire, scratch, p->source, why) == -1)
		return -1;
	p->state = PEER_DIALING;
	return 0;
}

void
peer_close(struct peer *p)
{
	wire_close(&p->wire);
	free(p->rest);
	p->rest = NULL;
	p->rest_len = 0;
	p->skip = 0;
	p->framed = false;
	p->state = PEER_CLOSED;
}

uint32_t
peer_wants(const struct peer *p)
{
	if (wire_is_new(&p->wire))
		return EPOLLOUT;
	return wire_blocked(&p->wire) ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

int
peer_ready(struct peer *p, uint32_t events, const struct peer_reader *r,
    struct fail *why)
{
	struct writer plain = writer_of(r->plain, PEER_PLAIN_CAP);
	size_t had;

	if (peer_wants(p) == EPOLLOUT) {
		if (wire_start(&p->wire, why) != WIRE_OK)
			return -1;
		return start(p, r->relay, why);
	}
	if ((events & EPOLLOUT) != 0 && wire_flush(&p->wire, why) == -1)
		return -1;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return 0;
	writer_bytes(&plain, p->rest, p->rest_len);
	if (plain.cap - plain.n < WIRE_READ_ROOM)
		return fail_set(why, "a frame longer than any packet");
	had = plain.n;
	switch (wire_read(&p->wire, &plain, why)) {
	case WIRE_OK:
		break;
	case WIRE_EMPTY:
		return 0;
	case WIRE_EOF:
		return fail_set(why, "closed by the relay");
	case WIRE_FAILED:
		return -1;
	}
	if (start(p, r->relay, why) == -1 || unframe(p, &plain, had, why) == -1)
		return -1;
	return take_input(p, &plain, r, why);
}

/* Sends the request as soon as the transport is there. */
static int
start(struct peer *p, const struct relay *relay, struct fail *why)
{
	bool fast = relay->key_known && p->wire.tls && !relay->websocket;

	if (p->state != PEER_DIALING || !p->wire.established)
		return 0;
	if (send_request(p, relay, fast, why) == -1)
		return -1;
	p->state = fast ? PEER_ADMITTING : PEER_UPGRADING;
	return 0;
}

static int
send_request(
    struct peer *p, const struct relay *relay, bool fast, struct fail *why)
{
	uint8_t bytes[REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (relay->websocket)
		load_framing_request(&w, relay->host);
	else
		writer_printf(&w,
		    "GET /derp HTTP/1.1\r\nHost: %s\r\n"
		    "User-Agent: Go-http-client/1.1\r\nConnection: Upgrade\r\n"
		    "%sUpgrade: DERP\r\n\r\n",
		    relay->host, fast ? "Derp-Fast-Start: 1\r\n" : "");
	if (fast)
		put_info(p, &w, &relay->key);
	if (w.failed)
		return fail_set(why, "cannot make the request");
	return wire_write(&p->wire, writer_slice(&w), why);
}

int
peer_write(struct peer *p, struct slice frames, struct fail *why)
{
	uint8_t message[WIRE_RECORD];
	struct writer w = writer_of(message, sizeof message);

	if (!p->framed)
		return wire_write(&p->wire, frames, why);
	load_framing_put(&p->framing, &w, frames);
	if (w.failed)
		return fail_set(why, "more than one record");
	return wire_write(&p->wire, writer_slice(&w), why);
}

/* Takes the messages off what is new, from the byte `had` on. */
static int
unframe(struct peer *p, struct writer *plain, size_t had, struct fail *why)
{
	int64_t n;

	if (!p->framed)
		return 0;
	n = load_framing_take(&p->framing, plain->p + had, plain->n - had, why);
	if (n == -1)
		return -1;
	plain->n = had + (size_t)n;
	return 0;
}

static void
put_info(struct peer *p, struct writer *w, const struct derp_key *server)
{
	const struct derp_client_info info = {
		.version = DERP_PROTOCOL_VERSION,
		.can_ack_pings = true,
	};

	p->server = *server;
	if (derp_client_info_put(w, &info, &p->private_key, server) == -1)
		w->failed = true;
}

static int
take_input(struct peer *p, struct writer *plain, const struct peer_reader *r,
    struct fail *why)
{
	struct slice in = writer_slice(plain);
	struct derp_frame frame;
	size_t used = 0;

	if (p->state == PEER_UPGRADING &&
	    (take_response(p, &in, why) == -1 ||
		begin_messages(p, r->relay, plain, &in, why) == -1))
		return -1;
	while (p->state > PEER_UPGRADING && in.n > 0) {
		uint8_t *at = plain->p + (in.p - plain->p);

		if (p->skip > 0) {
			used = p->skip < in.n ? p->skip : in.n;
			p->skip -= (uint32_t)used;
			in = slice_of(in.p + used, in.n - used);
			continue;
		}
		switch (derp_frame_cut_client(at, in.n, &frame, &used)) {
		case DERP_CUT_FRAME:
			if (take_frame(p, &frame, r, why) == -1)
				return -1;
			break;
		case DERP_CUT_SKIP:
			p->skip = frame.skip;
			break;
		case DERP_CUT_MORE:
			keep_rest(p, in);
			return 0;
		case DERP_CUT_BAD:
			return fail_set(why,
			    "bad frame: type 0x%02x, length %u", frame.type,
			    frame.len);
		}
		in = slice_of(in.p + used, in.n - used);
	}
	keep_rest(p, in);
	return 0;
}

static int
take_response(struct peer *p, struct slice *in, struct fail *why)
{
	struct http1_response response;
	size_t used = 0;

	switch (http1_response_parse(*in, &response, &used)) {
	case HTTP1_OK:
		break;
	case HTTP1_MORE:
		return 0;
	case HTTP1_BAD:
	case HTTP1_TOO_LONG:
		return fail_set(why, "malformed HTTP response");
	}
	if (response.status != 101)
		return fail_set(why, "HTTP status %u", response.status);
	*in = slice_of(in->p + used, in->n - used);
	p->state = PEER_GREETING;
	return 0;
}

/* The response was the last that is not in a message. */
static int
begin_messages(struct peer *p, const struct relay *relay, struct writer *plain,
    struct slice *in, struct fail *why)
{
	const size_t used = plain->n - in->n;

	if (p->state == PEER_UPGRADING || !relay->websocket)
		return 0;
	p->framed = true;
	p->framing = (struct load_framing){ 0 };
	if (unframe(p, plain, used, why) == -1)
		return -1;
	*in = slice_of(plain->p + used, plain->n - used);
	return 0;
}

static int
take_frame(struct peer *p, const struct derp_frame *frame,
    const struct peer_reader *r, struct fail *why)
{
	int64_t version;

	if (p->state == PEER_UP) {
		r->frame(r->ctx, p, frame);
		return 0;
	}
	if (p->state == PEER_GREETING)
		return frame->type == DERP_SERVER_KEY
		    ? take_server_key(p, frame->body, why)
		    : fail_set(why, "no ServerKey");
	/* under fast start the ServerKey comes too, and is skipped */
	if (frame->type == DERP_SERVER_KEY)
		return 0;
	if (frame->type != DERP_SERVER_INFO ||
	    derp_server_info_open(
		frame->body, &p->private_key, &p->server, &version, why) == -1)
		return fail_set(why, "no ServerInfo");
	p->state = PEER_UP;
	return 0;
}

static int
take_server_key(struct peer *p, struct slice body, struct fail *why)
{
	uint8_t bytes[REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct derp_key server;

	if (derp_server_key_parse(body, &server) == -1)
		return fail_set(why, "bad ServerKey");
	put_info(p, &w, &server);
	if (w.failed)
		return fail_set(why, "cannot make the ClientInfo");
	p->state = PEER_ADMITTING;
	return peer_write(p, writer_slice(&w), why);
}

static void
keep_rest(struct peer *p, struct slice in)
{
	uint8_t *rest = NULL;

	if (in.n > 0) {
		rest = xcalloc(1, in.n);
		memcpy(rest, in.p, in.n);
	}
	free(p->rest);
	p->rest = rest;
	p->rest_len = in.n;
}

static void
ignore_frame(void *ctx, struct peer *p, const struct derp_frame *frame)
{
	(void)ctx;
	(void)p;
	(void)frame;
}

int
peer_login_now(struct peer *p, const struct relay *relay,
    struct wire_scratch *scratch, int timeout_ms, struct fail *why)
{
	struct peer_reader r = { .relay = relay, .frame = ignore_frame };
	uint64_t until_ms = clock_now_ms() + (uint64_t)timeout_ms;
	int result;

	if (peer_dial(p, relay, scratch, why) == -1)
		return -1;
	r.plain = xcalloc(1, PEER_PLAIN_CAP);
	do {
		struct pollfd pfd = { .fd = p->wire.fd,
			.events = (short)peer_wants(p) };

		if (poll(&pfd, 1, 100) == -1 || clock_now_ms() > until_ms)
			result = fail_set(why, "no login in time");
		else
			result = pfd.revents == 0
			    ? 0
			    : peer_ready(p, (uint32_t)pfd.revents, &r, why);
	} while (result == 0 && p->state != PEER_UP);
	free(r.plain);
	if (result == -1)
		peer_close(p);
	return result;
}
