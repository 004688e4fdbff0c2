/*
 * viper: what a key of headscale's configuration is set to, as viper 1.21
 * decides it.
 *
 * The order is: the environment (HEADSCALE_, the key in capitals, dots as
 * underscores; an empty variable counts as unset), then the file, then the
 * default. Keys of the file are compared without case, and a key may hold dots
 * itself ("derp.urls: ..."), which wins over the nested form. A null counts as
 * unset. A variable or a value that is not a mapping where a parent of the key
 * would be (HEADSCALE_DERP, `derp: x`) hides the file and the default.
 *
 * Source: spf13/viper v1.21.0 as headscale 0.27 and later use it, compared in
 * tests/interop. Threads: pure functions over immutable values.
 */
#ifndef DERPKIT_VIPER_H
#define DERPKIT_VIPER_H

#include "doc.h"
#include "environment.h"

enum viper_source {
	VIPER_UNSET,
	VIPER_ENVIRONMENT,
	VIPER_FILE,
	VIPER_DEFAULT,
};

struct viper_default {
	const char *key; /* "derp.server.enabled" */
	const char *text;
};

struct viper {
	const struct doc_node *root; /* a mapping without cycles, or NULL */
	const struct environment *environment;
	const struct viper_default *defaults;
	size_t default_count;
};

struct viper_value {
	enum viper_source source;
	/* VIPER_FILE: key and value as written */
	const struct doc_node *key, *node;
	/* VIPER_ENVIRONMENT, VIPER_DEFAULT */
	struct slice text;
	const struct environment_variable *variable;
};

/* The value of a key, given in lower case with dots. */
struct viper_value viper_find(const struct viper *v, const char *key);

/* The entry of a mapping whose key is the name without case, merged ones
 * included; false when there is none. What is spelled in another case wins, as
 * in viper. mapping may be NULL or anything else. */
bool viper_entry(const struct doc_node *mapping, struct slice name,
    const struct doc_node **key, const struct doc_node **value);

#define VIPER_NAME_MAX 80

/* The name of the variable for a key: "HEADSCALE_DERP_URLS". Returns out. */
const char *viper_variable_name(
    char out[static VIPER_NAME_MAX], struct slice key);

#endif
