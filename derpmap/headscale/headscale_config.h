/*
 * headscale_config: what headscale reads out of its config.yaml about the map,
 * with the place of each setting, and whether it would start with it.
 *
 * Only what the map depends on is read: the derp section, server_url, and the
 * few keys that rules compare these with. Everything else may still keep
 * headscale from starting.
 *
 * Life: headscale_config_open -> read its members -> headscale_config_close.
 * Blocking (files). Threads: one at a time, no shared state.
 */
#ifndef DERPKIT_HEADSCALE_CONFIG_H
#define DERPKIT_HEADSCALE_CONFIG_H

#include "headscale_version.h"
#include "viper_cast.h"

struct headscale_bool {
	bool v;
	bool fits; /* otherwise v is false because the text is not a bool */
	struct viper_value from;
};

struct headscale_int {
	int64_t v;
	bool fits;
	struct viper_value from;
};

struct headscale_text {
	struct slice v;
	bool fits;
	struct viper_value from;
};

struct headscale_list {
	struct viper_list v;
	bool fits;
	struct viper_value from;
};

/* Why headscale would not start. */
struct headscale_error {
	const char *text; /* NULL: it would */
	const char *file; /* of the place; NULL: no place */
	struct doc_pos at;
};

struct headscale_config {
	const char *file; /* borrowed: as given */
	const struct headscale_version *version;
	struct arena *arena; /* owned */
	struct slice text;
	struct doc doc;
	bool is_read; /* viper takes the document; otherwise it is empty here */
	struct environment environment;

	/* derp.server */
	struct headscale_bool enabled;
	struct headscale_bool automatically_add;
	struct headscale_bool verify_clients;
	struct headscale_int region_id;
	struct headscale_text region_code, region_name;
	struct headscale_text stun_listen_addr;
	struct headscale_text private_key_path;
	struct headscale_text ipv4, ipv6;

	/* derp */
	struct headscale_list urls, paths;
	struct headscale_bool auto_update_enabled;
	struct headscale_int update_frequency; /* nanoseconds */

	/* beside it */
	struct headscale_text server_url;
	struct headscale_text noise_key_path;
	struct headscale_text base_domain;

	struct headscale_error error; /* of the file and its settings; what the
					 sources do comes later */
};

/*
 * Reads the file and decides its settings. env_file: the variables of headscale
 * instead of our own, or NULL. A file that headscale rejects is not a failure
 * of this function: look at error. -1 with *why: one of the files cannot be
 * read, or memory is short; nothing is held.
 */
int headscale_config_open(struct headscale_config *c, const char *file,
    const char *env_file, const struct headscale_version *version,
    struct fail *why);

/* The same from a text and an environment that are there already. */
int headscale_config_text(struct headscale_config *c, const char *file,
    struct slice text, const struct environment *environment,
    const struct headscale_version *version, struct fail *why);

/* Frees it; fine after a failed open and twice. */
void headscale_config_close(struct headscale_config *c);

/* What decides keys in this configuration; borrows from it. */
struct viper headscale_config_viper(const struct headscale_config *c);

/* Where a setting comes from: line 0 unless it is in the file. */
struct doc_pos headscale_config_place(const struct viper_value *from);

#endif
