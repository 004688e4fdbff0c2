/* probe_derp: see probe_derp.h. */
#include "probe_derp.h"

#include "clock.h"
#include "probe_http.h"
#include "probe_link.h"
#include "probe_session.h"

#include <stdio.h>
#include <string.h>

#define PASS_TRIES 2
#define SILENCE_US (PROBE_CONNECT_MS * (uint64_t)900)

/* What a client that could not upgrade has met, asked once more by hand; not
 * when it was silence, which costs all of a client's patience each time. */
static void
note_upgrade(const struct probe_context *c, const char *reason)
{
	struct probe_visit *v = c->visit;
	struct fail why = { 0 };
	struct dial *d;

	if (probe_visit_is_over(c))
		return;
	if (v->steps[PROBE_STEP_UPGRADE].time_us >= SILENCE_US) {
		probe_finding_add(&v->findings, PROBE_UPGRADE_SILENT,
		    "GET /derp with Upgrade: DERP", "%s", reason);
		return;
	}
	d = probe_link_open(c, probe_visit_deadline(c, PROBE_CONNECT_MS), &why);
	if (d != NULL)
		probe_http_upgrade(c, d, reason);
	else if (!probe_visit_is_over(c))
		probe_finding_add(&v->findings, PROBE_CONNECT_UNSTEADY,
		    "connecting once more", "%s", why.text);
	dial_free(d);
}

static bool
upgrade(const struct probe_context *c, const struct derp_private_key *key,
    struct probe_session *s)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_UPGRADE];
	const uint64_t start_us = clock_now_us();
	struct fail why = { 0 };
	const int result = probe_session_open(c, key, s, &why);

	step->time_us = clock_now_us() - start_us;
	if (result == -1) {
		step->state = PROBE_BAD;
		note_upgrade(c, why.text);
		return false;
	}
	step->state = PROBE_GOOD;
	v->server = derp_client_state(s->client).server;
	v->has_server = true;
	return true;
}

static void
compare_meta(struct probe_visit *v)
{
	char meta[DERP_KEY_HEX_TEXT], server[DERP_KEY_HEX_TEXT];

	if (!v->has_cert || !v->cert.has_meta ||
	    derp_key_eq(&v->cert.server, &v->server))
		return;
	derp_key_format_hex(&v->cert.server, meta);
	derp_key_format_hex(&v->server, server);
	probe_finding_add(&v->findings, PROBE_META_DIFFERS,
	    "comparing the metacert with the relay's ServerKey",
	    "%s in the metacert, %s in ServerKey", meta, server);
	v->steps[PROBE_STEP_META].state = PROBE_BAD;
}

static void
note_login(
    const struct probe_context *c, enum probe_login login, const char *reason)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_LOGIN];
	const bool is_real = c->config->key != NULL;
	const char *tried = is_real ? "login with the key of --key-file"
				    : "login with a new key";

	switch (login) {
	case PROBE_LOGIN_DONE:
		step->state = PROBE_GOOD;
		v->admission = is_real ? PROBE_ADMITTED : PROBE_OPEN;
		break;
	case PROBE_LOGIN_REFUSED:
		step->state = is_real ? PROBE_BAD : PROBE_GOOD;
		v->admission = is_real ? PROBE_REJECTED : PROBE_MEMBERS;
		probe_finding_add(&v->findings,
		    is_real ? PROBE_NOT_ADMITTED : PROBE_MEMBERS_ONLY, tried,
		    "%s", reason);
		break;
	case PROBE_LOGIN_SILENT:
	case PROBE_LOGIN_NO_RELAY:
		step->state = PROBE_BAD;
		if (!probe_visit_is_over(c))
			probe_finding_add(&v->findings, PROBE_LOGIN_FAILED,
			    tried, "%s", reason);
		break;
	}
}

static bool
log_in(const struct probe_context *c, struct probe_session *s)
{
	const uint64_t start_us = clock_now_us();
	struct fail why = { 0 };
	const enum probe_login login = probe_session_login(c, s, &why);

	c->visit->steps[PROBE_STEP_LOGIN].time_us = clock_now_us() - start_us;
	note_login(c, login, why.text);
	return login == PROBE_LOGIN_DONE;
}

/* --- relay --- */

static int
pass_both_ways(const struct probe_context *c, struct probe_session *a,
    struct probe_session *b, struct fail *why)
{
	const uint64_t start_us = clock_now_us();

	if (probe_session_pass(c, a, b, PASS_TRIES, why) == -1 ||
	    probe_session_pass(c, b, a, PASS_TRIES, why) == -1)
		return -1;
	c->visit->steps[PROBE_STEP_RELAY].time_us = clock_now_us() - start_us;
	return 0;
}

/* A second client; a real node has one key only, and sends to itself. */
static int
pass_packets(
    const struct probe_context *c, struct probe_session *a, struct fail *why)
{
	struct derp_private_key key;
	struct probe_session b = { 0 };
	int result = -1;

	if (c->config->key != NULL)
		return pass_both_ways(c, a, a, why);
	derp_private_key_generate(&key);
	if (probe_session_open(c, &key, &b, why) == 0 &&
	    probe_session_login(c, &b, why) == PROBE_LOGIN_DONE)
		result = pass_both_ways(c, a, &b, why);
	probe_session_close(&b);
	derp_private_key_clear(&key);
	return result;
}

static void
relay(const struct probe_context *c, struct probe_session *a)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_RELAY];
	struct fail why = { 0 };

	step->state = PROBE_GOOD;
	if (pass_packets(c, a, &why) == 0)
		return;
	step->state = PROBE_BAD;
	if (!probe_visit_is_over(c))
		probe_finding_add(&v->findings, PROBE_RELAY_FAILED,
		    c->config->key != NULL
			? "a packet from the node to itself"
			: "a packet there and back between two clients",
		    "%s", why.text);
}

/* --- fast start --- */

static void
fast_start(const struct probe_context *c, const struct derp_private_key *key)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_FAST_START];
	const uint64_t start_us = clock_now_us();
	struct probe_session s = { 0 };
	struct fail why = { 0 };
	enum probe_login login;

	if (!v->has_cert || !v->cert.has_meta ||
	    strcmp(v->tls_version, "TLSv1.3") != 0 ||
	    v->steps[PROBE_STEP_META].state == PROBE_BAD)
		return;
	login = probe_session_fast(c, key, &s, &why);
	step->time_us = clock_now_us() - start_us;
	probe_session_close(&s);
	/* where nobody is admitted, closing is the right answer here, too */
	if (login == PROBE_LOGIN_DONE ||
	    (login == PROBE_LOGIN_REFUSED && v->admission != PROBE_OPEN &&
		v->admission != PROBE_ADMITTED)) {
		step->state = PROBE_GOOD;
		return;
	}
	step->state = PROBE_BAD;
	if (!probe_visit_is_over(c))
		probe_finding_add(&v->findings, PROBE_FAST_START_FAILED,
		    "login by fast start, with the key from the metacert", "%s",
		    why.text);
}

/* --- the same key each time --- */

struct tally {
	unsigned tried, failed, different;
	struct derp_key other;
	struct fail why; /* of the first that failed */
};

/* A client that leaves before its login is a line in the relay's log. So where
 * anyone may log in, this does; elsewhere it goes by the metacert, where one is
 * served. -1: the connection failed. */
static int
see_key(
    const struct probe_context *c, struct derp_key *server, struct fail *why)
{
	const struct probe_visit *v = c->visit;
	const bool is_open = v->admission == PROBE_OPEN;
	/* a metacert that differs is a finding of its own */
	const bool goes_by_meta =
	    !is_open && v->steps[PROBE_STEP_META].state == PROBE_GOOD;
	struct probe_session s = { 0 };
	struct derp_private_key key;
	struct derp_client_state state;
	int result;

	derp_private_key_generate(&key);
	result = goes_by_meta ? probe_session_look(c, &key, &s, why)
			      : probe_session_open(c, &key, &s, why);
	if (result == 0) {
		state = derp_client_state(s.client);
		*server = state.has_server ? state.server : state.meta_key;
	}
	if (result == 0 && is_open &&
	    probe_session_login(c, &s, why) != PROBE_LOGIN_DONE)
		result = -1;
	probe_session_close(&s);
	derp_private_key_clear(&key);
	return result;
}

static void
connect_again(const struct probe_context *c, struct tally *t)
{
	struct derp_key server;

	t->tried++;
	if (see_key(c, &server, &t->why) == -1) {
		t->failed++;
	} else if (!derp_key_eq(&server, &c->visit->server)) {
		t->different++;
		t->other = server;
	}
}

static void
compare_keys(const struct probe_context *c)
{
	struct probe_visit *v = c->visit;
	struct probe_result *step = &v->steps[PROBE_STEP_KEY];
	char first[DERP_KEY_HEX_TEXT], other[DERP_KEY_HEX_TEXT];
	struct tally t = { 0 };
	char tried[PROBE_TRIED_MAX];

	for (unsigned i = 1; i < c->config->connects; i++) {
		if (probe_visit_is_over(c))
			return;
		connect_again(c, &t);
	}
	step->state = t.tried > 0 ? PROBE_GOOD : PROBE_SKIPPED;
	snprintf(tried, sizeof tried, "connecting %u times more", t.tried);
	if (t.failed > 0 && !probe_visit_is_over(c)) {
		probe_finding_add(&v->findings, PROBE_CONNECT_UNSTEADY, tried,
		    "%u failed: %s", t.failed, t.why.text);
		step->state = PROBE_ODD;
	}
	if (t.different > 0) {
		derp_key_format_hex(&v->server, first);
		derp_key_format_hex(&t.other, other);
		probe_finding_add(&v->findings, PROBE_KEY_CHANGES, tried,
		    "server key %s, then %s", first, other);
		step->state = PROBE_BAD;
	}
}

/* A real node's key must not help somebody to pose as it. */
static bool
may_use_key(const struct probe_context *c)
{
	struct probe_visit *v = c->visit;

	if (c->config->key == NULL || !v->untrusted)
		return true;
	probe_finding_add(&v->findings, PROBE_LOGIN_UNSAFE,
	    "login with the key of --key-file", "not done");
	return false;
}

void
probe_derp(const struct probe_context *c)
{
	struct probe_session s = { 0 };
	struct derp_private_key key;

	probe_session_key(c, &key);
	if (upgrade(c, &key, &s)) {
		compare_meta(c->visit);
		if (may_use_key(c) && log_in(c, &s))
			relay(c, &s);
		probe_session_close(&s);
		if (c->config->key == NULL || !c->visit->untrusted)
			fast_start(c, &key);
		compare_keys(c);
	}
	probe_session_close(&s);
	derp_private_key_clear(&key);
}
