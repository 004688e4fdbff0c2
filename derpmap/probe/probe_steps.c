/* probe_steps: see probe_steps.h. */
#include "probe_steps.h"

#include "port.h"
#include "probe_address.h"
#include "probe_derp.h"
#include "probe_http.h"
#include "probe_stun.h"
#include "probe_tls.h"

static void
note_port(struct probe_visit *v, const char *field, int64_t port)
{
	probe_finding_add(&v->findings, PROBE_BAD_PORT, "the node in the map",
	    "%s: %lld", field, (long long)port);
}

static void
stun(const struct probe_context *c)
{
	struct probe_visit *v = c->visit;
	const int64_t port = v->node->stun_port;

	if (port < 0 || v->family == PROBE_PROXY)
		return;
	if (port_is_valid(port))
		probe_stun(c);
	else
		note_port(v, "stunport", port);
}

static void
derp(const struct probe_context *c, const struct resolve_answer *candidates)
{
	struct probe_visit *v = c->visit;

	if (v->node->stun_only)
		return;
	if (!port_is_valid(v->node->derp_port)) {
		note_port(v, "derpport", v->node->derp_port);
		v->steps[PROBE_STEP_TCP].state = PROBE_BAD;
	} else if (probe_tls(c, candidates)) {
		probe_derp(c);
	}
}

void
probe_steps(const struct probe_context *c)
{
	struct probe_visit *v = c->visit;
	struct resolve_answer candidates = { .n = 1 };

	if (probe_visit_is_over(c))
		return;
	if (v->family != PROBE_PROXY)
		probe_address(c, &candidates);
	if (candidates.n == 0)
		return;
	if (!probe_visit_is_over(c))
		derp(c, &candidates);
	if (!probe_visit_is_over(c))
		stun(c);
	if (v->family == PROBE_IPV4 && v->node->can_port80 &&
	    !probe_visit_is_over(c))
		probe_http_portal(c);
}
