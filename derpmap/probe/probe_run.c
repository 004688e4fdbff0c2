/* probe_run: see probe_run.h. */
#include "probe_run.h"

#include "clock.h"
#include "probe_compare.h"
#include "probe_mesh.h"
#include "probe_steps.h"
#include "thread_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define PROGRESS_MS 200

struct run {
	const struct probe_config *config;
	struct probe_report *report;
	uint64_t end_ms;
	struct thread_pool *pool; /* owned */
	pthread_mutex_t lock;
	pthread_cond_t one_done;
	size_t done, total; /* locked by lock */
};

/* A visit or a pair, on a thread of the pool. */
struct job {
	struct run *run;
	struct probe_visit *visit;
	struct probe_pair *pair;
};

static void
work(void *ctx, bool cancelled)
{
	const struct job *job = ctx;
	struct run *run = job->run;
	const struct probe_context c = { run->config, job->visit, run->end_ms };

	if (!cancelled && job->visit != NULL)
		probe_steps(&c);
	else if (!cancelled)
		probe_mesh_pass(run->config, run->end_ms, job->pair);
	pthread_mutex_lock(&run->lock);
	run->done++;
	pthread_cond_signal(&run->one_done);
	pthread_mutex_unlock(&run->lock);
}

/* Waits for the next one to be done, a moment at most; how many are. */
static size_t
wait_a_moment(struct run *run, size_t seen)
{
	struct timespec until;
	size_t done;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += PROGRESS_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&run->lock);
	while (run->done == seen &&
	    pthread_cond_timedwait(&run->one_done, &run->lock, &until) == 0)
		;
	done = run->done;
	pthread_mutex_unlock(&run->lock);
	return done;
}

static void
tell(const struct run *run, size_t done)
{
	if (run->config->progress != NULL)
		run->config->progress(
		    run->config->progress_ctx, done, run->total);
}

/* Runs the jobs and waits for all of them. */
static int
run_jobs(struct run *run, struct job *jobs, size_t n, struct fail *why)
{
	size_t posted = 0, done = run->done;
	const size_t before = done;

	run->total += n;
	while (
	    posted < n && thread_pool_post(run->pool, work, &jobs[posted]) == 0)
		posted++;
	while (done < before + posted) {
		tell(run, done);
		done = wait_a_moment(run, done);
	}
	tell(run, done);
	return posted == n ? 0 : fail_set(why, "out of memory");
}

static int
run_visits(struct run *run, struct fail *why)
{
	struct probe_report *r = run->report;
	struct job *jobs = calloc(r->visit_count + 1, sizeof *jobs);
	int result;

	if (jobs == NULL)
		return fail_set(why, "out of memory");
	for (size_t i = 0; i < r->visit_count; i++)
		jobs[i] = (struct job){ .run = run, .visit = &r->visits[i] };
	result = run_jobs(run, jobs, r->visit_count, why);
	free(jobs);
	return result;
}

/* With one real key there cannot be two clients. */
static int
run_pairs(struct run *run, struct fail *why)
{
	struct probe_report *r = run->report;
	struct job *jobs;
	int result;

	if (run->config->key != NULL)
		return 0;
	if (probe_mesh_list(r) == -1)
		return fail_set(why, "out of memory");
	jobs = calloc(r->pair_count + 1, sizeof *jobs);
	if (jobs == NULL)
		return fail_set(why, "out of memory");
	for (size_t i = 0; i < r->pair_count; i++)
		jobs[i] = (struct job){ .run = run, .pair = &r->pairs[i] };
	result = run_jobs(run, jobs, r->pair_count, why);
	free(jobs);
	return result;
}

static int
prepare(const struct probe_config *config, const struct probe_plan *plan,
    struct probe_report *r)
{
	enum probe_family families[2];
	size_t n = 0;

	if (config->proxy != NULL)
		families[n++] = PROBE_PROXY;
	if (config->proxy == NULL && config->ipv4)
		families[n++] = PROBE_IPV4;
	if (config->proxy == NULL && config->ipv6)
		families[n++] = PROBE_IPV6;
	*r = (struct probe_report){
		.plan = plan,
		.family_count = n,
		.started_s = clock_wall_s(),
	};
	r->visits = calloc(plan->n * n + 1, sizeof *r->visits);
	r->of_node = calloc(plan->n + 1, sizeof *r->of_node);
	if (r->visits == NULL || r->of_node == NULL)
		return -1;
	for (size_t i = 0; i < plan->n; i++)
		for (size_t j = 0; j < n; j++)
			r->visits[r->visit_count++] =
			    (struct probe_visit){ .node = &plan->nodes[i],
				    .family = families[j] };
	return 0;
}

static int
run_all(struct run *run, struct fail *why)
{
	const size_t visits = run->report->visit_count;
	const unsigned threads = run->config->concurrency;

	/* there are at most two pairs for each node, one job for each visit */
	run->pool = thread_pool_new(
	    visits < threads ? (unsigned)visits + 1 : threads, 2 * visits + 2);
	if (run->pool == NULL)
		return fail_set(why, "memory or threads are short");
	if (run_visits(run, why) == -1 || run_pairs(run, why) == -1)
		return -1;
	return probe_compare(run->report) == 0 ? 0
					       : fail_set(why, "out of memory");
}

int
probe_run(const struct probe_config *config, const struct probe_plan *plan,
    struct probe_report *report, struct fail *why)
{
	const uint64_t start_ms = clock_now_ms();
	struct run run = {
		.config = config,
		.report = report,
		.end_ms = start_ms + config->total_ms,
	};
	int result;

	if (prepare(config, plan, report) == -1) {
		probe_report_clear(report);
		return fail_set(why, "out of memory");
	}
	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.one_done, NULL);
	result = run_all(&run, why);
	thread_pool_free(run.pool);
	pthread_cond_destroy(&run.one_done);
	pthread_mutex_destroy(&run.lock);
	report->took_ms = clock_now_ms() - start_ms;
	if (result == -1)
		probe_report_clear(report);
	return result;
}
