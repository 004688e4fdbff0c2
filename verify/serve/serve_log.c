/* serve_log: see serve_log.h. */
#include "serve_log.h"

#include <stdio.h>

#define BURST 100 /* lines, then PER_S more each second */
#define PER_S 20

void
serve_log_init(struct serve_log *l, bool quiet)
{
	const struct log_limit limit = { .burst = BURST, .per_s = PER_S };

	*l = (struct serve_log){ quiet, limit, limit, limit, limit };
}

static void
format_peer(const struct netaddr *peer, char out[static NETADDR_TEXT])
{
	if (peer->is_set)
		netaddr_format(peer, out);
	else
		snprintf(out, NETADDR_TEXT, "unix socket");
}

static const char *
word_of(const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		return answer->fail_open ? "allow (fail open)" : "allow";
	case VERIFY_DENY:
		return "deny";
	case VERIFY_UNKNOWN:
	case VERIFY_NO_OPINION:
		return "unknown";
	}
	return "unknown";
}

static struct log_limit *
limit_of(struct serve_log *l, const struct verify_answer *answer)
{
	if (answer->fail_open)
		return &l->failed_open;
	return answer->verdict == VERIFY_ALLOW ? &l->allowed : &l->denied;
}

void
serve_log_answer(struct serve_log *l, uint64_t now_ms,
    const struct serve_log_question *q, const struct verify_answer *answer)
{
	char peer[NETADDR_TEXT], client[NETADDR_TEXT] = "";
	char key[DERP_KEY_TEXT];
	const bool has_client = q->client != NULL && q->client->is_set;

	if ((l->quiet && !answer->fail_open) ||
	    !log_allowed(limit_of(l, answer), now_ms))
		return;
	format_peer(q->peer, peer);
	derp_key_format(q->key, key);
	if (has_client)
		netaddr_format_ip(q->client, client);
	log_info("verify: %s: %s %s%s%s: %s", peer, word_of(answer), key,
	    has_client ? " from " : "", client, answer->reason);
}

void
serve_log_refused(struct serve_log *l, uint64_t now_ms,
    const struct netaddr *peer, const char *why)
{
	char text[NETADDR_TEXT];

	if (!log_allowed(&l->refused, now_ms))
		return;
	format_peer(peer, text);
	log_info("http: %s: %s", text, why);
}
