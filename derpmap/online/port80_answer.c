/* port80_answer: see port80_answer.h. */
#include "port80_answer.h"

#include "exchange.h"
#include "port.h"
#include "quote.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_MAX 60 /* of the host's name; servers take 64 in all */

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
	char header[100];
	const char *const headers[] = { header, "Connection: close", NULL };
	const struct exchange_request request = {
		.method = "GET",
		.target = "/generate_204?t=0",
		.host = literal,
		.headers = headers,
	};
	struct dial_config config = { .address = to };
	struct exchange_response response;
	struct fail why = { .text = "" };
	struct dial *d;

	host_names_route(names, address, PORT_HTTP, to, &config.port);
	netaddr_format_ip(address, literal);
	make_challenge(challenge, host);
	snprintf(header, sizeof header, "X-Tailscale-Challenge: %s", challenge);
	*a = (struct port80_answer){ .state = PORT80_SILENT };
	d = dial_open(&config, deadline_ms, &why);
	if (d == NULL ||
	    exchange(d, &request, deadline_ms, &response, &why) != EXCHANGE_OK)
		snprintf(a->text, sizeof a->text, "%.*s",
		    PORT80_ANSWER_TEXT - 1, why.text);
	else
		judge(a, &response.head, challenge);
	dial_free(d);
}
