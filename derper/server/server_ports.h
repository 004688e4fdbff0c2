/*
 * server_ports: the sockets that the relay serves: those that the service
 * manager gives (socket activation), or addresses of the configuration, at each
 * of which every worker binds one of its own.
 *
 * A socket's name (FileDescriptorName=) says what it is for: "https", the TLS
 * port; "http", the plain one; "stun", UDP. What is given takes the place of
 * the configured address of that kind. Threads: the main thread.
 */
#ifndef DERPKIT_SERVER_PORTS_H
#define DERPKIT_SERVER_PORTS_H

#include "config.h"
#include "service.h"

enum server_port_kind {
	SERVER_PORT_MAIN, /* -a */
	SERVER_PORT_HTTP, /* -http-port */
	SERVER_PORT_STUN,
	SERVER_PORT_KINDS
};

/* Of one kind: addresses of both families, say. */
#define SERVER_PORTS_SAME (SERVICE_PORTS_MAX / 2)

#define SERVER_PORTS_TEXT (NETADDR_TEXT + 4)

struct server_socket {
	struct netaddr addr; /* as bound */
	int given_fd;        /* 0: each worker binds one */
};

struct server_ports {
	struct server_socket v[SERVER_PORT_KINDS][SERVER_PORTS_SAME];
	size_t count[SERVER_PORT_KINDS]; /* 0: not served */
};

/* Takes what is given. getenv is injected. -1 and the reason when a socket does
 * not fit. */
int server_ports_take(struct server_ports *p, const struct config *config,
    char *(*env)(const char *name), struct fail *why);

/* Where nothing of that kind was given, finds out whether *addr is free, before
 * any worker binds it. *addr is then that of the first socket. -1 and the
 * reason. */
int server_ports_probe(struct server_ports *p, enum server_port_kind kind,
    struct netaddr *addr, struct fail *why);

/* The address of a listener: "[::]:443" when it is bound to none. */
void server_ports_format(
    const struct netaddr *addr, char text[static SERVER_PORTS_TEXT]);

/* Adds the sockets of a kind of TCP to the config: `port` with their addresses.
 */
void server_ports_add(const struct server_ports *p, enum server_port_kind kind,
    const struct service_port *port, struct service_config *config);

/* Whether STUN's socket number i is one for this worker. */
bool server_ports_is_mine(
    const struct server_socket *s, size_t i, unsigned worker, unsigned workers);

/* A socket of STUN, which the caller owns; -1 and the reason. */
int server_ports_open_stun(const struct server_socket *s, struct fail *why);

#endif
