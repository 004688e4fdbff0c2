/* port80_answer: see port80_answer.h. */
#include "port80_answer.h"

#include "dial.h"
#include "http1.h"
#include "port.h"
#include "quote.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX 8192  /* bytes of a response that are read */
#define CHALLENGE_MAX 60 /* of the host's name; servers take 64 in all */

/* Writes all of the text. */
static int
send_text(
    struct dial *d, struct slice text, uint64_t deadline_ms, struct fail *why)
{
	while (text.n > 0) {
		size_t put;
		enum dial_io io = dial_write(d, text, &put, why);

		text = slice_of(text.p + put, text.n - put);
		if (io == DIAL_DONE)
			continue;
		if (io == DIAL_EOF || io == DIAL_FAILED)
			return fail_set(why, "the connection was closed");
		if (!dial_wait(d, io, deadline_ms))
			return fail_set(why, "timed out");
	}
	return 0;
}

/* Reads until the head of the response is whole. */
static int
receive_head(struct dial *d, uint8_t buf[static ANSWER_MAX],
    struct http1_response *res, uint64_t deadline_ms, struct fail *why)
{
	size_t n = 0, got, used;

	for (;;) {
		enum dial_io io =
		    dial_read(d, buf + n, ANSWER_MAX - n, &got, why);

		n += got;
		if (got > 0)
			switch (http1_response_parse(
			    slice_of(buf, n), res, &used)) {
			case HTTP1_OK:
				return 0;
			case HTTP1_MORE:
				break;
			case HTTP1_BAD:
			case HTTP1_TOO_LONG:
				return fail_set(
				    why, "what answers is not HTTP");
			}
		if (io == DIAL_EOF || io == DIAL_FAILED || n == ANSWER_MAX)
			return fail_set(why, "closed without an answer");
		if (io == DIAL_READ && !dial_wait(d, io, deadline_ms))
			return fail_set(why, "timed out");
	}
}

static void
judge(struct port80_answer *a, const struct http1_response *res,
    const char *challenge)
{
	struct slice response = http1_header(
	    res->headers, res->header_count, "X-Tailscale-Response");
	struct slice location =
	    http1_header(res->headers, res->header_count, "Location");
	char wanted[80], quoted[QUOTE_TEXT];

	snprintf(wanted, sizeof wanted, "response %s", challenge);
	a->state = PORT80_WRONG;
	if (res->status >= 300 && res->status < 400 && location.p != NULL)
		snprintf(a->text, sizeof a->text, "redirects to %s (%u)",
		    quote_text(quoted, location), res->status);
	else if (res->status != 204)
		snprintf(a->text, sizeof a->text, "answers with status %u",
		    res->status);
	else if (!slice_is(response, wanted))
		snprintf(a->text, sizeof a->text,
		    "answers 204 without the response to the challenge");
	else
		a->state = PORT80_GOOD;
}

/* The challenge of clients: ts_ and the host's name. */
static void
make_challenge(char challenge[static 64], const char *host)
{
	snprintf(challenge, 64, "ts_%.*s", CHALLENGE_MAX, host);
}

void
port80_answer_ask(struct port80_answer *a, const struct host_names *names,
    const struct netaddr *address, const char *host, uint64_t deadline_ms)
{
	char to[HOST_NAMES_TEXT], literal[NETADDR_TEXT], challenge[64];
	char request[512];
	struct dial_config config = { .address = to };
	uint8_t buf[ANSWER_MAX];
	struct http1_response res;
	struct fail why = { .text = "" };
	struct dial *d;

	host_names_route(names, address, PORT_HTTP, to, &config.port);
	netaddr_format_ip(address, literal);
	make_challenge(challenge, host);
	snprintf(request, sizeof request,
	    "GET /generate_204?t=0 HTTP/1.1\r\nHost: %s\r\n"
	    "X-Tailscale-Challenge: %s\r\nConnection: close\r\n\r\n",
	    literal, challenge);
	*a = (struct port80_answer){ .state = PORT80_SILENT };
	d = dial_open(&config, deadline_ms, &why);
	if (d == NULL ||
	    send_text(d, slice_str(request), deadline_ms, &why) == -1 ||
	    receive_head(d, buf, &res, deadline_ms, &why) == -1)
		snprintf(a->text, sizeof a->text, "%.*s",
		    PORT80_ANSWER_TEXT - 1, why.text);
	else
		judge(a, &res, challenge);
	dial_free(d);
}
