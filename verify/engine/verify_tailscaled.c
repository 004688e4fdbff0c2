/*
 * verify_tailscaled: asks the tailscaled on this host who a node key is.
 *
 * One WhoIs request over its unix socket per question. What it answers counts
 * as it does for the Go derper's --verify-clients, in the same words; there is
 * no fail-open. Source: tailscale client/local/local.go (WhoIsNodeKey),
 * derp/derpserver/derpserver.go (verifyClient).
 *
 * DIFFERS: one attempt is given a time limit, which upstream does not do,
 * because a daemon that hangs must not hold logins for ever.
 */
#include "verify_source.h"

#include "fetch.h"

#include <jansson.h>
#include <pthread.h>
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
	char *socket;     /* path, owned */
	uint64_t born_ms; /* the time of patience begins here */
	bool patient;
	struct fetch_client *client; /* owned */
};

/* tailscale paths.DefaultTailscaledSocket, on Linux. Its places for NAS boxes
 * are left out: one is below /tmp, where anybody could put a socket that
 * admits him. */
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

/* Asks again while the process is young and the daemon does not listen. The
 * number of tries is bounded as well, for a clock that stands still. */
static enum fetch_result
who_is_patiently(struct tailscaled *t, const struct verify_question *q,
    struct fetch_response *response, struct fail *why)
{
	const struct timespec pause = { .tv_nsec = STARTUP_RETRY_MS * 1000000 };
	enum fetch_result result;

	for (int tries = 1;; tries++) {
		struct fail reason = { 0 };

		result = who_is(t, q, response, &reason);
		if (result == FETCH_UNREACHABLE && t->patient &&
		    !atomic_load(q->stop) &&
		    tries < STARTUP_MS / STARTUP_RETRY_MS &&
		    q->now_ms() < t->born_ms + STARTUP_MS &&
		    verify_source_left_ms(q) > STARTUP_RETRY_MS) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (result != FETCH_OK)
			fail_set(why, "%s", reason.text);
		return result;
	}
}

/* A key whose holder tailscaled knows. Expiry does not refuse: the Go derper
 * admits expired nodes here, and this flag means what it means there. */
static void
judge_known(const struct fetch_response *response, const char *key,
    struct verify_answer *answer)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)response->body,
	    response->body_len, JSON_ALLOW_NUL, &error);
	const json_t *node = json_object_get(root, "Node");
	const char *name = json_string_value(json_object_get(node, "Name"));

	if (root == NULL)
		verify_source_answer(answer, VERIFY_UNKNOWN,
		    "failed to query local tailscaled status for %s: bad JSON "
		    "in its answer: %.80s",
		    key, error.text);
	else
		verify_source_answer(answer, VERIFY_ALLOW,
		    "%.100s known to local tailscaled%s",
		    name != NULL ? name : "peer",
		    json_is_true(json_object_get(node, "Expired"))
			? " (its key has expired)"
			: "");
	json_decref(root);
}

/* The daemon's words, as far as they fit on a line. */
static struct slice
first_line(const struct fetch_response *response)
{
	struct slice line, rest;

	slice_cut(
	    slice_of(response->body, response->body_len), '\n', &line, &rest);
	line = slice_trim(line);
	return line.n <= 100 ? line : slice_of(line.p, 100);
}

static void
judge(const struct fetch_response *response, const char *key,
    struct verify_answer *answer)
{
	struct slice said = first_line(response);

	if (response->status == 200)
		judge_known(response, key, answer);
	else if (response->status == 404)
		verify_source_answer(answer, VERIFY_DENY,
		    "peer %s not authorized (not found in local tailscaled)",
		    key);
	else if (slice_starts(said, "invalid 'addr' parameter"))
		verify_source_answer(answer, VERIFY_UNKNOWN,
		    "tailscaled version is too old (out of sync with derper "
		    "binary)");
	else
		verify_source_answer(answer, VERIFY_UNKNOWN,
		    "failed to query local tailscaled status for %s: %s: %.*s",
		    key, response->status_line, (int)said.n,
		    (const char *)said.p);
}

static void
ask(struct verify_source *s, const struct verify_question *q,
    struct verify_answer *answer)
{
	struct tailscaled *t = (struct tailscaled *)s;
	struct fetch_response response;
	struct fail why = { 0 };
	char key[DERP_KEY_TEXT];

	derp_key_format(q->key, key);
	if (who_is_patiently(t, q, &response, &why) == FETCH_OK)
		judge(&response, key, answer);
	else
		verify_source_answer(answer, VERIFY_UNKNOWN,
		    "failed to query local tailscaled status for %s: %s", key,
		    why.text);
	fetch_response_clear(&response);
}

static void
free_tailscaled(struct verify_source *s)
{
	struct tailscaled *t = (struct tailscaled *)s;

	fetch_client_free(t->client);
	free(t->socket);
	free(t);
}

static struct verify_source *
make(const struct verify_config *config, struct fail *why)
{
	struct tailscaled *t = calloc(1, sizeof *t);
	const char *socket = config->socket;

	if (socket == NULL || socket[0] == '\0')
		socket = default_socket();
	if (t == NULL)
		goto short_of_memory;
	t->source = (struct verify_source){
		.blocks = true,
		.ask = ask,
		.free = free_tailscaled,
	};
	t->born_ms = config->now_ms();
	t->patient = !config->socket_once;
	t->socket = strdup(socket);
	t->client = fetch_client_new();
	if (t->socket != NULL && t->client != NULL)
		return &t->source;
	free_tailscaled(&t->source);

short_of_memory:
	fail_set(why, "out of memory");
	return NULL;
}

static bool
is_configured(const struct verify_config *config)
{
	return config->use_tailscaled;
}

const struct verify_source_kind verify_tailscaled_kind = { is_configured,
	make };
