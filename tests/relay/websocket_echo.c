/*
 * derp-websocket-echo: the relay's WebSocket with an echo over it, for test
 * suites that know nothing of DERP: handshake, frames, pings and closes are
 * the code that the relay runs.
 *
 *   derp-websocket-echo PORT     listens on 127.0.0.1; one client at a time
 *
 * A relay takes no text. So that the suites can see how text messages are put
 * together, they are handed on as binary ones and echoed as text.
 */
#include "counters.h"
#include "http1.h"
#include "num.h"
#include "websocket.h"
#include "websocket_request.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX 262144
#define OPCODE 0x0f

struct echo {
	int fd;
	struct websocket *ws; /* owned */
	uint8_t in[IN_MAX];   /* what came and is not a whole frame */
	size_t in_len;
	uint8_t message[WS_MESSAGE_MAX]; /* of it so far */
	size_t message_len;
	bool text; /* it is to be echoed as text */
};

static int
send_all(int fd, struct slice bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
	}
	return 0;
}

/* Adds what has come. False at the end. */
static bool
receive(struct echo *e)
{
	ssize_t n = recv(e->fd, e->in + e->in_len, IN_MAX - e->in_len, 0);

	if (n <= 0)
		return false;
	e->in_len += (size_t)n;
	return true;
}

static void
forget(struct echo *e, size_t n)
{
	memmove(e->in, e->in + n, e->in_len - n);
	e->in_len -= n;
}

/* Whether the client has asked for WebSocket and was answered. */
static bool
shake_hands(struct echo *e)
{
	struct websocket_handshake handshake;
	struct websocket_refusal refusal;
	struct http1_request request;
	uint8_t bytes[1024];
	struct writer w = writer_of(bytes, sizeof bytes);
	enum http1_result result;
	size_t used = 0;

	do {
		if (!receive(e))
			return false;
		result = http1_request_parse(
		    slice_of(e->in, e->in_len), &request, &used);
	} while (result == HTTP1_MORE);
	if (result != HTTP1_OK ||
	    websocket_request_judge(&request, &handshake, &refusal) == -1)
		return false;
	websocket_request_accept(&w, &handshake);
	forget(e, used);
	return !w.failed && send_all(e->fd, writer_slice(&w)) == 0;
}

/* Bytes of the frame in front; 0 while it is not whole. One that is longer
 * than any message is told by its head. */
static size_t
frame_in_front(const struct echo *e, struct ws_head *head)
{
	size_t len = ws_head_parse(slice_of(e->in, e->in_len), head);

	if (len == 0 || head->len > WS_MESSAGE_MAX)
		return len;
	return e->in_len - len < head->len ? 0 : len + (size_t)head->len;
}

static int
echo_message(struct echo *e)
{
	uint8_t bytes[WS_HEAD_MAX];
	const size_t n = e->message_len;

	e->message_len = 0;
	if (send_all(e->fd,
		slice_of(bytes,
		    ws_head_put(bytes, e->text ? WS_TEXT : WS_BINARY, n))) ==
	    -1)
		return -1;
	return send_all(e->fd, slice_of(e->message, n));
}

/* Says why it ends, and waits for the client to close. */
static int
end(struct echo *e)
{
	uint8_t frame[WEBSOCKET_FRAME_MAX];
	const char *why = "";

	if (websocket_state(e->ws) == WEBSOCKET_FAILED)
		why = websocket_why(e->ws);
	(void)send_all(e->fd,
	    websocket_end(e->ws, websocket_code(e->ws), slice_str(why), frame));
	(void)shutdown(e->fd, SHUT_WR);
	do
		e->in_len = 0;
	while (receive(e));
	return -1;
}

/* One frame. -1 when it was the last one. */
static int
take_frame(struct echo *e, const struct ws_head *head, size_t n)
{
	uint8_t bytes[WEBSOCKET_PONGS_MAX];
	struct writer pongs = writer_of(bytes, sizeof bytes);
	const bool first = head->opcode == WS_TEXT || head->opcode == WS_BINARY;
	size_t payload, empty;

	if (first)
		e->text = head->opcode == WS_TEXT;
	if (head->opcode == WS_TEXT)
		e->in[0] = (uint8_t)((e->in[0] & ~OPCODE) | WS_BINARY);
	payload = websocket_input(e->ws, e->in, n, &pongs, &empty);
	/* no message is longer: that would have ended it */
	memcpy(e->message + e->message_len, e->in, payload);
	e->message_len += payload;
	forget(e, n);
	if (send_all(e->fd, writer_slice(&pongs)) == -1)
		return -1;
	if (websocket_state(e->ws) != WEBSOCKET_OPEN)
		return end(e);
	if (head->fin && head->opcode <= WS_BINARY)
		return echo_message(e);
	return 0;
}

static void
serve(struct echo *e)
{
	const int on = 1;
	struct ws_head head;
	size_t n;

	/* a message leaves in two pieces */
	(void)setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!shake_hands(e))
		return;
	for (;;) {
		while ((n = frame_in_front(e, &head)) > 0)
			if (take_frame(e, &head, n) == -1)
				return;
		if (!receive(e))
			return;
	}
}

static int
listen_on(uint16_t port)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof addr) == -1 ||
	    listen(fd, 16) == -1) {
		perror("derp-websocket-echo");
		exit(1);
	}
	return fd;
}

static void
serve_all(struct echo *e, int fd, struct counters *counters)
{
	while ((e->fd = accept(fd, NULL, NULL)) != -1) {
		e->in_len = e->message_len = 0;
		e->ws = websocket_new(counters);
		if (e->ws != NULL)
			serve(e);
		websocket_free(e->ws);
		close(e->fd);
	}
	perror("derp-websocket-echo: accept");
}

int
main(int argc, char **argv)
{
	struct counters_array *counters;
	struct echo *e;
	uint64_t port;

	if (argc != 2 ||
	    num_parse_decimal(slice_str(argv[1]), UINT16_MAX, &port) == -1) {
		fprintf(stderr, "usage: derp-websocket-echo PORT\n");
		return 2;
	}
	counters = counters_new(1);
	e = calloc(1, sizeof *e);
	if (counters != NULL && e != NULL)
		serve_all(
		    e, listen_on((uint16_t)port), counters_at(counters, 0));
	free(e);
	counters_free(counters);
	return 1;
}
