/*
 * doctor_iptables: rules of iptables' legacy variant, which nft does not list.
 *
 * Hints: judged is what is plain in them, as in doctor_firewall. Life:
 * doctor_iptables_read -> doctor_iptables_judge ... -> doctor_iptables_clear.
 * Threads: the main thread; blocking. Source: iptables(8).
 */
#ifndef DERPKIT_DOCTOR_IPTABLES_H
#define DERPKIT_DOCTOR_IPTABLES_H

#include "buf.h"

#include <stdbool.h>

/* What the rules for incoming packets say of one port. */
struct doctor_iptables_verdict {
	bool drops_by_default, accepts, drops;
	/* rules without a port, of a set or another chain: not judged */
	bool is_unclear;
};

struct doctor_iptables {
	struct buf v4, v6; /* as iptables-legacy -S prints them */
};

/* Reads those of this machine. False: none are in use, or only root may look;
 * there is nothing to clear then. */
bool doctor_iptables_read(struct doctor_iptables *t);
void doctor_iptables_clear(struct doctor_iptables *t);

/* Judges the port by one list of rules; protocol is "tcp" or "udp". */
void doctor_iptables_judge(struct doctor_iptables_verdict *v,
    struct slice rules, const char *protocol, uint16_t port);

#endif
