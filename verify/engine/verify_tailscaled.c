/*
 * verify_tailscaled: asks the tailscaled on this host who a node key is, or
 * follows what it knows (verify_tailnet.h) and asks about the rest.
 *
 * One WhoIs request over its unix socket per question. Its answer means
 * what it means for the Go derper's --verify-clients, and the reasons have the
 * same words; there is no fail-open. Source: tailscale client/local/local.go
 * (WhoIsNodeKey), derp/derpserver/derpserver.go (verifyClient).
 *
 * DIFFERS: one attempt is given a time limit, which upstream does not do,
 * because a daemon that hangs must not block logins forever.
 */
#include "fetch.h"
#include "verify_source.h"
#include "verify_tailnet.h"
#include "verify_whois.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* tailscale tailcfg.CurrentCapabilityVersion of v1.102; tailscaled logs it at
 * most */
#define CAPABILITY "142"
/* A node with all its endpoints and capabilities takes a few KiB. */
#define BODY_MAX ((size_t)1 << 20)
/* Upstream, safesocket and client/local: in the first seconds after a boot the
 * daemon may not listen yet. */
#define STARTUP_MS 2000
#define STARTUP_RETRY_MS 250

struct tailscaled {
	struct verify_source source; /* first */
	/* immutable */
	char *socket; /* path, owned */
	uint64_t opened_ms;
	bool retries; /* while the daemon may still be starting */
	bool denies_expired;
	int64_t (*wall_s)(void);
	uint64_t (*now_ms)(void);
	struct fetch_client *client; /* owned */
};

/* tailscale paths.DefaultTailscaledSocket, on Linux. Its paths for NAS systems
 * are left out: one is below /tmp, where anybody could create a socket that
 * admits them. */
static const char *
default_socket(void)
{
	struct stat st;

	return stat("/var/run", &st) == 0 ? "/var/run/tailscale/tailscaled.sock"
					  : "tailscaled.sock";
}

/* One request. */
static enum fetch_result
who_is(struct tailscaled *t, const struct verify_question *q,
    struct fetch_response *response, struct fail *why)
{
	static const char *const headers[] = {
		"Tailscale-Cap: " CAPABILITY,
		NULL,
	};
	char hex[DERP_KEY_HEX_TEXT], url[160];
	struct fetch_request request = {
		.url = url,
		.unix_socket = t->socket,
		.headers = headers,
		.timeout_ms = verify_source_left_ms(q),
		.body_max = BODY_MAX,
		.stop = q->stop,
	};

	derp_key_format_hex(q->key, hex);
	/* the daemon insists on this host name */
	snprintf(url, sizeof url,
	    "http://local-tailscaled.sock/localapi/v0/whois?addr=nodekey%%3A%s",
	    hex);
	return fetch(t->client, &request, response, why);
}

/* Asks again in the first seconds while the daemon does not listen. The number
 * of tries is limited as well, in case the clock does not advance. */
static enum fetch_result
who_is_with_retries(struct tailscaled *t, const struct verify_question *q,
    struct fetch_response *response, struct fail *why)
{
	const struct timespec delay = { .tv_nsec = STARTUP_RETRY_MS * 1000000 };
	enum fetch_result result;

	for (int tries = 1;; tries++) {
		struct fail reason = { 0 };

		result = who_is(t, q, response, &reason);
		if (result == FETCH_UNREACHABLE && t->retries &&
		    !atomic_load(q->stop) &&
		    tries < STARTUP_MS / STARTUP_RETRY_MS &&
		    q->now_ms() < t->opened_ms + STARTUP_MS &&
		    verify_source_left_ms(q) > STARTUP_RETRY_MS) {
			nanosleep(&delay, NULL);
			continue;
		}
		if (result != FETCH_OK)
			fail_set(why, "%s", reason.text);
		return result;
	}
}

static enum verify_fault
fault_of(enum fetch_result result)
{
	switch (result) {
	case FETCH_UNREACHABLE:
		return VERIFY_FAULT_AWAY;
	case FETCH_SHORT:
		return VERIFY_FAULT_OURS;
	case FETCH_OK:
	case FETCH_BROKEN:
	case FETCH_UNTRUSTED:
		break;
	}
	return VERIFY_FAULT_BAD;
}

static void
ask(struct verify_source *s, const struct verify_question *q,
    struct verify_answer *answer)
{
	struct tailscaled *t = (struct tailscaled *)s;
	struct fetch_response response;
	struct fail why = { 0 };
	const struct verify_whois whois = { .denies_expired = t->denies_expired,
		.now_s = t->wall_s() };
	enum fetch_result result;
	char key[DERP_KEY_TEXT];

	derp_key_format(q->key, key);
	result = who_is_with_retries(t, q, &response, &why);
	if (result == FETCH_OK)
		verify_whois_judge(&whois, &response, key, answer);
	else
		verify_answer_set_fault(answer, fault_of(result),
		    "failed to query local tailscaled status for %s: %s", key,
		    why.text);
	fetch_response_clear(&response);
}

static struct verify_tailnet
tailnet_of(const struct tailscaled *t)
{
	return (struct verify_tailnet){
		.socket = t->socket, .client = t->client, .now_ms = t->now_ms
	};
}

static enum verify_listed
list(struct verify_source *s, struct verify_listing *listing, struct fail *why)
{
	const struct verify_tailnet tailnet =
	    tailnet_of((const struct tailscaled *)s);

	return verify_tailnet_list(&tailnet, listing, why);
}

static bool
push(struct verify_source *s, struct verify_feed *feed)
{
	const struct verify_tailnet tailnet =
	    tailnet_of((const struct tailscaled *)s);

	return verify_tailnet_push(&tailnet, feed);
}

static void
close_tailscaled(struct verify_source *s)
{
	struct tailscaled *t = (struct tailscaled *)s;

	fetch_client_free(t->client);
	free(t->socket);
	free(t);
}

/* Not fatal, as the daemon may be about to start; but nobody should have to
 * learn it from clients that are rejected. */
static void
mention_absence(const struct verify_source_context *context, const char *socket)
{
	struct stat st;

	if (stat(socket, &st) == -1)
		verify_source_notify(context,
		    "tailscaled's socket %s: %s; clients are rejected until "
		    "tailscaled runs",
		    socket, strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		verify_source_notify(context,
		    "tailscaled's socket %s is not a socket; clients are "
		    "rejected until it is",
		    socket);
}

static struct verify_source *
open_tailscaled(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	static const struct verify_source_ops asks = {
		.ask = ask,
		.close = close_tailscaled,
	};
	static const struct verify_source_ops follows = {
		.ask = ask,
		.list = list,
		.push = push,
		.close = close_tailscaled,
	};
	struct tailscaled *t = calloc(1, sizeof *t);
	const char *socket = config->argument;

	if (socket[0] == '\0')
		socket = default_socket();
	if (t == NULL)
		goto out_of_memory;
	t->source = (struct verify_source){
		.ops = config->follow ? &follows : &asks,
		.blocks = true,
	};
	t->denies_expired = !config->allow_expired;
	t->wall_s = context->wall_s;
	t->now_ms = context->now_ms;
	t->opened_ms = context->now_ms();
	t->retries = !context->interactive;
	t->socket = strdup(socket);
	t->client = fetch_client_new(context->threads);
	if (t->socket != NULL && t->client != NULL) {
		mention_absence(context, t->socket);
		return &t->source;
	}
	close_tailscaled(&t->source);

out_of_memory:
	fail_set(why, "out of memory");
	return NULL;
}

const struct verify_source_kind verify_tailscaled_kind = {
	.name = "tailscaled",
	.tool_option = "socket",
	.relay_option = "verify-tailscaled",
	.argument_name = "PATH",
	.tool_help = "ask the tailscaled that listens there; \"\" is its usual "
		     "place",
	.relay_help = "admit only nodes that the tailscaled which listens "
		      "there knows, follow what changes, and disconnect who "
		      "is deleted or expires",
	.asked_admits_expired = true,
	.open = open_tailscaled,
};
