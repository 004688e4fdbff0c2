/*
 * derp_handshake: ServerKey, ClientInfo and ServerInfo.
 *
 * NaCl boxes (libsodium crypto_box, wire form nonce | tag | ciphertext) around
 * JSON that is read with Go's rules: names in any case, unknown names ignored,
 * last duplicate wins, trailing text and wrong types are errors.
 * Source: tailscale derp/derp.go, derp/derpserver/derpserver.go (recvClientKey,
 * sendServerInfo). Threads: pure functions; they call randombytes, and the two
 * that open a box allocate its text.
 */
#ifndef DERPKIT_DERP_HANDSHAKE_H
#define DERPKIT_DERP_HANDSHAKE_H

#include "derp_frame.h"

#define DERP_SERVER_KEY_FRAME (DERP_HEADER + 40)

struct derp_client_info {
	uint8_t mesh_key[DERP_KEY]; /* all zero: none */
	int64_t version;
	bool can_ack_pings;
	bool is_prober;
};

/*
 * What a server keeps of a login from ClientInfo to ServerInfo: who it is, and
 * the key of both boxes, so that the curve is paid for once. Wipe with
 * derp_session_clear.
 */
struct derp_session {
	struct derp_key client;
	uint8_t shared[32]; /* secret */
};

/* -1 when the client's key is unusable; then nothing secret is in it. */
int derp_session_init(struct derp_session *s,
    const struct derp_private_key *server, const struct derp_key *client);
void derp_session_clear(struct derp_session *s);

/* The whole ServerKey frame: magic and the server's public key. */
void derp_server_key_put(struct writer *w, const struct derp_key *server);
/* Its body; -1 when shorter than 40 bytes or the magic is wrong. */
int derp_server_key_parse(struct slice body, struct derp_key *server);

/* The whole ClientInfo frame with a fresh nonce. -1 when the server's key is
 * unusable or it does not fit. */
int derp_client_info_put(struct writer *w, const struct derp_client_info *info,
    const struct derp_private_key *client, const struct derp_key *server);
/*
 * Opens a ClientInfo body; session->client is set also when that fails, the
 * rest of it only on success. The reason on failure is upstream's text: "short
 * client info", "long client info", "msgbox: cannot open len=N with client key
 * nodekey:HEX", or what is wrong with the JSON.
 * DIFFERS from upstream: all low-order client keys are rejected, not only the
 * zero key, because their shared secret is known to everybody.
 */
int derp_client_info_open(struct slice body,
    const struct derp_private_key *server, struct derp_session *session,
    struct derp_client_info *info, struct fail *why);

/* The whole ServerInfo frame, {"version":2}, sealed to the client. */
int derp_server_info_put(struct writer *w, const struct derp_session *session);
/* Opens a ServerInfo body. */
int derp_server_info_open(struct slice body,
    const struct derp_private_key *client, const struct derp_key *server,
    int64_t *version, struct fail *why);

/* The JSON alone, for tests and fuzzing. */
int derp_client_info_parse_json(
    struct slice json, struct derp_client_info *info, struct fail *why);

#endif
