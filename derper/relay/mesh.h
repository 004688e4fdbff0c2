/*
 * mesh: the links to the other relays of the mesh.
 *
 * The n-th link lives on the n-th worker, and so on in turn. Which link a
 * packet takes is known to the registry, and how it gets to the link's worker
 * to crossing: neither asks here. Life: mesh_new -> mesh_start -> mesh_free.
 * Threads: before workers run, and after.
 */
#ifndef DERPKIT_MESH_H
#define DERPKIT_MESH_H

#include "forwarders.h"
#include "mesh_connect.h"

#include <stddef.h>

struct mesh;
struct relay_shared;

#define MESH_LINKS_MAX FORWARDERS_LINKS_MAX

/* Links to the targets, which are borrowed, as relay_shared is, whose relays
 * are all there. Returns owned; NULL when memory is short. */
struct mesh *mesh_new(const struct relay_shared *shared,
    const struct mesh_target *targets, size_t count);
/* The links connect as soon as the workers run. */
void mesh_start(struct mesh *m);
/* When the workers' connections have ended, before the workers are freed.
 * Blocks as mesh_connect_join, once for all. NULL is fine. */
void mesh_free(struct mesh *m);

/* Keys that the links may say there are, for registry_new. */
size_t mesh_keys_max(size_t links);

#endif
