/* verify_rows: see verify_rows.h. */
#include "verify_rows.h"

#include "verify_expiry.h"
#include "verify_peer.h"

#include <jansson.h>

typedef int parse_row_fn(
    struct verify_nodes *list, const json_t *row, struct fail *why);

/* The member under its old name or its new one. */
static const json_t *
member(const json_t *object, const char *snake, const char *camel)
{
	const json_t *value = json_object_get(object, snake);

	return value != NULL ? value : json_object_get(object, camel);
}

static struct slice
text_of(const json_t *value)
{
	if (!json_is_string(value))
		return slice_of("", 0);
	return slice_of(json_string_value(value), json_string_length(value));
}

/* A row with both names must mean one key. */
static bool
has_two_keys(const json_t *row)
{
	const json_t *snake = json_object_get(row, "node_key");
	const json_t *camel = json_object_get(row, "nodeKey");

	return snake != NULL && camel != NULL && !json_equal(snake, camel);
}

static int
parse_headscale(struct verify_nodes *list, const json_t *row, struct fail *why)
{
	const json_t *text = member(row, "node_key", "nodeKey");
	struct slice name = text_of(member(row, "given_name", "givenName"));
	struct derp_key key;
	int64_t expires_s;

	if (!json_is_object(row))
		return fail_set(why, "is not an object");
	if (has_two_keys(row))
		return fail_set(why, "has a node_key and another nodeKey");
	if (!json_is_string(text))
		return fail_set(why, "has no node_key or nodeKey");
	if (derp_key_parse(&key, text_of(text)) == -1)
		return fail_set(why, "has a bad node key \"%.80s\"",
		    json_string_value(text));
	if (verify_expiry_parse(json_object_get(row, "expiry"), &expires_s) ==
	    -1)
		return fail_set(why, "has an expiry that is not a time");
	/* a row without a key of its own admits nobody, but it must not make
	 * the other rows unreadable either */
	if (derp_key_is_zero(&key))
		return 0;
	if (name.n == 0)
		name = text_of(json_object_get(row, "name"));
	return verify_nodes_add(list, &key, expires_s, name, why);
}

/* An empty key is that of a device which does not tell it. */
static int
parse_device_key(const json_t *row, struct derp_key *key, struct fail *why)
{
	const json_t *text = json_object_get(row, "nodeKey");

	*key = (struct derp_key){ 0 };
	if (!json_is_string(text))
		return fail_set(why, "has no nodeKey");
	if (json_string_length(text) == 0)
		return 0;
	if (derp_key_parse(key, text_of(text)) == -1)
		return fail_set(why, "has a bad node key \"%.80s\"",
		    json_string_value(text));
	return 0;
}

/* When the key of a device runs out: not at all where that is disabled, though
 * a time may be given all the same. */
static int
parse_device_expiry(const json_t *row, int64_t *expires_s, struct fail *why)
{
	const json_t *time = json_object_get(row, "expires");

	if (json_is_true(json_object_get(row, "keyExpiryDisabled")) ||
	    (json_is_string(time) && json_string_length(time) == 0)) {
		*expires_s = VERIFY_NODES_NEVER;
		return 0;
	}
	if (verify_expiry_parse(time, expires_s) == -1)
		return fail_set(why, "has an expires that is not a time");
	return 0;
}

/* The first label of the device's name, or its host name. */
static struct slice
device_name(const json_t *row)
{
	struct slice label, rest;

	slice_cut(text_of(json_object_get(row, "name")), '.', &label, &rest);
	return label.n > 0 ? label : text_of(json_object_get(row, "hostname"));
}

/* Of a device that waits for an administrator's approval the control server
 * tells nobody: it has no use for the relay. */
static int
parse_device(struct verify_nodes *list, const json_t *row, struct fail *why)
{
	struct derp_key key;
	int64_t expires_s;

	if (!json_is_object(row))
		return fail_set(why, "is not an object");
	if (parse_device_key(row, &key, why) == -1 ||
	    parse_device_expiry(row, &expires_s, why) == -1)
		return -1;
	if (derp_key_is_zero(&key) ||
	    json_is_false(json_object_get(row, "authorized")))
		return 0;
	return verify_nodes_add(list, &key, expires_s, device_name(row), why);
}

static int
add_peer(void *ctx, const struct verify_peer *peer, struct fail *why)
{
	return verify_nodes_add(
	    ctx, &peer->key, peer->expires_s, peer->name, why);
}

static int
add_all(struct verify_nodes *list, const json_t *rows, parse_row_fn *parse,
    struct fail *why)
{
	struct fail reason = { 0 };

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (parse(list, json_array_get(rows, i), &reason) == -1)
			return fail_set(why, "node %zu %s", i + 1, reason.text);
	return 0;
}

/* An absent list is an empty one where headscale writes it so. */
int
verify_rows_add(struct verify_nodes *list, const json_t *root, struct fail *why)
{
	const json_t *devices = json_object_get(root, "devices");
	const json_t *rows = root;

	if (verify_peer_is_status(root))
		return verify_peer_each(root, add_peer, list, why);
	if (json_is_array(devices))
		return add_all(list, devices, parse_device, why);
	if (json_is_object(root))
		rows = json_object_get(root, "nodes");
	if (json_is_array(rows))
		return add_all(list, rows, parse_headscale, why);
	if (json_is_null(rows))
		return 0;
	return fail_set(
	    why, "is neither a list of nodes nor an object with \"nodes\"");
}
