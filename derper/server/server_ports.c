/* server_ports: see server_ports.h. */
#include "server_ports.h"

#include "log.h"
#include "sd_listen.h"

#include <stdio.h>
#include <string.h>

/* What each kind is called, in .socket units and here. */
static const char name_https[] = "https", name_http[] = "http",
		  name_stun[] = "stun";

/* The kind that a name means with this configuration; -1 and the reason. */
static int
kind_of(const struct config *c, const char *name, struct fail *why)
{
	static const char form[] = "socket activation: a socket is named "
				   "\"%s\", but %s";

	if (strcmp(name, name_https) == 0)
		return c->use_tls
		    ? SERVER_PORT_MAIN
		    : fail_set(why, form, name,
			  "TLS is not served (-a without port 443, -dev)");
	if (strcmp(name, name_http) == 0 && !c->use_tls)
		return SERVER_PORT_MAIN;
	if (strcmp(name, name_http) == 0)
		return c->http_port >= 0
		    ? SERVER_PORT_HTTP
		    : fail_set(why, form, name, "-http-port is -1");
	if (strcmp(name, name_stun) == 0)
		return c->stun ? SERVER_PORT_STUN
			       : fail_set(why, form, name, "-stun is false");
	return fail_set(why, form, name,
	    "FileDescriptorName= in its .socket unit must be https, http or "
	    "stun");
}

static int
add_given(struct server_ports *p, const struct config *c,
    const struct sd_listen_socket *given, struct fail *why)
{
	const int kind = kind_of(c, given->name, why);
	char text[SERVER_PORTS_TEXT];

	if (kind == -1 ||
	    sd_listen_check(given,
		kind == SERVER_PORT_STUN ? LISTENER_UDP : LISTENER_TCP, false,
		why) == -1)
		return -1;
	if (p->count[kind] == SERVER_PORTS_SAME)
		return fail_set(why,
		    "socket activation: more than %d sockets are named \"%s\"",
		    SERVER_PORTS_SAME, given->name);
	p->v[kind][p->count[kind]++] =
	    (struct server_socket){ given->addr, given->fd };
	server_ports_format(&given->addr, text);
	log_info("derper: socket \"%s\" of the service manager: %s",
	    given->name, text);
	return 0;
}

int
server_ports_take(struct server_ports *p, const struct config *config,
    char *(*env)(const char *name), struct fail *why)
{
	struct sd_listen given;

	*p = (struct server_ports){ .count = { 0 } };
	if (sd_listen_take(&given, env, why) == -1)
		return -1;
	for (size_t i = 0; i < given.count; i++)
		if (add_given(p, config, &given.v[i], why) == -1)
			return -1;
	return 0;
}

/* Someone else on the port must be found before workers share it. */
int
server_ports_probe(struct server_ports *p, enum server_port_kind kind,
    struct netaddr *addr, struct fail *why)
{
	if (p->count[kind] > 0) {
		*addr = p->v[kind][0].addr;
		return 0;
	}
	if (listener_probe(addr,
		kind == SERVER_PORT_STUN ? LISTENER_UDP : LISTENER_TCP,
		why) == -1)
		return -1;
	p->v[kind][0] = (struct server_socket){ .addr = *addr };
	p->count[kind] = 1;
	return 0;
}

void
server_ports_add(const struct server_ports *p, enum server_port_kind kind,
    const struct service_port *port, struct service_config *config)
{
	for (size_t i = 0; i < p->count[kind]; i++) {
		struct service_port *to = &config->ports[config->port_count++];

		*to = *port;
		to->addr = p->v[kind][i].addr;
		to->given_fd = p->v[kind][i].given_fd;
	}
}

/* A given one would wake every worker that watches it, for each datagram: one
 * has it. Of those that workers bind, the kernel chooses. */
bool
server_ports_is_mine(
    const struct server_socket *s, size_t i, unsigned worker, unsigned workers)
{
	return s->given_fd == 0 || i % workers == worker;
}

int
server_ports_open_stun(const struct server_socket *s, struct fail *why)
{
	if (s->given_fd != 0)
		return sd_listen_share(s->given_fd, why);
	return listener_open(&s->addr, LISTENER_UDP, why);
}

void
server_ports_format(
    const struct netaddr *addr, char text[static SERVER_PORTS_TEXT])
{
	char plain[NETADDR_TEXT];

	netaddr_format(addr, plain);
	snprintf(
	    text, SERVER_PORTS_TEXT, "%s%s", addr->is_set ? "" : "[::]", plain);
}
