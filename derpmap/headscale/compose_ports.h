/*
 * compose_ports: the ports that a Compose file publishes.
 *
 * Short and long form, ranges, of all services; a part that is written with a
 * variable is left out. Source: the Compose specification, 05-services.md,
 * "ports".
 *
 * Life: borrowed from the arena. Blocking (files). Threads: one.
 */
#ifndef DERPKIT_COMPOSE_PORTS_H
#define DERPKIT_COMPOSE_PORTS_H

#include "doc.h"

struct compose_port {
	uint16_t host, container;
	bool is_udp;
};

struct compose_ports {
	const char *file;       /* borrowed: as given */
	struct compose_port *v; /* in the arena */
	size_t n;
	bool is_whole; /* nothing had to be left out */
};

#define COMPOSE_PORTS_MAX 4096 /* published ports; more are left out */

/* Reads the file. -1 with *why: it cannot be read, or is not a Compose file. */
int compose_ports_read(struct compose_ports *ports, struct arena *a,
    const char *file, struct fail *why);

/* The same of a text that is there already; it may go afterwards. */
int compose_ports_text(struct compose_ports *ports, struct arena *a,
    const char *file, struct slice text, struct fail *why);

/* The host's UDP port that leads to the container's; 0: none does. */
uint16_t compose_ports_udp(const struct compose_ports *ports, uint16_t to);

#endif
