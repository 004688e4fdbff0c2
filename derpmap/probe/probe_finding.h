/*
 * probe_finding: what a probe found: what was tried, what came, what that
 * means for clients, what to do.
 *
 * The kinds are a table: severity, meaning and advice are in it, the other two
 * texts come from the step that found it. Life: a zeroed struct probe_findings
 * -> probe_finding_add ... -> probe_findings_clear. Threads: a list belongs to
 * one at a time.
 */
#ifndef DERPKIT_PROBE_FINDING_H
#define DERPKIT_PROBE_FINDING_H

#include <stdbool.h>
#include <stddef.h>

enum probe_kind {
	/* the map, names and addresses */
	PROBE_NO_ADDRESS,
	PROBE_BAD_PORT,
	PROBE_DNS_FAILED,
	PROBE_DNS_DIFFERS,
	PROBE_DNS_LITERAL_ONLY,
	PROBE_NO_ROUTE,
	PROBE_NOT_PROBED,
	PROBE_SHORT_OF_TIME,
	/* connection and proxy */
	PROBE_TCP_REFUSED,
	PROBE_TCP_SILENT,
	PROBE_TCP_FAILED,
	PROBE_ADDRESS_DEAD,
	PROBE_PROXY_REFUSED,
	PROBE_PROXY_BETWEEN,
	/* TLS */
	PROBE_TLS_FAILED,
	PROBE_TLS_PLAIN,
	PROBE_TLS_OTHER,
	PROBE_TLS_TOO_OLD,
	PROBE_TLS_SILENT,
	PROBE_TLS_SLOW,
	PROBE_TLS_OLD,
	PROBE_CERT_NONE,
	PROBE_CERT_UNTRUSTED,
	PROBE_CERT_SELF_SIGNED,
	PROBE_CERT_INCOMPLETE,
	PROBE_CERT_OTHER_NAME,
	PROBE_CERT_EXPIRED,
	PROBE_CERT_NOT_YET,
	PROBE_CERT_EXPIRING,
	PROBE_CERT_IGNORED,
	PROBE_PIN_DIFFERS,
	PROBE_PIN_MULTIPLE,
	PROBE_PIN_BAD,
	PROBE_META_MISSING,
	PROBE_META_DIFFERS,
	/* DERP */
	PROBE_UPGRADE_EATEN,
	PROBE_UPGRADE_REFUSED,
	PROBE_UPGRADE_SILENT,
	PROBE_NOT_DERP,
	PROBE_HEADERS_LONG,
	PROBE_LOGIN_FAILED,
	PROBE_LOGIN_UNSAFE,
	PROBE_MEMBERS_ONLY,
	PROBE_NOT_ADMITTED,
	PROBE_FAST_START_FAILED,
	PROBE_RELAY_FAILED,
	PROBE_KEY_CHANGES,
	PROBE_CONNECT_UNSTEADY,
	PROBE_SAME_RELAY,
	PROBE_MESH_MISSING,
	/* HTTP, STUN, port 80, clock */
	PROBE_LATENCY_FAILED,
	PROBE_LATENCY_NO_CORS,
	PROBE_CLOCK_SKEW,
	PROBE_STUN_SILENT,
	PROBE_STUN_NAT,
	PROBE_STUN_NAT_LIKELY,
	PROBE_STUN_OTHER_SOURCE,
	PROBE_PORTAL_CLOSED,
	PROBE_PORTAL_REDIRECT,
	PROBE_PORTAL_STATUS,
	PROBE_PORTAL_CHALLENGE,
	PROBE_PORTAL_UNUSED,
	PROBE_KIND_COUNT,
};

enum probe_severity { PROBE_INFO, PROBE_WARNING, PROBE_ERROR };

struct probe_kind_row {
	const char *id; /* stable: scripts go by it */
	enum probe_severity severity;
	const char *title, *means, *advice; /* one sentence, or two */
};

/* Static. */
const struct probe_kind_row *probe_kind_row(enum probe_kind kind);

/* "info", "warning", "error"; static. */
const char *probe_severity_name(enum probe_severity severity);

#define PROBE_TRIED_MAX 256
#define PROBE_GOT_MAX 512
#define PROBE_HINT_MAX 256
#define PROBE_FINDINGS_MAX 64 /* of one list */

struct probe_finding {
	enum probe_kind kind;
	char tried[PROBE_TRIED_MAX]; /* printable */
	char got[PROBE_GOT_MAX];     /* printable */
	char hint[PROBE_HINT_MAX];   /* goes with the advice: values to write;
					printable; "" for none */
};

struct probe_findings {
	struct probe_finding *v; /* owned */
	size_t n;
	bool is_short; /* one was lost: memory is short */
};

/* Adds one and returns it for its hint, until the next call; NULL when the list
 * is full or memory short. `tried` and the formatted text may hold foreign
 * bytes: they are escaped. */
__attribute__((format(printf, 4, 5))) struct probe_finding *probe_finding_add(
    struct probe_findings *list, enum probe_kind kind, const char *tried,
    const char *fmt, ...);

/* Sets its hint, escaped; a finding that is NULL is fine. */
__attribute__((format(printf, 2, 3))) void probe_finding_hint(
    struct probe_finding *f, const char *fmt, ...);

/* Whether one of that kind is in the list. */
bool probe_finding_has(const struct probe_findings *list, enum probe_kind kind);

/* Frees; the list is empty and usable again. */
void probe_findings_clear(struct probe_findings *list);

#endif
