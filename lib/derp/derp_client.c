/* derp_client: see derp_client.h. */
#include "derp_client.h"

#include "buf.h"
#include "clock.h"
#include "dial_cert.h"
#include "http1.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two of the largest frames that a relay may send (derp_frame_cut_client). */
#define IN_MAX (2 * ((1 << 20) + 64))
#define READ_SIZE 65536
#define NAME_CAP 256

struct derp_client {
	/* immutable after dialing */
	char host_header[NAME_CAP + 16];
	char ideal_node[NAME_CAP];
	bool fast_start;
	struct derp_private_key key;
	struct derp_client_info info;
	/* the connection */
	struct dial *dial; /* owned */
	struct buf in;
	size_t taken;  /* bytes of `in` that the last frame occupies */
	uint32_t skip; /* bytes of an unknown frame still to come */
	bool introduced;
	struct derp_client_state state;
};

static int send_request(
    struct derp_client *c, bool fast, unsigned timeout_ms, struct fail *why);
static int await_switch(
    struct derp_client *c, uint64_t deadline_ms, struct fail *why);
static enum derp_client_result fill(
    struct derp_client *c, uint64_t deadline_ms, struct fail *why);
static bool cut(struct derp_client *c, struct derp_frame *frame, bool *bad);
static int notice(
    struct derp_client *c, const struct derp_frame *frame, struct fail *why);
static void read_meta(struct derp_client *c);

static uint64_t
deadline_in(unsigned timeout_ms)
{
	return clock_now_ms() + timeout_ms;
}

static unsigned
left_of(uint64_t deadline_ms)
{
	const uint64_t now = clock_now_ms();

	return now >= deadline_ms ? 0 : (unsigned)(deadline_ms - now);
}

static int
copy_name(char *out, size_t cap, const char *text, struct fail *why)
{
	const int n = snprintf(out, cap, "%s", text);

	if (n < 0 || (size_t)n >= cap)
		return fail_set(why, "name too long: %.60s...", text);
	if (strpbrk(out, "\r\n") != NULL)
		return fail_set(why, "line break in a name");
	return 0;
}

static int
copy_config(struct derp_client *c, const struct derp_client_config *config,
    struct fail *why)
{
	const struct dial_config *dial = &config->dial;
	const char *hostname =
	    dial->hostname != NULL ? dial->hostname : dial->address;
	char name[NAME_CAP];

	c->fast_start = config->fast_start;
	c->key = *config->key;
	c->info = config->info;
	if (config->server != NULL) {
		c->state.server = *config->server;
		c->state.has_server = true;
	}
	if (copy_name(name, sizeof name, hostname, why) == -1 ||
	    copy_name(c->ideal_node, sizeof c->ideal_node,
		config->ideal_node != NULL ? config->ideal_node : "",
		why) == -1)
		return -1;
	snprintf(c->host_header, sizeof c->host_header,
	    strchr(name, ':') != NULL ? "[%s]:%u" : "%s:%u", name, dial->port);
	if (dial->port == 443)
		*strrchr(c->host_header, ':') = '\0';
	return 0;
}

struct derp_client *
derp_client_dial(const struct derp_client_config *config, unsigned timeout_ms,
    struct fail *why)
{
	struct derp_client *c = calloc(1, sizeof *c);

	if (c == NULL) {
		fail_set(why, "out of memory");
		if (config->dial.socket != NULL)
			close(*config->dial.socket);
		return NULL;
	}
	buf_init(&c->in, IN_MAX);
	if (copy_config(c, config, why) == -1) {
		if (config->dial.socket != NULL)
			close(*config->dial.socket);
		goto free_client;
	}
	c->dial = dial_open(&config->dial, deadline_in(timeout_ms), why);
	if (c->dial == NULL)
		goto free_client;
	c->state.tls_version = dial_tls_version(c->dial);
	read_meta(c);
	return c;
free_client:
	derp_client_free(c);
	return NULL;
}

void
derp_client_free(struct derp_client *c)
{
	if (c == NULL)
		return;
	dial_free(c->dial);
	buf_clear(&c->in);
	derp_private_key_clear(&c->key);
	sodium_memzero(&c->info, sizeof c->info);
	free(c);
}

/* Looks for the relay's key in the chain: its last certificate's serial number
 * is the protocol version and its common name holds the key. Under TLS 1.2 the
 * certificates crossed the wire in clear and unproven, so the key is not used.
 * Source: tailscale derp/derphttp (parseMetaCert). */
static void
read_meta(struct derp_client *c)
{
	STACK_OF(X509) *chain = dial_chain(c->dial);
	const int count = chain != NULL ? sk_X509_num(chain) : 0;
	const size_t prefix = strlen(DIAL_CERT_META_PREFIX);
	const X509 *last;
	char cn[DIAL_CERT_CN_MAX];

	c->state.certs = (unsigned)count;
	if (count == 0)
		return;
	last = sk_X509_value(chain, count - 1);
	dial_cert_common_name(last, cn);
	if (strncmp(cn, DIAL_CERT_META_PREFIX, prefix) != 0 ||
	    ASN1_INTEGER_get(X509_get0_serialNumber(last)) !=
		DERP_PROTOCOL_VERSION ||
	    derp_key_parse_hex(&c->state.meta_key, slice_str(cn + prefix)) ==
		-1 ||
	    derp_key_is_zero(&c->state.meta_key))
		return;
	c->state.has_meta = true;
	if (!c->state.has_server &&
	    strcmp(c->state.tls_version, "TLSv1.3") == 0) {
		c->state.has_server = true;
		c->state.server = c->state.meta_key;
	}
}

int
derp_client_upgrade(
    struct derp_client *c, unsigned timeout_ms, struct fail *why)
{
	const uint64_t deadline_ms = deadline_in(timeout_ms);
	const bool fast = c->fast_start && c->state.has_server;
	struct derp_frame frame;

	if (send_request(c, fast, timeout_ms, why) == -1)
		return -1;
	if (fast) {
		c->introduced = true;
		return 0;
	}
	if (await_switch(c, deadline_ms, why) == -1)
		return -1;
	switch (derp_client_recv(c, &frame, left_of(deadline_ms), why)) {
	case DERP_CLIENT_FRAME:
		break;
	case DERP_CLIENT_TIMEOUT:
		return fail_set(why, "no ServerKey in time");
	case DERP_CLIENT_EOF:
		return fail_set(why, "the relay closed before ServerKey");
	case DERP_CLIENT_FAILED:
		return -1;
	}
	if (frame.type != DERP_SERVER_KEY)
		return fail_set(why, "first frame is %s, not ServerKey",
		    derp_frame_name(frame.type));
	return 0;
}

/* The request, with ClientInfo after it under fast start, in one write. */
static int
send_request(
    struct derp_client *c, bool fast, unsigned timeout_ms, struct fail *why)
{
	uint8_t bytes[4096];
	struct writer w = writer_of(bytes, sizeof bytes);

	writer_printf(&w,
	    "GET /derp HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: derpkit/" DERPKIT_VERSION "\r\n"
	    "Connection: Upgrade\r\n%s",
	    c->host_header, fast ? "Derp-Fast-Start: 1\r\n" : "");
	if (c->ideal_node[0] != '\0')
		writer_printf(&w, "Ideal-Node: %s\r\n", c->ideal_node);
	writer_printf(&w, "Upgrade: DERP\r\n\r\n");
	if (fast &&
	    derp_client_info_put(&w, &c->info, &c->key, &c->state.server) == -1)
		return fail_set(why, "ClientInfo: the relay's key is unusable");
	if (w.failed)
		return fail_set(why, "request too long");
	return derp_client_write(c, writer_slice(&w), timeout_ms, why);
}

/* Reads the response, which must be 101, and leaves in `in` what follows. */
static int
await_switch(struct derp_client *c, uint64_t deadline_ms, struct fail *why)
{
	struct http1_response res;
	size_t used = 0;

	for (;;) {
		switch (http1_response_parse(buf_slice(&c->in), &res, &used)) {
		case HTTP1_OK:
			c->state.http_status = res.status;
			if (res.status != 101)
				return fail_set(why,
				    "the relay answered %u %.*s", res.status,
				    (int)res.reason.n,
				    (const char *)res.reason.p);
			buf_consume(&c->in, used);
			return 0;
		case HTTP1_BAD:
			return fail_set(why, "the relay's answer is not HTTP");
		case HTTP1_TOO_LONG:
			return fail_set(why,
			    "the headers of the relay's answer are too long "
			    "(limits: %d bytes, %d headers)",
			    HTTP1_HEAD_MAX, HTTP1_HEADERS_MAX);
		case HTTP1_MORE:
			break;
		}
		switch (fill(c, deadline_ms, why)) {
		case DERP_CLIENT_FRAME:
			break;
		case DERP_CLIENT_TIMEOUT:
			return fail_set(why, "no HTTP response in time");
		case DERP_CLIENT_EOF:
			return fail_set(
			    why, "the relay closed before its HTTP response");
		case DERP_CLIENT_FAILED:
			return -1;
		}
	}
}

int
derp_client_introduce(
    struct derp_client *c, unsigned timeout_ms, struct fail *why)
{
	uint8_t bytes[1024];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (c->introduced)
		return 0;
	if (derp_client_info_put(&w, &c->info, &c->key, &c->state.server) == -1)
		return fail_set(why, "ClientInfo: the relay's key is unusable");
	if (derp_client_write(c, writer_slice(&w), timeout_ms, why) == -1)
		return -1;
	c->introduced = true;
	return 0;
}

int
derp_client_login(struct derp_client *c, unsigned timeout_ms, struct fail *why)
{
	const uint64_t deadline_ms = deadline_in(timeout_ms);
	struct derp_frame frame;

	if (derp_client_introduce(c, timeout_ms, why) == -1)
		return -1;
	while (!c->state.admitted) {
		switch (
		    derp_client_recv(c, &frame, left_of(deadline_ms), why)) {
		case DERP_CLIENT_FRAME:
			break;
		case DERP_CLIENT_TIMEOUT:
			return fail_set(why, "no ServerInfo in time");
		case DERP_CLIENT_EOF:
			return fail_set(why,
			    "the relay closed before ServerInfo: not admitted");
		case DERP_CLIENT_FAILED:
			return -1;
		}
		if (frame.type != DERP_SERVER_KEY &&
		    frame.type != DERP_SERVER_INFO)
			return fail_set(why, "%s came before ServerInfo",
			    derp_frame_name(frame.type));
	}
	return 0;
}

int
derp_client_write(struct derp_client *c, struct slice bytes,
    unsigned timeout_ms, struct fail *why)
{
	const uint64_t deadline_ms = deadline_in(timeout_ms);
	enum dial_io io;
	size_t put;

	while (bytes.n > 0) {
		io = dial_write(c->dial, bytes, &put, why);
		bytes.p += put;
		bytes.n -= put;
		if (io == DIAL_EOF)
			return fail_set(why, "send: the relay has ended");
		if (io == DIAL_FAILED)
			return -1;
		if (io != DIAL_DONE && !dial_wait(c->dial, io, deadline_ms))
			return fail_set(why, "send: timed out");
	}
	return 0;
}

int
derp_client_send(struct derp_client *c, const struct derp_key *to,
    struct slice packet, unsigned timeout_ms, struct fail *why)
{
	uint8_t bytes[DERP_MAX_FRAME];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (packet.n > DERP_MAX_PACKET)
		return fail_set(
		    why, "packet of %zu bytes is too long", packet.n);
	derp_send_packet_put(&w, to, packet);
	return derp_client_write(c, writer_slice(&w), timeout_ms, why);
}

void
derp_client_end(struct derp_client *c)
{
	dial_end(c->dial);
}

int
derp_client_take(
    struct derp_client *c, struct derp_client_parts *parts, struct fail *why)
{
	buf_consume(&c->in, c->taken);
	c->taken = 0;
	*parts = (struct derp_client_parts){ .rest = buf_slice(&c->in),
		.skip = c->skip };
	return dial_take(c->dial, &parts->fd, &parts->tls, why);
}

enum derp_client_result
derp_client_recv(struct derp_client *c, struct derp_frame *frame,
    unsigned timeout_ms, struct fail *why)
{
	const uint64_t deadline_ms = deadline_in(timeout_ms);
	enum derp_client_result r;
	bool bad = false;

	for (;;) {
		if (cut(c, frame, &bad))
			return notice(c, frame, why) == -1 ? DERP_CLIENT_FAILED
							   : DERP_CLIENT_FRAME;
		if (bad) {
			fail_set(why, "the relay sent %s of %u bytes",
			    derp_frame_name(frame->type), frame->len);
			return DERP_CLIENT_FAILED;
		}
		r = fill(c, deadline_ms, why);
		if (r != DERP_CLIENT_FRAME)
			return r;
	}
}

/* Reads once, waiting for it. DERP_CLIENT_FRAME: there are more bytes. */
static enum derp_client_result
fill(struct derp_client *c, uint64_t deadline_ms, struct fail *why)
{
	uint8_t *room = buf_room(&c->in, READ_SIZE);
	enum dial_io io;
	size_t got;

	if (room == NULL) {
		fail_set(why, "out of memory");
		return DERP_CLIENT_FAILED;
	}
	for (;;) {
		io = dial_read(c->dial, room, READ_SIZE, &got, why);
		switch (io) {
		case DIAL_DONE:
			buf_added(&c->in, got);
			return DERP_CLIENT_FRAME;
		case DIAL_EOF:
			return DERP_CLIENT_EOF;
		case DIAL_FAILED:
			return DERP_CLIENT_FAILED;
		case DIAL_READ:
		case DIAL_WRITE:
			break;
		}
		if (!dial_wait(c->dial, io, deadline_ms))
			return DERP_CLIENT_TIMEOUT;
	}
}

/* The next whole frame in `in`, if there is one. */
static bool
cut(struct derp_client *c, struct derp_frame *frame, bool *bad)
{
	size_t used, here;

	buf_consume(&c->in, c->taken);
	c->taken = 0;
	for (;;) {
		here = buf_len(&c->in);
		if (here > c->skip)
			here = c->skip;
		buf_consume(&c->in, here);
		c->skip -= (uint32_t)here;
		if (c->skip > 0 || buf_len(&c->in) == 0)
			return false;
		switch (derp_frame_cut_client(
		    c->in.p + c->in.start, buf_len(&c->in), frame, &used)) {
		case DERP_CUT_FRAME:
			c->taken = used;
			return true;
		case DERP_CUT_SKIP:
			buf_consume(&c->in, used);
			c->skip = frame->skip;
			continue;
		case DERP_CUT_BAD:
			*bad = true;
			return false;
		case DERP_CUT_MORE:
			return false;
		}
	}
}

/* What the handshake frames say. */
static int
notice(struct derp_client *c, const struct derp_frame *frame, struct fail *why)
{
	struct derp_key server;

	if (frame->type == DERP_SERVER_KEY) {
		if (derp_server_key_parse(frame->body, &server) == -1)
			return fail_set(why, "the relay's ServerKey is bad");
		if (c->state.has_server &&
		    !derp_key_eq(&server, &c->state.server))
			return fail_set(
			    why, "ServerKey is not the key that was known");
		c->state.server = server;
		c->state.has_server = true;
	}
	if (frame->type == DERP_SERVER_INFO && !c->state.admitted) {
		if (derp_server_info_open(frame->body, &c->key,
			&c->state.server, &c->state.version, why) == -1)
			return -1;
		c->state.admitted = true;
	}
	return 0;
}

struct derp_client_state
derp_client_state(const struct derp_client *c)
{
	return c->state;
}

int
derp_client_fd(const struct derp_client *c)
{
	return dial_fd(c->dial);
}
