/* verify_peer: see verify_peer.h. */
#include "verify_peer.h"

#include "verify_expiry.h"
#include "verify_nodes.h"

#include <jansson.h>
#include <string.h>

/* tailscale ipn/ipnlocal/expiry.go: the first bytes of a key that has run out
 */
static const uint8_t altered[] = { 0x6d, 0xa7, 0x74, 0xd5, 0xd7, 0x74 };

static struct slice
text_of(const json_t *value)
{
	if (!json_is_string(value))
		return slice_of("", 0);
	return slice_of(json_string_value(value), json_string_length(value));
}

static bool
is_altered(const struct derp_key *key)
{
	return memcmp(key->b, altered, sizeof altered) == 0;
}

/* "node-b.tailnet.ts.net." -> "node-b" */
static struct slice
name_of(const json_t *json)
{
	static const char *const members[] = { "DNSName", "Name", "HostName" };
	struct slice label, rest;

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		slice_cut(text_of(json_object_get(json, members[i])), '.',
		    &label, &rest);
		if (label.n > 0)
			return label;
	}
	return label;
}

static int
parse_key(const json_t *json, struct verify_peer *peer, struct fail *why)
{
	const json_t *key = json_object_get(json, "PublicKey");

	if (key == NULL)
		key = json_object_get(json, "Key");
	if (!json_is_string(key))
		return fail_set(why, "has no PublicKey or Key");
	if (derp_key_parse(&peer->key, text_of(key)) == -1)
		return fail_set(why, "has a bad node key \"%.80s\"",
		    json_string_value(key));
	if (is_altered(&peer->key))
		memset(&peer->key, 0, sizeof peer->key);
	return 0;
}

int
verify_peer_parse(
    const json_t *json, struct verify_peer *peer, struct fail *why)
{
	const json_t *id = json_object_get(json, "NodeID");

	*peer = (struct verify_peer){ .name = name_of(json) };
	if (!json_is_object(json))
		return fail_set(why, "is not an object");
	if (parse_key(json, peer, why) == -1)
		return -1;
	if (id == NULL) /* in a status it is a text of another meaning */
		id = json_object_get(json, "ID");
	peer->id = json_is_integer(id) ? json_integer_value(id) : 0;
	if (verify_expiry_parse(
		json_object_get(json, "KeyExpiry"), &peer->expires_s) == -1)
		return fail_set(why, "has a KeyExpiry that is not a time");
	/* the daemon knows that it has run out, whatever our clock says */
	if (json_is_true(json_object_get(json, "Expired")))
		peer->expires_s = VERIFY_NODES_EXPIRED;
	return 0;
}

bool
verify_peer_is_status(const json_t *json)
{
	return json_is_string(json_object_get(json, "BackendState"));
}

static int
check_state(const json_t *status, struct fail *why)
{
	const char *state =
	    json_string_value(json_object_get(status, "BackendState"));

	if (state == NULL)
		return fail_set(why, "is not a status of tailscaled");
	if (strcmp(state, "Running") != 0)
		return fail_set(why,
		    "tailscaled is not connected to its tailnet (its state is "
		    "%.40s)",
		    state);
	return 0;
}

static int
visit(const json_t *json, verify_peer_fn *fn, void *ctx, struct fail *why)
{
	struct verify_peer peer;

	if (verify_peer_parse(json, &peer, why) == -1)
		return -1;
	return derp_key_is_zero(&peer.key) ? 0 : fn(ctx, &peer, why);
}

int
verify_peer_each(
    const json_t *status, verify_peer_fn *fn, void *ctx, struct fail *why)
{
	json_t *peers = json_object_get(status, "Peer");
	struct fail reason = { 0 };
	const char *name;
	json_t *peer;

	if (check_state(status, why) == -1)
		return -1;
	if (visit(json_object_get(status, "Self"), fn, ctx, &reason) == -1)
		return fail_set(why, "Self %s", reason.text);
	if (peers != NULL && !json_is_null(peers) && !json_is_object(peers))
		return fail_set(why, "has a Peer that is not an object");
	json_object_foreach(peers, name, peer)
	{
		if (visit(peer, fn, ctx, &reason) == -1)
			return fail_set(
			    why, "peer %.80s %s", name, reason.text);
	}
	return 0;
}
