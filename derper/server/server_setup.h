/*
 * server_setup: all that a relay reads and decides before it opens its ports:
 * keys, certificate, limits, addresses, who is admitted.
 *
 * It is a list of steps in the order of a start. A start goes through them and
 * ends with the reason of the first that fails; -check-config goes through all
 * of them with `try` set, and then nothing is made, started or asked: the
 * verdict of the one is that of the other because the code is the same. Life:
 * server_setup_open, or server_setup_begin -> each step's run ->
 * server_setup_close. Threads: the main thread.
 */
#ifndef DERPKIT_SERVER_SETUP_H
#define DERPKIT_SERVER_SETUP_H

#include "config.h"
#include "debug_access.h"
#include "mesh.h"
#include "relay.h"
#include "server_certs.h"
#include "server_key.h"
#include "server_limits.h"
#include "server_ports.h"
#include "verify_config.h"

struct bootstrap_dns;

struct server_setup {
	const struct config *config; /* borrowed */
	bool try;                    /* make nothing */
	struct relay_mesh_key mesh_key;
	struct mesh_target mesh_targets[MESH_LINKS_MAX];
	size_t mesh_target_count;
	struct bootstrap_dns *bootstrap_dns; /* owned */
	struct server_key key;
	struct debug_access debug_access;
	struct server_certs certs;
	struct server_limits limits;
	/* as bound later; a port of 0 is chosen */
	struct netaddr main_addr, http_addr, stun_addr;
	bool use_http, use_stun;
	struct server_ports ports; /* what is served there */
	struct verify_config admission;
};

enum server_setup_part {
	SERVER_SETUP_SETTINGS,
	SERVER_SETUP_OPEN_FILES,
	SERVER_SETUP_MESH,
	SERVER_SETUP_KEY,
	SERVER_SETUP_CERTIFICATE,
	SERVER_SETUP_LIMITS,
	SERVER_SETUP_MAIN_PORT,
	SERVER_SETUP_HTTP_PORT,
	SERVER_SETUP_STUN_PORT,
	SERVER_SETUP_ADMISSION,
};

struct server_setup_step {
	enum server_setup_part part;
	/* -1 and the reason. Later steps may run all the same. */
	int (*run)(struct server_setup *s, struct fail *why);
};
extern const struct server_setup_step server_setup_steps[];
extern const size_t server_setup_step_count;

/* Nothing has been done yet. */
void server_setup_begin(
    struct server_setup *s, const struct config *config, bool try);
/* Begins, and goes through all steps of a start. -1 and the reason of the first
 * that fails. */
int server_setup_open(
    struct server_setup *s, const struct config *config, struct fail *why);
/* Also right after a step that failed. */
void server_setup_close(struct server_setup *s);

#endif
