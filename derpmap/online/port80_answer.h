/*
 * port80_answer: what a relay says to the question with which clients look for
 * captive portals.
 *
 * Source: tailscale net/captivedetection: GET /generate_204 with a challenge;
 * anything but 204 with the response to it counts as a captive portal.
 * Blocking. Threads: pure.
 */
#ifndef DERPKIT_PORT80_ANSWER_H
#define DERPKIT_PORT80_ANSWER_H

#include "host_names.h"

#define PORT80_ANSWER_TEXT 256

enum port80_state {
	PORT80_UNTRIED,
	PORT80_GOOD,
	PORT80_SILENT, /* nobody answers: clients ignore that */
	PORT80_WRONG,  /* clients see a captive portal */
};

struct port80_answer {
	enum port80_state state;
	char text[PORT80_ANSWER_TEXT]; /* of the last two: what came */
};

/* Asks the address, for the host of that name, until the deadline of
 * clock_now_ms. */
void port80_answer_ask(struct port80_answer *a, const struct host_names *names,
    const struct netaddr *address, const char *host, uint64_t deadline_ms);

#endif
