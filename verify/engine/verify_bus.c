/* verify_bus: see verify_bus.h. */
#include "verify_bus.h"

#include "keytable.h"
#include "verify_peer.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_RUNNING 6 /* tailscale ipn/backend.go */
#define NAME_SIZE 64    /* bytes of a name that are kept, with its NUL */

struct entry {
	uint8_t id[KEYTABLE_KEY]; /* its number, or its key */
	struct derp_key key;
	int64_t expires_s;
	char name[NAME_SIZE];
};

struct verify_bus {
	/* struct entry by id; owned with the entries */
	struct keytable *nodes;
	bool is_connected;
};

static struct keytable *
new_table(void)
{
	return keytable_new(VERIFY_NODES_MAX, offsetof(struct entry, id));
}

static void
free_entries(struct keytable *nodes)
{
	size_t at = 0;
	struct entry *e;

	if (nodes == NULL)
		return;
	while ((e = keytable_next(nodes, &at)) != NULL)
		free(e);
	keytable_free(nodes);
}

struct verify_bus *
verify_bus_new(void)
{
	struct verify_bus *bus = calloc(1, sizeof *bus);

	if (bus == NULL)
		return NULL;
	bus->nodes = new_table();
	if (bus->nodes != NULL)
		return bus;
	free(bus);
	return NULL;
}

void
verify_bus_free(struct verify_bus *bus)
{
	if (bus == NULL)
		return;
	free_entries(bus->nodes);
	free(bus);
}

bool
verify_bus_is_connected(const struct verify_bus *bus)
{
	return bus->is_connected;
}

static void
id_of_number(int64_t number, uint8_t id[static KEYTABLE_KEY])
{
	memset(id, 0, KEYTABLE_KEY);
	memcpy(id, &number, sizeof number);
}

static void
id_of(const struct verify_peer *peer, uint8_t id[static KEYTABLE_KEY])
{
	if (peer->id != 0)
		id_of_number(peer->id, id);
	else
		memcpy(id, peer->key.b, KEYTABLE_KEY);
}

static void
set_entry(struct entry *e, const struct verify_peer *peer)
{
	e->key = peer->key;
	e->expires_s = peer->expires_s;
	snprintf(e->name, sizeof e->name, "%.*s",
	    (int)(peer->name.n < sizeof e->name ? peer->name.n
						: sizeof e->name - 1),
	    (const char *)peer->name.p);
}

/* The key of a peer that ran out while the daemon watched is altered, and then
 * zero here: the node stays known by its number and is nobody. */
static int
put(struct keytable *nodes, const struct verify_peer *peer, bool *changed,
    struct fail *why)
{
	uint8_t id[KEYTABLE_KEY];
	struct entry *e, before = { 0 };

	id_of(peer, id);
	e = keytable_get(nodes, id);
	if (e != NULL) {
		before = *e;
		set_entry(e, peer);
		*changed = *changed || !derp_key_eq(&before.key, &e->key) ||
		    before.expires_s != e->expires_s;
		return 0;
	}
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return fail_set(why, "out of memory");
	memcpy(e->id, id, sizeof e->id);
	set_entry(e, peer);
	if (keytable_put(nodes, e) == -1) {
		free(e);
		return fail_set(why, "out of memory, or more than %d nodes",
		    VERIFY_NODES_MAX);
	}
	*changed = true;
	return 0;
}

static int
fill(void *ctx, const struct verify_peer *peer, struct fail *why)
{
	bool changed = false;

	return put(ctx, peer, &changed, why);
}

static void
replace(struct verify_bus *bus, struct keytable *nodes,
    struct verify_bus_news *news)
{
	free_entries(bus->nodes);
	bus->nodes = nodes;
	bus->is_connected = true;
	news->changed = true;
	news->resync = false;
}

static int
take_status(struct verify_bus *bus, const json_t *status,
    struct verify_bus_news *news, struct fail *why)
{
	struct keytable *nodes = new_table();

	if (nodes == NULL)
		return fail_set(why, "out of memory");
	if (verify_peer_each(status, fill, nodes, why) == -1) {
		free_entries(nodes);
		return -1;
	}
	replace(bus, nodes, news);
	return 0;
}

static json_t *
load(struct slice text, struct fail *why)
{
	json_error_t error;
	json_t *root =
	    json_loadb((const char *)text.p, text.n, JSON_ALLOW_NUL, &error);

	if (root == NULL)
		fail_set(why, "bad JSON: %.200s", error.text);
	return root;
}

int
verify_bus_reset(struct verify_bus *bus, struct slice status,
    struct verify_bus_news *news, struct fail *why)
{
	json_t *root = load(status, why);
	int rc;

	*news = (struct verify_bus_news){ .changed = false };
	if (root == NULL)
		return -1;
	rc = take_status(bus, root, news, why);
	json_decref(root);
	return rc;
}

/* A node that is not understood asks for the status, which tells the same in
 * another form. */
static int
put_row(struct keytable *nodes, const json_t *row, struct verify_bus_news *news,
    struct fail *why)
{
	struct verify_peer peer;

	if (verify_peer_parse(row, &peer, NULL) == 0 &&
	    (peer.id != 0 || !derp_key_is_zero(&peer.key)))
		return put(nodes, &peer, &news->changed, why);
	news->resync = true;
	return 0;
}

static int
put_all(struct keytable *nodes, const json_t *rows,
    struct verify_bus_news *news, struct fail *why)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (put_row(nodes, json_array_get(rows, i), news, why) == -1)
			return -1;
	return 0;
}

/* All of the network, in daemons up to 1.98. */
static int
take_netmap(struct verify_bus *bus, const json_t *map,
    struct verify_bus_news *news, struct fail *why)
{
	struct verify_bus_news of_map = { .changed = false };
	struct keytable *nodes = new_table();

	if (nodes == NULL)
		return fail_set(why, "out of memory");
	if (put_row(nodes, json_object_get(map, "SelfNode"), &of_map, why) ==
		-1 ||
	    put_all(nodes, json_object_get(map, "Peers"), &of_map, why) == -1) {
		free_entries(nodes);
		return -1;
	}
	if (of_map.resync) {
		free_entries(nodes);
		news->resync = true;
		return 0;
	}
	replace(bus, nodes, news);
	return 0;
}

static void
take_removed(
    struct verify_bus *bus, const json_t *numbers, struct verify_bus_news *news)
{
	for (size_t i = 0; i < json_array_size(numbers); i++) {
		uint8_t id[KEYTABLE_KEY];
		struct entry *e;

		id_of_number(
		    json_integer_value(json_array_get(numbers, i)), id);
		e = keytable_remove(bus->nodes, id);
		if (e != NULL)
			news->changed = true;
		else /* it may be known by its key only */
			news->resync = true;
		free(e);
	}
}

/* Patches say that a peer is online, mostly. One that touches its key is rare:
 * the status tells the rest. */
static void
take_patches(const json_t *patches, struct verify_bus_news *news)
{
	for (size_t i = 0; i < json_array_size(patches); i++) {
		const json_t *patch = json_array_get(patches, i);

		if (json_object_get(patch, "Key") != NULL ||
		    json_object_get(patch, "KeyExpiry") != NULL)
			news->resync = true;
	}
}

static bool
has(const json_t *message, const char *member)
{
	const json_t *value = json_object_get(message, member);

	return value != NULL && !json_is_null(value);
}

static void
take_state(
    struct verify_bus *bus, const json_t *message, struct verify_bus_news *news)
{
	const json_t *state = json_object_get(message, "State");

	if (!json_is_integer(state))
		return;
	bus->is_connected = json_integer_value(state) == STATE_RUNNING;
	news->resync = bus->is_connected;
}

static int
take_message(struct verify_bus *bus, const json_t *message,
    struct verify_bus_news *news, struct fail *why)
{
	take_state(bus, message, news);
	if (has(message, "InitialStatus") && bus->is_connected &&
	    take_status(bus, json_object_get(message, "InitialStatus"), news,
		NULL) == -1)
		news->resync = true;
	if (has(message, "NetMap") &&
	    take_netmap(bus, json_object_get(message, "NetMap"), news, why) ==
		-1)
		return -1;
	if (put_all(bus->nodes, json_object_get(message, "PeersChanged"), news,
		why) == -1)
		return -1;
	take_removed(bus, json_object_get(message, "PeersRemoved"), news);
	take_patches(json_object_get(message, "PeerChangedPatch"), news);
	/* the form of PeerChanges is that of 1.98 alone; a message of trouble
	 * may come before what it caused */
	if (has(message, "SelfChange") || has(message, "PeerChanges") ||
	    has(message, "ErrMessage"))
		news->resync = true;
	return 0;
}

int
verify_bus_apply(struct verify_bus *bus, struct slice line,
    struct verify_bus_news *news, struct fail *why)
{
	json_t *message;
	int rc = -1;

	*news = (struct verify_bus_news){ .changed = false };
	message = load(line, why);
	if (message == NULL)
		return -1;
	if (json_is_object(message))
		rc = take_message(bus, message, news, why);
	else
		fail_set(why, "a message is not an object");
	json_decref(message);
	return rc;
}

struct verify_nodes *
verify_bus_nodes(const struct verify_bus *bus, struct fail *why)
{
	struct verify_nodes *list = verify_nodes_new();
	const struct entry *e;
	size_t at = 0;

	if (list == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	while ((e = keytable_next(bus->nodes, &at)) != NULL) {
		if (derp_key_is_zero(&e->key) ||
		    verify_nodes_add(list, &e->key, e->expires_s,
			slice_str(e->name), why) == 0)
			continue;
		verify_nodes_free(list);
		return NULL;
	}
	return list;
}
