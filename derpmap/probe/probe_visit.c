/* probe_visit: see probe_visit.h. */
#include "probe_visit.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>

uint64_t
probe_visit_deadline(const struct probe_context *c, uint64_t ms)
{
	const uint64_t until = clock_now_ms() + ms;

	return until < c->end_ms ? until : c->end_ms;
}

bool
probe_visit_is_over(const struct probe_context *c)
{
	if (clock_now_ms() < c->end_ms)
		return false;
	c->visit->cut_short = true;
	return true;
}

const char *
probe_visit_where(char out[static PROBE_WHERE_MAX], const struct probe_visit *v,
    const char *action, uint16_t port)
{
	struct netaddr a = v->address;
	char text[NETADDR_TEXT];

	a.port = port;
	netaddr_format(&a, text);
	if (v->family == PROBE_PROXY)
		snprintf(out, PROBE_WHERE_MAX, "%s %s:%u through the proxy",
		    action, v->node->host, port);
	else
		snprintf(out, PROBE_WHERE_MAX, "%s %s", action, text);
	return out;
}

const char *
probe_visit_family_name(enum probe_family family)
{
	static const char *const names[] = {
		[PROBE_IPV4] = "ipv4",
		[PROBE_IPV6] = "ipv6",
		[PROBE_PROXY] = "proxy",
	};

	return names[family];
}

const char *
probe_visit_step_name(enum probe_step step)
{
	static const char *const names[PROBE_STEP_COUNT] = {
		[PROBE_STEP_ADDRESS] = "address",
		[PROBE_STEP_TCP] = "tcp",
		[PROBE_STEP_TLS] = "tls",
		[PROBE_STEP_CERT] = "certificate",
		[PROBE_STEP_META] = "metacert",
		[PROBE_STEP_LATENCY] = "latency_check",
		[PROBE_STEP_UPGRADE] = "upgrade",
		[PROBE_STEP_LOGIN] = "login",
		[PROBE_STEP_FAST_START] = "fast_start",
		[PROBE_STEP_RELAY] = "relay",
		[PROBE_STEP_KEY] = "key_stable",
		[PROBE_STEP_STUN] = "stun",
		[PROBE_STEP_PORTAL] = "port80",
	};

	return names[step];
}

void
probe_visit_host(const struct probe_node *node, char out[static PROBE_HOST_MAX])
{
	const bool brackets = strchr(node->host, ':') != NULL;
	const int64_t usual = node->tls ? 443 : 80;
	char port[16] = "";

	if (node->derp_port != usual)
		snprintf(port, sizeof port, ":%u", (unsigned)node->derp_port);
	snprintf(out, PROBE_HOST_MAX, brackets ? "[%.255s]%s" : "%.255s%s",
	    node->host, port);
}

void
probe_visit_clear(struct probe_visit *v)
{
	probe_findings_clear(&v->findings);
}
