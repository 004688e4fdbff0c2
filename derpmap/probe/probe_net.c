/* probe_net: see probe_net.h. */
#include "probe_net.h"

#include <stdlib.h>
#include <string.h>

/* STUN beats HTTPS, as in netcheck; then the lower one. */
static void
consider(struct probe_region *r, uint64_t latency_us, bool by_stun)
{
	if (latency_us == 0 || (r->latency_us != 0 && r->by_stun && !by_stun))
		return;
	if (r->latency_us == 0 || (by_stun && !r->by_stun) ||
	    latency_us < r->latency_us) {
		r->latency_us = latency_us;
		r->by_stun = by_stun;
	}
}

static void
add_mapped(struct probe_net *net, const struct netaddr *mapped)
{
	struct netaddr *ours = mapped->is_v4 ? &net->ipv4 : &net->ipv6;

	if (!mapped->is_set)
		return;
	if (!ours->is_set) {
		*ours = *mapped;
		return;
	}
	/* each question has a socket of its own: only the address counts */
	if (mapped->is_v4 && net->varies != PROBE_VARY_YES)
		net->varies = memcmp(ours->ip, mapped->ip, sizeof ours->ip) == 0
		    ? PROBE_VARY_NO
		    : PROBE_VARY_YES;
}

static int
nearer(const void *a, const void *b)
{
	const struct probe_region *x = a, *y = b;

	if ((x->latency_us == 0) != (y->latency_us == 0))
		return x->latency_us == 0 ? 1 : -1;
	if (x->latency_us != y->latency_us)
		return x->latency_us < y->latency_us ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

int
probe_net_make(struct probe_net *net, const struct probe_report *report)
{
	*net = (struct probe_net){ 0 };
	net->regions = calloc(report->plan->n + 1, sizeof *net->regions);
	if (net->regions == NULL)
		return -1;
	for (size_t i = 0; i < report->visit_count; i++) {
		const struct probe_visit *v = &report->visits[i];
		const struct probe_result *stun = &v->steps[PROBE_STEP_STUN];
		struct probe_region *r = net->region_count > 0
		    ? &net->regions[net->region_count - 1]
		    : NULL;

		if (r == NULL ||
		    (r->node != v->node &&
			(r->node->region != v->node->region ||
			    v->node->region == 0)))
			r = &net->regions[net->region_count++];
		if (r->node == NULL)
			r->node = v->node;
		net->udp |= stun->time_us > 0;
		consider(r, stun->time_us, true);
		consider(r, v->steps[PROBE_STEP_LATENCY].time_us, false);
		add_mapped(net, &v->mapped);
	}
	qsort(net->regions, net->region_count, sizeof *net->regions, nearer);
	return 0;
}

void
probe_net_clear(struct probe_net *net)
{
	free(net->regions);
	*net = (struct probe_net){ 0 };
}
