/* relay_sight: see relay_sight.h. */
#include "relay_sight.h"

#include "clock.h"
#include "hostname.h"
#include "port.h"
#include "thread_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAILSCALE ".tailscale.com"
/* What is wrong with names that are looked up all the same. */
#define USABLE_FAULTS (HOSTNAME_UPPER | HOSTNAME_LAST_DOT | HOSTNAME_UNDERSCORE)

/* The relays of one call, and how many are not done. */
struct round {
	const struct host_names *names;
	struct relay_cert_roots *roots; /* owned */
	int64_t now_s;                  /* seconds since 1970 */
	uint64_t deadline_ms;
	pthread_mutex_t lock;
	pthread_cond_t done;
	size_t left; /* locked by lock */
};

struct job {
	struct round *round;
	struct relay_sight *sight;
};

/* --- one relay --- */

/* The addresses that clients connect to: those in the map, and of a family
 * that is not there what DNS says. */
static size_t
target_addresses(const struct relay_sight *s,
    struct netaddr to[static HOST_NAMES_ADDRESSES + 2])
{
	const struct slice texts[] = { s->node->ipv4.v, s->node->ipv6.v };
	struct netaddr host;
	size_t n = 0;

	for (int family = 0; family < 2; family++) {
		const bool v4 = family == 0;

		if (texts[family].n > 0) {
			if (netaddr_parse_ip(&to[n], texts[family]) == 0 &&
			    to[n].is_v4 == v4)
				n++;
			continue;
		}
		if (!s->is_name &&
		    netaddr_parse_ip(&host, s->node->host_name.v) == 0 &&
		    host.is_v4 == v4)
			to[n++] = host;
		for (size_t i = 0; i < s->dns.n; i++)
			if (s->dns.v[i].is_v4 == v4)
				to[n++] = s->dns.v[i];
	}
	return n;
}

static uint64_t
step_deadline(const struct round *r)
{
	uint64_t deadline = clock_now_ms() + RELAY_SIGHTS_STEP_MS;

	return deadline < r->deadline_ms ? deadline : r->deadline_ms;
}

static void
look_at_tls(struct relay_sight *s, const struct round *r, const char *host)
{
	struct netaddr addresses[HOST_NAMES_ADDRESSES + 2];
	const size_t n = target_addresses(s, addresses);
	const struct slice name = s->node->cert_name.v;
	const bool pinned = pin_is_valid(name);
	char cert_name[HOSTNAME_MAX + 1];
	const int64_t port =
	    s->node->derp_port.v == 0 ? PORT_DERP : s->node->derp_port.v;
	struct tls_sight_target target = {
		.hostname = host,
		.roots = r->roots,
		.now_s = r->now_s,
	};

	/* a pin that is malformed, and a port that is none, are found without
	 * looking */
	if (n == 0 || (pin_is_meant(name) && !pinned) ||
	    name.n > HOSTNAME_MAX || !port_is_valid(port) ||
	    s->node->insecure_for_tests.v)
		return;
	snprintf(cert_name, sizeof cert_name, "%.*s", (int)name.n,
	    name.n > 0 ? (const char *)name.p : "");
	target.port = (uint16_t)port;
	target.deadline_ms = step_deadline(r);
	if (pinned)
		target.pin = cert_name + strlen(PIN_PREFIX);
	else if (name.n > 0)
		target.cert_name = cert_name;
	tls_sight_look(&s->tls, r->names, addresses, n, &target);
}

static void
look_at_port80(struct relay_sight *s, const struct round *r, const char *host)
{
	struct netaddr ip;

	if (s->node->can_port80.v &&
	    netaddr_parse_ip(&ip, s->node->ipv4.v) == 0 && ip.is_v4)
		port80_answer_ask(
		    &s->port80, r->names, &ip, host, step_deadline(r));
}

static void
look(struct relay_sight *s, const struct round *r)
{
	char host[HOSTNAME_MAX + 1];

	if (clock_now_ms() >= r->deadline_ms)
		return;
	s->is_tried = true;
	snprintf(host, sizeof host, "%.*s", (int)s->node->host_name.v.n,
	    (const char *)s->node->host_name.v.p);
	if (s->is_name)
		host_names_look_up(&s->dns, r->names, host, step_deadline(r));
	look_at_tls(s, r, host);
	look_at_port80(s, r, host);
}

/* --- all of them --- */

static void
run_job(void *ctx, bool cancelled)
{
	struct job *job = ctx;
	struct round *r = job->round;

	if (!cancelled)
		look(job->sight, r);
	pthread_mutex_lock(&r->lock);
	if (--r->left == 0)
		pthread_cond_signal(&r->done);
	pthread_mutex_unlock(&r->lock);
}

/* Whether clients connect to the node, and we can say something of it. */
static bool
is_relay(const struct derpmap_node *n)
{
	const size_t end = strlen(TAILSCALE);
	const struct slice name = n->host_name.v;
	struct hostname h;

	if (n->is_nil || n->stun_only.v)
		return false;
	if (name.n >= end &&
	    slice_is_nocase(slice_of(name.p + name.n - end, end), TAILSCALE))
		return false;
	hostname_check(&h, name);
	return (h.faults & ~(unsigned)USABLE_FAULTS) == 0;
}

static int
by_node(const void *a, const void *b)
{
	const struct relay_sight *x = a, *y = b;
	uintptr_t p = (uintptr_t)x->node, q = (uintptr_t)y->node;

	return (p > q) - (p < q);
}

static size_t
count_nodes(const struct derpmap *map)
{
	size_t n = 0;

	for (size_t i = 0; i < map->region_count; i++)
		n += map->regions[i]->node_count;
	return n;
}

static void
add_relay(struct relay_sights *all, const struct derpmap_node *node)
{
	struct netaddr ip;

	if (!is_relay(node))
		return;
	if (all->n == RELAY_SIGHTS_MAX)
		all->untried++;
	else
		all->v[all->n++] = (struct relay_sight){ .node = node,
			.is_name =
			    netaddr_parse_ip(&ip, node->host_name.v) == -1 };
}

static int
collect(struct relay_sights *all, const struct derpmap *map, struct fail *why)
{
	size_t count = count_nodes(map);

	if (count > RELAY_SIGHTS_MAX)
		count = RELAY_SIGHTS_MAX;
	all->v = calloc(count + 1, sizeof *all->v);
	if (all->v == NULL)
		return fail_set(why, "not enough memory");
	for (size_t i = 0; i < map->region_count; i++)
		for (size_t j = 0; j < map->regions[i]->node_count; j++)
			add_relay(all, map->regions[i]->nodes[j]);
	qsort(all->v, all->n, sizeof *all->v, by_node);
	return 0;
}

/* Runs the jobs and waits for all of them. */
static int
run_round(struct relay_sights *all, struct round *r, struct fail *why)
{
	struct job *jobs = reallocarray(NULL, all->n, sizeof *jobs);
	struct thread_pool *pool =
	    thread_pool_new(RELAY_SIGHTS_THREADS, all->n);
	int result = 0;

	if (jobs == NULL || pool == NULL) {
		thread_pool_free(pool);
		free(jobs);
		return fail_set(why, "not enough memory or threads");
	}
	r->left = all->n;
	for (size_t i = 0; i < all->n; i++) {
		jobs[i] = (struct job){ r, &all->v[i] };
		if (thread_pool_post(pool, run_job, &jobs[i]) == -1) {
			result = fail_set(why, "not enough memory");
			run_job(&jobs[i], true);
		}
	}
	pthread_mutex_lock(&r->lock);
	while (r->left > 0)
		pthread_cond_wait(&r->done, &r->lock);
	pthread_mutex_unlock(&r->lock);
	thread_pool_free(pool);
	free(jobs);
	return result;
}

int
relay_sights_look(struct relay_sights *all, const struct derpmap *map,
    const struct host_names *names, struct fail *why)
{
	struct round r = {
		.names = names,
		.now_s = clock_wall_s(),
		.deadline_ms = clock_now_ms() + RELAY_SIGHTS_ALL_MS,
	};
	int result;

	*all = (struct relay_sights){ .now_s = r.now_s };
	if (collect(all, map, why) == -1)
		return -1;
	r.roots = relay_cert_roots_load(NULL, why);
	if (r.roots == NULL) {
		relay_sights_clear(all);
		return -1;
	}
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.done, NULL);
	result = all->n > 0 ? run_round(all, &r, why) : 0;
	pthread_cond_destroy(&r.done);
	pthread_mutex_destroy(&r.lock);
	relay_cert_roots_free(r.roots);
	for (size_t i = 0; i < all->n; i++)
		all->untried += !all->v[i].is_tried;
	if (result == -1)
		relay_sights_clear(all);
	return result;
}

const struct relay_sight *
relay_sights_find(
    const struct relay_sights *all, const struct derpmap_node *node)
{
	const struct relay_sight key = { .node = node };

	if (all->n == 0)
		return NULL;
	return bsearch(&key, all->v, all->n, sizeof *all->v, by_node);
}

void
relay_sights_clear(struct relay_sights *all)
{
	free(all->v);
	*all = (struct relay_sights){ .n = 0 };
}
