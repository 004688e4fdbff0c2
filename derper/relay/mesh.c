/* mesh: see mesh.h. */
#include "mesh.h"

#include "mesh_link.h"
#include "relay.h"

#include <stdlib.h>

struct mesh {
	size_t count;
	struct mesh_link links[];
};

struct mesh *
mesh_new(const struct relay_shared *shared, const struct mesh_target *targets,
    size_t count)
{
	struct mesh *m = calloc(1, sizeof *m + count * sizeof m->links[0]);

	if (m == NULL)
		return NULL;
	for (; m->count < count; m->count++) {
		const size_t i = m->count;
		struct relay *relay =
		    shared->relays[i % shared->crossing->workers];

		if (mesh_link_open(&m->links[i], &targets[i], relay,
			(uint8_t)(i + 1)) == -1) {
			mesh_link_close(&m->links[i]);
			mesh_free(m);
			return NULL;
		}
	}
	return m;
}

void
mesh_start(struct mesh *m)
{
	for (size_t i = 0; i < m->count; i++)
		mesh_link_start(&m->links[i]);
}

void
mesh_free(struct mesh *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->count; i++)
		mesh_link_abandon(&m->links[i]);
	for (size_t i = 0; i < m->count; i++)
		mesh_link_close(&m->links[i]);
	free(m);
}

size_t
mesh_keys_max(size_t links)
{
	return links * MESH_LINK_KEYS_MAX;
}
