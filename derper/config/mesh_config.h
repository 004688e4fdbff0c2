/*
 * mesh_config: the mesh key, and with which relays there is a mesh.
 *
 * Threads: before others run. Source: tailscale cmd/derper/mesh.go, derper.go.
 */
#ifndef DERPKIT_MESH_CONFIG_H
#define DERPKIT_MESH_CONFIG_H

#include "config.h"
#include "mesh.h"
#include "relay.h"

/* Bytes of a file with a mesh key that are read. */
#define MESH_CONFIG_FILE_MAX 4096

/* The key that the configuration names, which may be none: of -mesh-psk-file,
 * or with -dev of TAILSCALE_DERPER_MESH_KEY. Logs where it is from. The caller
 * wipes it. -1 and the reason. */
int mesh_config_read_key(const struct config *config,
    char *(*env)(const char *name), struct relay_mesh_key *key,
    struct fail *why);

/* Reads -mesh-with, "HOST[:PORT][/DIALHOST],...". Warns of two entries at one
 * address. -1 and the reason, also when one is named twice. */
int mesh_config_read_targets(const char *text,
    struct mesh_target targets[static MESH_LINKS_MAX], size_t *count,
    struct fail *why);

#endif
