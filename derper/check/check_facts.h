/*
 * check_facts: what a start with a configuration would do, found out without
 * one.
 *
 * Goes through the steps of a start (server_setup.h) without making, starting
 * or asking anything; a port is bound for a moment, and nobody can connect to
 * it. What the start would log as a warning or an error is kept, too. Life:
 * check_facts_look or check_facts_refuse -> check_facts_clear. Threads: the
 * main thread, alone.
 */
#ifndef DERPKIT_CHECK_FACTS_H
#define DERPKIT_CHECK_FACTS_H

#include "server_setup.h"

#define CHECK_FACTS_NOTES 64 /* that are kept */
#define CHECK_FACTS_NOTE 512 /* bytes, with NUL */

enum check_facts_about {
	/* those of enum server_setup_part come first */
	CHECK_FACTS_FLAGS = SERVER_SETUP_ADMISSION + 1,
	CHECK_FACTS_CONTROL_SOCKET,
	CHECK_FACTS_SOURCES,
	CHECK_FACTS_ABOUTS,
};

struct check_facts_note {
	unsigned about; /* CHECK_FACTS_ABOUTS are enough */
	char text[CHECK_FACTS_NOTE];
};

struct check_facts_notes {
	struct check_facts_note v[CHECK_FACTS_NOTES];
	size_t n;
};

struct check_facts {
	const struct config *config; /* borrowed */
	struct server_setup setup;
	/* what a start would end with first, and what after that; and what it
	 * would only warn of */
	struct check_facts_notes errors, warnings;
	unsigned about; /* what is being looked at */
};

/* Looks at everything. The log is silent meanwhile. */
void check_facts_look(struct check_facts *c, const struct config *config);
/* The same of flags that are refused with that reason: nothing else is known.
 */
void check_facts_refuse(
    struct check_facts *c, const struct config *config, const char *why);
void check_facts_clear(struct check_facts *c);
/* Whether something of that is an error. */
bool check_facts_has_error(const struct check_facts *c, unsigned about);

#endif
