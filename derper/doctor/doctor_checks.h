/*
 * doctor_checks: what derper doctor looks at, one function for each.
 *
 * They look and report; nothing is changed, and nobody is asked whom the
 * configuration does not name. Each is in the file of its name. Those that look
 * at files or servers that the configuration names run with the relay's rights
 * (doctor_rights.h), the others with ours. Threads: the main thread; blocking,
 * each for some seconds at most.
 */
#ifndef DERPKIT_DOCTOR_CHECKS_H
#define DERPKIT_DOCTOR_CHECKS_H

#include "check_facts.h"
#include "doctor_report.h"

#define DOCTOR_PIN 65 /* SHA-256 in hex, with NUL */

/* All borrowed. */
struct doctor_subject {
	const struct config *config;
	struct check_facts *found; /* what a start would do */
	pid_t pid;                 /* of the relay that runs; 0: none */
	const char *map;           /* a map file; "": none */
	const char *pin;           /* of the certificate, in hex; "": none */
	struct doctor_report *report;
};

/* Whether a start would work, and what it would warn of. */
void doctor_start(const struct doctor_subject *d);
/* Dates, chain, pin. */
void doctor_certificate(const struct doctor_subject *d);
/* Whether the relay that runs serves it. */
void doctor_served(const struct doctor_subject *d);
/* Its pin; "" when there is none. */
void doctor_certificate_pin(
    const struct check_facts *found, char pin[static DOCTOR_PIN]);
/* Against the dates of the certificate and the clocks of servers. */
void doctor_clock(const struct doctor_subject *d);
/* Who has the ports. */
void doctor_ports(const struct doctor_subject *d);
/* Rules that drop what comes to the ports: hints. */
void doctor_firewall(const struct doctor_subject *d);
/* Where the host name leads, and whether the relay is there. */
void doctor_names(const struct doctor_subject *d);
/* Whether our own STUN server answers. */
void doctor_stun(const struct doctor_subject *d);
/* Each source of admission is asked as the relay would. */
void doctor_sources(const struct doctor_subject *d);
/* Descriptors, memory, kernel settings. */
void doctor_limits(const struct doctor_subject *d);
/* The map against the relay, with derpmap. */
void doctor_map(const struct doctor_subject *d);

#endif
