/*
 * probe_session: a DERP client of a visit, logged in or refused.
 *
 * Source: tailscale derp/derphttp, derp/derp_client.go. Threads: one session is
 * used by one at a time; blocking.
 */
#ifndef DERPKIT_PROBE_SESSION_H
#define DERPKIT_PROBE_SESSION_H

#include "derp_client.h"
#include "probe_visit.h"

struct probe_session {
	struct derp_client *client; /* owned; NULL: not connected */
	struct derp_key public_key;
};

/* How far it came. */
enum probe_login {
	PROBE_LOGIN_DONE,     /* ServerInfo has come */
	PROBE_LOGIN_REFUSED,  /* the relay closed after our ClientInfo */
	PROBE_LOGIN_SILENT,   /* neither came in time, or something else */
	PROBE_LOGIN_NO_RELAY, /* it failed before that */
};

/* A key of a session: that of --key-file, or a new one. Wipe it. */
void probe_session_key(
    const struct probe_context *c, struct derp_private_key *key);

/* Connects and upgrades until the relay's key is known. -1 and the reason; free
 * the session in any case. */
int probe_session_open(const struct probe_context *c,
    const struct derp_private_key *key, struct probe_session *s,
    struct fail *why);

/* Likewise, but ends before the upgrade where a metacert tells the key: a relay
 * logs nothing of that. The session cannot be logged in. */
int probe_session_look(const struct probe_context *c,
    const struct derp_private_key *key, struct probe_session *s,
    struct fail *why);

/* Logs in an open session. *why says what failed. */
enum probe_login probe_session_login(
    const struct probe_context *c, struct probe_session *s, struct fail *why);

/* Both, by fast start: no answer is waited for before ClientInfo. */
enum probe_login probe_session_fast(const struct probe_context *c,
    const struct derp_private_key *key, struct probe_session *s,
    struct fail *why);

/* Sends a packet of random bytes from one to the other (they may be the same)
 * and waits for it, at most `tries` times. -1 and the reason. */
int probe_session_pass(const struct probe_context *c,
    struct probe_session *from, struct probe_session *to, unsigned tries,
    struct fail *why);

/* Ends the connection; fine twice and when it is not open. */
void probe_session_close(struct probe_session *s);

#endif
