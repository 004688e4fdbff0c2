/* exchange: see exchange.h. */
#include "exchange.h"

#include "clock.h"
#include "num.h"

#define REQUEST_MAX 4096
#define BODY_WAIT_MS 300 /* for the rest of a body that is small */

static enum exchange_result
send_all(
    struct dial *d, struct slice bytes, uint64_t deadline_ms, struct fail *why)
{
	enum dial_io io;
	size_t put;

	while (bytes.n > 0) {
		io = dial_write(d, bytes, &put, why);
		bytes = slice_of(bytes.p + put, bytes.n - put);
		if (io == DIAL_EOF) {
			fail_set(why, "send: the other side has ended");
			return EXCHANGE_CLOSED;
		}
		if (io == DIAL_FAILED)
			return EXCHANGE_FAILED;
		if (io != DIAL_DONE && !dial_wait(d, io, deadline_ms)) {
			fail_set(why, "send: timed out");
			return EXCHANGE_TIMEOUT;
		}
	}
	return EXCHANGE_OK;
}

static enum exchange_result
send_request(struct dial *d, const struct exchange_request *request,
    uint64_t deadline_ms, struct fail *why)
{
	uint8_t bytes[REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);

	writer_printf(&w, "%s %s HTTP/1.1\r\nHost: %s\r\n", request->method,
	    request->target, request->host);
	writer_printf(&w, "User-Agent: derpkit/" DERPKIT_VERSION "\r\n");
	for (const char *const *h = request->headers; h != NULL && *h != NULL;
	     h++)
		writer_printf(&w, "%s\r\n", *h);
	writer_printf(&w, "\r\n");
	if (w.failed) {
		fail_set(why, "request too long");
		return EXCHANGE_FAILED;
	}
	return send_all(d, writer_slice(&w), deadline_ms, why);
}

/* Reads once, waiting for it; at most `room` bytes of the response. */
static enum exchange_result
fill(struct dial *d, struct exchange_response *res, size_t room,
    uint64_t deadline_ms, struct fail *why)
{
	enum dial_io io;
	size_t got;

	for (;;) {
		io = dial_read(d, res->bytes + res->n, room, &got, why);
		res->n += got;
		switch (io) {
		case DIAL_DONE:
			return EXCHANGE_OK;
		case DIAL_EOF:
			fail_set(
			    why, "the other side ended before it answered");
			return EXCHANGE_CLOSED;
		case DIAL_FAILED:
			return EXCHANGE_FAILED;
		case DIAL_READ:
		case DIAL_WRITE:
			break;
		}
		if (!dial_wait(d, io, deadline_ms)) {
			fail_set(why, "no answer in time");
			return EXCHANGE_TIMEOUT;
		}
	}
}

static enum exchange_result
read_head(struct dial *d, struct exchange_response *res, size_t *used,
    uint64_t deadline_ms, struct fail *why)
{
	enum exchange_result result;

	for (;;) {
		switch (http1_response_parse(
		    slice_of(res->bytes, res->n), &res->head, used)) {
		case HTTP1_OK:
			return EXCHANGE_OK;
		case HTTP1_BAD:
			fail_set(why, "the answer is not HTTP");
			return EXCHANGE_NOT_HTTP;
		case HTTP1_TOO_LONG:
			fail_set(why,
			    "the headers of the answer are too long (limits: "
			    "%d bytes, %d headers)",
			    HTTP1_HEAD_MAX, HTTP1_HEADERS_MAX);
			return EXCHANGE_TOO_LONG;
		case HTTP1_MORE: /* fewer than HTTP1_HEAD_MAX bytes */
			break;
		}
		result =
		    fill(d, res, HTTP1_HEAD_MAX - res->n, deadline_ms, why);
		if (result != EXCHANGE_OK)
			return result;
	}
}

/* How much of a body is worth waiting for: what Content-Length says, where it
 * is kept. Bodies without it are shown as far as they came with the head. */
static size_t
body_wanted(const struct http1_response *head)
{
	const struct slice text =
	    http1_header(head->headers, head->header_count, "Content-Length");
	uint64_t length;

	if (text.p == NULL || num_parse_decimal(text, INT64_MAX, &length) == -1)
		return 0;
	return length > EXCHANGE_BODY_MAX ? EXCHANGE_BODY_MAX : (size_t)length;
}

static void
read_body(struct dial *d, struct exchange_response *res, size_t used,
    uint64_t deadline_ms)
{
	const uint64_t until = clock_now_ms() + BODY_WAIT_MS;
	const size_t wanted = used + body_wanted(&res->head);

	if (deadline_ms > until)
		deadline_ms = until;
	while (res->n < wanted)
		if (fill(d, res, wanted - res->n, deadline_ms, NULL) !=
		    EXCHANGE_OK)
			break;
	res->body = slice_of(res->bytes + used, res->n - used);
	if (res->body.n > EXCHANGE_BODY_MAX)
		res->body.n = EXCHANGE_BODY_MAX;
}

enum exchange_result
exchange(struct dial *d, const struct exchange_request *request,
    uint64_t deadline_ms, struct exchange_response *response, struct fail *why)
{
	const uint64_t start_us = clock_now_us();
	enum exchange_result result;
	size_t used = 0;

	response->head = (struct http1_response){ 0 };
	response->body = (struct slice){ 0 };
	response->time_us = 0;
	response->n = 0;
	result = send_request(d, request, deadline_ms, why);
	if (result == EXCHANGE_OK)
		result = read_head(d, response, &used, deadline_ms, why);
	if (result != EXCHANGE_OK)
		return result;
	response->time_us = clock_now_us() - start_us;
	if (response->head.status != 101)
		read_body(d, response, used, deadline_ms);
	return EXCHANGE_OK;
}
