/* probe_session: see probe_session.h. */
#include "probe_session.h"

#include "clock.h"
#include "probe_link.h"

#include <sodium.h>
#include <string.h>

#define LOGIN_MS 10000 /* as relays wait for ClientInfo, and ask a verifier */
#define PASS_MS 1500   /* for one packet */
#define PACKET 40      /* bytes: nothing that looks like disco */

static unsigned
left_of(const struct probe_context *c, uint64_t ms)
{
	const uint64_t now = clock_now_ms();
	const uint64_t until = probe_visit_deadline(c, ms);

	return until > now ? (unsigned)(until - now) : 0;
}

void
probe_session_key(const struct probe_context *c, struct derp_private_key *key)
{
	if (c->config->key != NULL)
		*key = *c->config->key;
	else
		derp_private_key_generate(key);
}

static int
dial(const struct probe_context *c, const struct derp_private_key *key,
    bool fast_start, struct probe_session *s, struct fail *why)
{
	const unsigned timeout_ms = left_of(c, PROBE_CONNECT_MS);
	int error;
	const int fd = probe_link_socket(
	    c, probe_visit_deadline(c, PROBE_CONNECT_MS), &error, why);
	const struct derp_client_config config = {
		.dial = probe_link_dial(c->visit, &fd),
		.fast_start = fast_start,
		.key = key,
		.info = { .version = DERP_PROTOCOL_VERSION,
		    .can_ack_pings = true,
		    .is_prober = c->config->key == NULL },
	};

	*s = (struct probe_session){ 0 };
	if (fd == -1)
		return -1;
	s->client = derp_client_dial(&config, timeout_ms, why);
	if (s->client == NULL)
		return -1;
	return derp_private_key_public(key, &s->public_key);
}

int
probe_session_look(const struct probe_context *c,
    const struct derp_private_key *key, struct probe_session *s,
    struct fail *why)
{
	if (dial(c, key, false, s, why) == -1)
		return -1;
	if (derp_client_state(s->client).has_meta)
		return 0;
	return derp_client_upgrade(
	    s->client, left_of(c, PROBE_CONNECT_MS), why);
}

int
probe_session_open(const struct probe_context *c,
    const struct derp_private_key *key, struct probe_session *s,
    struct fail *why)
{
	if (dial(c, key, false, s, why) == -1)
		return -1;
	return derp_client_upgrade(
	    s->client, left_of(c, PROBE_CONNECT_MS), why);
}

/* A relay that does not admit us closes; with our bytes still unread that is a
 * reset. */
static enum probe_login
end_of(enum derp_client_result result, struct fail *why)
{
	switch (result) {
	case DERP_CLIENT_EOF:
		fail_set(why, "the relay closed the connection");
		return PROBE_LOGIN_REFUSED;
	case DERP_CLIENT_FAILED:
		return strstr(why->text, "reset") != NULL ? PROBE_LOGIN_REFUSED
							  : PROBE_LOGIN_SILENT;
	case DERP_CLIENT_TIMEOUT:
		fail_set(why, "no ServerInfo in time");
		break;
	case DERP_CLIENT_FRAME:
		break;
	}
	return PROBE_LOGIN_SILENT;
}

static enum probe_login
await_server_info(
    const struct probe_context *c, struct probe_session *s, struct fail *why)
{
	const uint64_t deadline_ms = probe_visit_deadline(c, LOGIN_MS);
	enum derp_client_result result;
	struct derp_frame frame;
	uint64_t now_ms;

	do {
		now_ms = clock_now_ms();
		result = derp_client_recv(s->client, &frame,
		    now_ms < deadline_ms ? (unsigned)(deadline_ms - now_ms) : 0,
		    why);
		if (result != DERP_CLIENT_FRAME)
			return end_of(result, why);
	} while (!derp_client_state(s->client).admitted);
	return PROBE_LOGIN_DONE;
}

enum probe_login
probe_session_login(
    const struct probe_context *c, struct probe_session *s, struct fail *why)
{
	if (derp_client_introduce(s->client, left_of(c, LOGIN_MS), why) == -1)
		return PROBE_LOGIN_SILENT;
	return await_server_info(c, s, why);
}

enum probe_login
probe_session_fast(const struct probe_context *c,
    const struct derp_private_key *key, struct probe_session *s,
    struct fail *why)
{
	if (dial(c, key, true, s, why) == -1 ||
	    derp_client_upgrade(s->client, left_of(c, PROBE_CONNECT_MS), why) ==
		-1)
		return PROBE_LOGIN_NO_RELAY;
	return await_server_info(c, s, why);
}

/* Waits for that packet. 0: it came; 1: not in time; -1: the connection ended.
 */
static int
await_packet(const struct probe_context *c, struct probe_session *to,
    const struct derp_key *source, struct slice packet, struct fail *why)
{
	const uint64_t deadline_ms = probe_visit_deadline(c, PASS_MS);
	enum derp_client_result result;
	struct derp_frame frame;
	struct derp_key from;
	struct slice data;
	uint64_t now_ms;

	while ((now_ms = clock_now_ms()) < deadline_ms) {
		result = derp_client_recv(
		    to->client, &frame, (unsigned)(deadline_ms - now_ms), why);
		if (result == DERP_CLIENT_TIMEOUT)
			return 1;
		if (result != DERP_CLIENT_FRAME)
			return fail_set(why, "the relay ended the connection");
		if (frame.type == DERP_RECV_PACKET &&
		    derp_recv_packet_parse(frame.body, &from, &data) == 0 &&
		    derp_key_eq(&from, source) && slice_eq(data, packet))
			return 0;
	}
	return 1;
}

int
probe_session_pass(const struct probe_context *c, struct probe_session *from,
    struct probe_session *to, unsigned tries, struct fail *why)
{
	uint8_t bytes[PACKET];

	for (unsigned i = 0; i < tries; i++) {
		int came;

		randombytes_buf(bytes, sizeof bytes);
		if (derp_client_send(from->client, &to->public_key,
			slice_of(bytes, sizeof bytes), left_of(c, PASS_MS),
			why) == -1)
			return -1;
		came = await_packet(c, to, &from->public_key,
		    slice_of(bytes, sizeof bytes), why);
		if (came <= 0)
			return came;
	}
	return fail_set(why, "%u packets were sent, none arrived", tries);
}

void
probe_session_close(struct probe_session *s)
{
	if (s->client != NULL)
		derp_client_end(s->client);
	derp_client_free(s->client);
	s->client = NULL;
}
