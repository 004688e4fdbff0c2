/*
 * probe_visit: what is known of one node over one address family, and the
 * settings of the whole run. Plain data: the steps fill it, the reports read
 * it.
 *
 * Life: zeroed with node and family -> the steps, on one thread ->
 * probe_visit_clear. Threads: written by one thread, then read by all.
 */
#ifndef DERPKIT_PROBE_VISIT_H
#define DERPKIT_PROBE_VISIT_H

#include "probe_finding.h"
#include "probe_plan.h"
#include "proxy.h"
#include "relay_cert.h"

/* What clients allow; source: derphttp (dialNodeTimeout), magicsock, netcheck
 * (stunProbeTimeout), captivedetection. */
#define PROBE_TCP_MS 1500
#define PROBE_CONNECT_MS 10000 /* DNS, TCP, TLS and upgrade */
#define PROBE_STUN_MS 3000
#define PROBE_PORTAL_MS 3000
#define PROBE_DNS_MS 5000

enum probe_family {
	PROBE_IPV4,
	PROBE_IPV6,
	PROBE_PROXY, /* through --proxy, which chooses the address */
};

enum probe_step {
	PROBE_STEP_ADDRESS, /* literal or DNS */
	PROBE_STEP_TCP,
	PROBE_STEP_TLS,
	PROBE_STEP_CERT,
	PROBE_STEP_META,
	PROBE_STEP_LATENCY, /* /derp/latency-check */
	PROBE_STEP_UPGRADE, /* until ServerKey */
	PROBE_STEP_LOGIN,
	PROBE_STEP_FAST_START,
	PROBE_STEP_RELAY, /* a packet there and back */
	PROBE_STEP_KEY,   /* the same server key each time */
	PROBE_STEP_STUN,
	PROBE_STEP_PORTAL,
	PROBE_STEP_COUNT,
};

enum probe_state {
	PROBE_SKIPPED, /* not asked for, not possible, or not reached */
	PROBE_GOOD,
	PROBE_ODD, /* works; a finding of at most "warning" says what is odd */
	PROBE_BAD,
};

struct probe_result {
	enum probe_state state;
	uint64_t time_us; /* how long it took; 0: not measured */
};

enum probe_admission {
	PROBE_UNKNOWN,
	PROBE_OPEN,     /* admitted an unknown key */
	PROBE_MEMBERS,  /* did not */
	PROBE_ADMITTED, /* admitted the key of --key-file */
	PROBE_REJECTED, /* did not */
};

struct probe_visit {
	const struct probe_node *node; /* borrowed from the plan */
	enum probe_family family;
	struct probe_result steps[PROBE_STEP_COUNT];
	struct probe_findings findings;
	/* the address it was probed at; unset: there is none */
	struct netaddr address;
	bool is_off;    /* the map turns this family off */
	bool no_route;  /* this machine does not have the family */
	bool cut_short; /* the total time limit ended it */
	bool has_cert;  /* cert and verdict are set */
	bool untrusted; /* a client would refuse it; not set when insecure */
	struct relay_cert_facts cert;
	char tls_version[16]; /* "" for none */
	bool has_server;
	struct derp_key server; /* the relay's key */
	enum probe_admission admission;
	struct netaddr mapped; /* what STUN says we are; may be unset */
	bool has_skew;
	int64_t skew_s;     /* the relay's clock before ours */
	char software[80];  /* its Server header, printable; "" for none */
	char proxy_via[80]; /* its Via header, likewise */
};

/* Settings of a run; immutable, borrowed by all steps. */
struct probe_config {
	const struct relay_cert_roots *roots;
	const struct derp_private_key *key; /* a real node's; NULL: throw-away
					       ones */
	const struct proxy *proxy;          /* NULL: none */
	unsigned concurrency;               /* visits at a time */
	unsigned connects; /* in all, to compare server keys; at least 1 */
	uint64_t total_ms; /* for the whole run */
	uint16_t portal_port;
	bool ipv4, ipv6; /* which families */
	/* Told about twice a second and at the end, on the thread that called
	 * probe_run; or NULL. */
	void (*progress)(void *ctx, size_t done, size_t total);
	void *progress_ctx;
};

/* What a step is given: the visit and until when. */
struct probe_context {
	const struct probe_config *config;
	struct probe_visit *visit;
	uint64_t end_ms; /* of the run, on clock_now_ms */
};

/* ms from now, but not after the end of the run. */
uint64_t probe_visit_deadline(const struct probe_context *c, uint64_t ms);

/* Whether the run has ended; notes it in the visit. */
bool probe_visit_is_over(const struct probe_context *c);

/* "900a (203.0.113.7:443)" and the like, for `tried`: the action, then where.
 * Returns out. */
#define PROBE_WHERE_MAX 400
#define PROBE_HOST_MAX 320
const char *probe_visit_where(char out[static PROBE_WHERE_MAX],
    const struct probe_visit *v, const char *action, uint16_t port);

/* "ipv4", "ipv6", "proxy"; static. Step names likewise. */
const char *probe_visit_family_name(enum probe_family family);
const char *probe_visit_step_name(enum probe_step step);

/* The Host header of the node: no port where it is the usual one. */
void probe_visit_host(
    const struct probe_node *node, char out[static PROBE_HOST_MAX]);

/* Frees what it holds. */
void probe_visit_clear(struct probe_visit *v);

#endif
