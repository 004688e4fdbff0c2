/* probe_link: see probe_link.h. */
#include "probe_link.h"

#include "clock.h"

struct dial_config
probe_link_dial(const struct probe_visit *v, const int *socket)
{
	return (struct dial_config){
		.address = v->node->host,
		.port = (uint16_t)v->node->derp_port,
		.tls = v->node->tls,
		.hostname = v->node->host,
		.trust = DIAL_INSECURE,
		.socket = socket,
	};
}

int
probe_link_socket(const struct probe_context *c, uint64_t deadline_ms,
    int *error, struct fail *why)
{
	const struct probe_visit *v = c->visit;
	const uint16_t port = (uint16_t)v->node->derp_port;
	const uint64_t tcp_ms = clock_now_ms() + PROBE_TCP_MS;
	struct netaddr to = v->address;

	*error = 0;
	if (v->family == PROBE_PROXY)
		return proxy_connect(
		    c->config->proxy, v->node->host, port, deadline_ms, why);
	to.port = port;
	return dial_connect(
	    &to, tcp_ms < deadline_ms ? tcp_ms : deadline_ms, error, why);
}

struct dial *
probe_link_open(
    const struct probe_context *c, uint64_t deadline_ms, struct fail *why)
{
	int error;
	const int fd = probe_link_socket(c, deadline_ms, &error, why);
	const struct dial_config config = probe_link_dial(c->visit, &fd);

	return fd != -1 ? dial_open(&config, deadline_ms, why) : NULL;
}
