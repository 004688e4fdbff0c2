/*
 * relay_cert: judges the certificates that a relay served as clients do, and
 * says what is wrong with them.
 *
 * dial.h does that while it connects and ends there. Who wants to tell what was
 * served, and go on to see what else is wrong, connects with DIAL_INSECURE and
 * asks here. Life: relay_cert_roots_load once -> relay_cert_judge ... ->
 * relay_cert_roots_free. Threads: any; the roots may be shared.
 * Source: tailscale net/tlsdial/tlsdial.go, derp/derphttp.
 */
#ifndef DERPKIT_RELAY_CERT_H
#define DERPKIT_RELAY_CERT_H

#include "cert.h"
#include "derp_key.h"

struct stack_st_X509;

struct relay_cert_roots;

/* The roots of a PEM file, or the system's (NULL). Returns owned; NULL and the
 * reason. */
struct relay_cert_roots *relay_cert_roots_load(
    const char *ca_file, struct fail *why);
/* NULL is fine. */
void relay_cert_roots_free(struct relay_cert_roots *roots);

/* What was served. */
struct relay_cert_facts {
	struct cert_info leaf;  /* the first one that is not a metacert */
	unsigned count;         /* without metacerts */
	bool has_meta;          /* a metacert of this protocol version */
	struct derp_key server; /* the key in it */
};

/* -1: nothing was served but metacerts, or the leaf cannot be read. */
int relay_cert_read(struct relay_cert_facts *facts, struct stack_st_X509 *chain,
    struct fail *why);

/* Whether the leaf is valid for the name, which may be an address; false also
 * when there is none. */
bool relay_cert_is_for(struct stack_st_X509 *chain, const char *name);

/* By what the certificate is judged; all borrowed for the call. */
struct relay_cert_rule {
	const struct relay_cert_roots *roots;
	const char *pin; /* 64 lower-case hex digits: only this certificate, and
			    no other beside it; NULL: a chain to the roots */
	/* what it must be valid for; NULL: any name. Clients check no name
	 * where they send none: where the host name is an IP address. */
	const char *name;
	int64_t now_s; /* seconds since 1970 */
};

enum relay_cert_verdict {
	RELAY_CERT_GOOD,
	RELAY_CERT_NONE,         /* nothing was served, or nothing readable */
	RELAY_CERT_UNTRUSTED,    /* no chain to the roots */
	RELAY_CERT_SELF_SIGNED,  /* likewise: it is, or its chain ends so */
	RELAY_CERT_INCOMPLETE,   /* likewise: served without intermediates */
	RELAY_CERT_OTHER_NAME,   /* not valid for the name */
	RELAY_CERT_EXPIRED,      /* it, or one of its chain */
	RELAY_CERT_NOT_YET,      /* likewise */
	RELAY_CERT_PIN_DIFFERS,  /* not the one that is pinned */
	RELAY_CERT_PIN_MULTIPLE, /* others beside the one that is pinned */
};

/* *why says what is wrong, in OpenSSL's words where they fit. */
enum relay_cert_verdict relay_cert_judge(const struct relay_cert_rule *rule,
    struct stack_st_X509 *chain, struct fail *why);

#endif
