/*
 * bootstrap_dns: addresses of names that clients ask a relay for when they have
 * no DNS of their own, and the answers from them.
 *
 * Published names are told to everybody; an unpublished one only to who asks
 * for it by its name, and of these to a part of all client addresses where a
 * TXT record names the percentage. Somebody else looks the names up. Life:
 * bootstrap_dns_new -> set, answer ... -> bootstrap_dns_free. Threads: any;
 * locked inside. Source: tailscale cmd/derper/bootstrap_dns.go.
 */
#ifndef DERPKIT_BOOTSTRAP_DNS_H
#define DERPKIT_BOOTSTRAP_DNS_H

#include "bytes.h"
#include "fail.h"
#include "netaddr.h"

struct bootstrap_dns;
struct counters;

#define BOOTSTRAP_DNS_NAMES_MAX 64    /* of both kinds together */
#define BOOTSTRAP_DNS_ADDRESSES_MAX 8 /* of one name */
#define BOOTSTRAP_DNS_NAME_MAX 253    /* bytes */
/* Bytes of the longest answer. */
#define BOOTSTRAP_DNS_TEXT_MAX                          \
	(BOOTSTRAP_DNS_NAMES_MAX *                      \
		(BOOTSTRAP_DNS_NAME_MAX + 16 +          \
		    BOOTSTRAP_DNS_ADDRESSES_MAX * 56) + \
	    8)

/* From lists as the flags have them: "a.example,b.example", and for unpublished
 * ones "a.example/percent.example", where a TXT record has the percentage.
 * Returns owned; NULL and the reason. */
struct bootstrap_dns *bootstrap_dns_new(
    const char *published, const char *unpublished, struct fail *why);
void bootstrap_dns_free(struct bootstrap_dns *b);

/* The i-th name to be looked up, of both kinds, and whose TXT record has its
 * percentage, or NULL; borrowed, immutable. NULL when there is no such name. */
const char *bootstrap_dns_name(const struct bootstrap_dns *b, size_t i);
const char *bootstrap_dns_percent_name(const struct bootstrap_dns *b, size_t i);

/* Says what was found for it: addresses, of which some are kept in any order,
 * none where it failed; and the percentage, 0 to 100, where it has one. */
void bootstrap_dns_set(struct bootstrap_dns *b, size_t i,
    const struct netaddr *addresses, size_t count, unsigned percent);

/* Writes what a client that asks for the name (empty: for none) is told, and
 * counts it. Nothing is written where nothing is known. */
void bootstrap_dns_answer(struct bootstrap_dns *b, struct slice name,
    const struct netaddr *client, struct counters *counters, struct writer *w);

/* Whether the address is among that part of all, in percent; always the same of
 * an address, but for loopback ones, of which every second try is. */
bool bootstrap_dns_in_percentage(
    const struct netaddr *client, unsigned percent);

#endif
