/* port: see port.h. */
#include "port.h"

bool
port_is_valid(int64_t port)
{
	return port >= 1 && port <= PORT_MAX;
}

int64_t
port_derp(const struct derpmap_node *node)
{
	return node->derp_port.v == 0 ? PORT_DERP : node->derp_port.v;
}

int64_t
port_stun(const struct derpmap_node *node)
{
	return node->stun_port.v == 0 ? PORT_STUN : node->stun_port.v;
}
