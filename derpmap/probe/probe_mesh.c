/* probe_mesh: see probe_mesh.h. */
#include "probe_mesh.h"

#include "clock.h"
#include "probe_session.h"

#include <stdio.h>
#include <stdlib.h>

#define PASS_TRIES 3 /* a mesh learns of a new client a moment later */

/* The first visit of the node that can take part; NULL: none. */
static const struct probe_visit *
open_visit(const struct probe_report *report, size_t node)
{
	const struct probe_visit *v =
	    &report->visits[node * report->family_count];

	for (size_t i = 0; i < report->family_count; i++)
		if (v[i].admission == PROBE_OPEN)
			return &v[i];
	return NULL;
}

static void
add(struct probe_report *report, const struct probe_visit *from,
    const struct probe_visit *to)
{
	if (derp_key_eq(&from->server, &to->server))
		return; /* one relay: a finding of its own */
	report->pairs[report->pair_count++] =
	    (struct probe_pair){ .from = from, .to = to };
}

/* The nodes [first, end) of one region. */
static void
list_region(struct probe_report *report, size_t first, size_t end)
{
	const struct probe_visit *before = NULL, *start = NULL;
	size_t open = 0;

	for (size_t i = first; i < end; i++) {
		const struct probe_visit *v = open_visit(report, i);

		if (v == NULL)
			continue;
		if (before != NULL) {
			add(report, before, v);
			add(report, v, before);
		} else {
			start = v;
		}
		before = v;
		open++;
	}
	if (open > 2) { /* the last one with the first */
		add(report, before, start);
		add(report, start, before);
	}
}

int
probe_mesh_list(struct probe_report *report)
{
	const struct probe_plan *plan = report->plan;
	size_t first = 0;

	report->pairs = calloc(2 * plan->n + 1, sizeof *report->pairs);
	if (report->pairs == NULL)
		return -1;
	for (size_t i = 1; i <= plan->n; i++)
		if (i == plan->n ||
		    plan->nodes[i].region != plan->nodes[first].region) {
			/* nodes from URLs are no region */
			if (plan->nodes[first].region != 0)
				list_region(report, first, i);
			first = i;
		}
	return 0;
}

/* A client of one end of the pair. */
static int
log_in(const struct probe_context *c, struct probe_session *s, struct fail *why)
{
	struct derp_private_key key;
	int result = -1;

	derp_private_key_generate(&key);
	if (probe_session_open(c, &key, s, why) == 0 &&
	    probe_session_login(c, s, why) == PROBE_LOGIN_DONE)
		result = 0;
	derp_private_key_clear(&key);
	return result;
}

static int
pass(const struct probe_context *from, const struct probe_context *to,
    struct probe_result *result, struct fail *why)
{
	struct probe_session a = { 0 }, b = { 0 };
	int passed = -1;

	if (log_in(from, &a, why) == 0 && log_in(to, &b, why) == 0) {
		const uint64_t start_us = clock_now_us();

		passed = probe_session_pass(from, &a, &b, PASS_TRIES, why);
		result->time_us = clock_now_us() - start_us;
	}
	probe_session_close(&a);
	probe_session_close(&b);
	return passed;
}

void
probe_mesh_pass(
    const struct probe_config *config, uint64_t end_ms, struct probe_pair *pair)
{
	/* copies, because visits are read by other pairs at the same time */
	struct probe_visit from = *pair->from, to = *pair->to;
	const struct probe_context a = { config, &from, end_ms };
	const struct probe_context b = { config, &to, end_ms };
	char tried[PROBE_TRIED_MAX];
	struct fail why = { 0 };

	if (probe_visit_is_over(&a)) {
		pair->cut_short = true;
		return;
	}
	pair->result.state = PROBE_GOOD;
	if (pass(&a, &b, &pair->result, &why) == 0)
		return;
	pair->result.state = PROBE_BAD;
	pair->cut_short = probe_visit_is_over(&a);
	snprintf(tried, sizeof tried,
	    "a packet from a client of %s to one of %s", from.node->name,
	    to.node->name);
	if (!pair->cut_short)
		probe_finding_add(
		    &pair->findings, PROBE_MESH_MISSING, tried, "%s", why.text);
}
