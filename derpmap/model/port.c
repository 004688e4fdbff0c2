/* port: see port.h. */
#include "port.h"

bool
port_is_valid(int64_t port)
{
	return port >= 1 && port <= PORT_MAX;
}

bool
port_is_off_word(struct slice text)
{
	static const char *const words[] = { "none", "off", "no", "false",
		"disabled", "disable" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_is_nocase(text, words[i]))
			return true;
	return false;
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
