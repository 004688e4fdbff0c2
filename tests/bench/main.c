/*
 * derp-load: offers a DERP relay work and measures what becomes of it.
 *
 * One run of one kind of work, one JSON object on standard output; bench.py
 * makes comparisons out of them.
 */
#include "crowd.h"
#include "flow.h"
#include "load_report.h"
#include "opts.h"
#include "probe.h"
#include "usage.h"
#include "xalloc.h"

#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define PROBE_HZ 500 /* where a mode needs a probe */
#define LOGIN_MS 20000
#define LEAD_NS (50 * 1000000ULL)    /* from the gate to the first packet */
#define SETTLE_NS (300 * 1000000ULL) /* for the relay to see the last close */
#define PRIORITY 20 /* main only sleeps and takes times: before all others */

static const char usage_text[] =
    "usage: derp-load MODE -addr HOST:PORT [options]\n\n"
    "MODE: flow     packets from sender to receiver, in pairs\n"
    "      latency  round trips of a quiet pair alone\n"
    "      idle     log in -clients clients and hold them until standard\n"
    "               input ends; says {\"event\":\"ready\"} when all are in\n"
    "      login    log in -clients times, -concurrency at a time\n"
    "      storm    -clients clients reconnect without end, beside a quiet\n"
    "               pair\n\nOptions:\n";

struct orders {
	const char *addr, *far, *host, *records;
	bool tls, websocket;
	int64_t threads, pairs, destinations, size, per_write, rate;
	int64_t probe_hz, probe_size, clients, concurrency, relay_pid, far_pid;
	uint64_t warmup_ms, measure_ms, drain_ms;
};

static const struct orders defaults = {
	.addr = "",
	.far = "",
	.host = "",
	.records = "own",
	.pairs = 10,
	.destinations = 1,
	.size = 1400,
	.per_write = 1,
	.probe_size = 64,
	.clients = 1000,
	.concurrency = 16,
	.warmup_ms = 1000,
	.measure_ms = 3000,
	.drain_ms = 3000,
};

struct crew { /* the threads of a run */
	pthread_t threads[THREADS_MAX + 1];
	unsigned count;
	struct flow_worker flows[THREADS_MAX];
	struct crowd_worker crowds[THREADS_MAX];
	struct probe_worker *probe; /* NULL: none */
	atomic_bool stop;
};

static struct opts parse(struct orders *o, int argc, char **argv);
static void make_load(struct load *load, const struct orders *o);
static void resolve(struct relay *relay, const char *addr);
static void learn_key(struct relay *relay, struct report *report);
static void run_flow(
    struct load *load, const struct orders *o, struct report *report);
static void run_crowd(struct load *load, const struct orders *o,
    enum crowd_kind kind, struct report *report);

int
main(int argc, char **argv)
{
	struct orders o = defaults;
	struct opts opts = parse(&o, argc, argv);
	const char *mode = opts.words[0];
	struct report report = { .mode = mode };
	struct load *load = xcalloc(1, sizeof *load);

	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() == -1)
		load_run_die("libsodium does not start");
	make_load(load, &o);
	report.load = load;
	report.relay_watched = o.relay_pid != 0;
	learn_key(&load->relay, &report);
	if (o.far[0] == '\0')
		load->far = load->relay;
	else
		learn_key(&load->far, &report);
	if (strcmp(mode, "flow") == 0 || strcmp(mode, "latency") == 0)
		run_flow(load, &o, &report);
	else if (strcmp(mode, "idle") == 0)
		run_crowd(load, &o, CROWD_HOLD, &report);
	else if (strcmp(mode, "login") == 0)
		run_crowd(load, &o, CROWD_LOGIN, &report);
	else
		run_crowd(load, &o, CROWD_STORM, &report);
	report_print(&report);
	SSL_CTX_free(load->relay.wire.tls);
	free(load);
	return 0;
}

static bool
is_mode(const char *word)
{
	static const char *const modes[] = { "flow", "latency", "idle", "login",
		"storm" };

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(word, modes[i]) == 0)
			return true;
	return false;
}

static struct opts
parse(struct orders *o, int argc, char **argv)
{
	const struct opts_option table[] = {
		{ "addr", OPTS_TEXT, &o->addr, "host:port", "the relay" },
		{ "far-addr", OPTS_TEXT, &o->far, "host:port",
		    "another relay of its mesh, where receivers log in" },
		{ "far-pid", OPTS_INT, &o->far_pid, "pid",
		    "its process, whose time is added" },
		{ "host", OPTS_TEXT, &o->host, "name",
		    "Host header; default is the address" },
		{ "tls", OPTS_BOOL, &o->tls, "", "speak TLS" },
		{ "websocket", OPTS_BOOL, &o->websocket, "",
		    "clients speak WebSocket" },
		{ "tls-records", OPTS_TEXT, &o->records, "who",
		    "own or openssl: who seals and opens our records" },
		{ "threads", OPTS_INT, &o->threads, "n",
		    "worker threads; 0: one per processor we may use" },
		{ "pairs", OPTS_INT, &o->pairs, "n", "receivers" },
		{ "destinations", OPTS_INT, &o->destinations, "n",
		    "receivers that each sender sends to in turn" },
		{ "size", OPTS_INT, &o->size, "bytes", "of a packet" },
		{ "per-write", OPTS_INT, &o->per_write, "n",
		    "packets per write (and TLS record)" },
		{ "rate", OPTS_INT, &o->rate, "n",
		    "packets per second in total; 0: as fast as possible" },
		{ "probe-hz", OPTS_INT, &o->probe_hz, "n",
		    "pings per second of the quiet pair; 0: none" },
		{ "probe-size", OPTS_INT, &o->probe_size, "bytes",
		    "of a ping" },
		{ "clients", OPTS_INT, &o->clients, "n", "of a crowd" },
		{ "concurrency", OPTS_INT, &o->concurrency, "n",
		    "logins at a time" },
		{ "relay-pid", OPTS_INT, &o->relay_pid, "pid",
		    "process whose processor time to measure" },
		{ "warmup", OPTS_DURATION, &o->warmup_ms, "time",
		    "before measuring" },
		{ "measure", OPTS_DURATION, &o->measure_ms, "time",
		    "measuring window" },
		{ "drain", OPTS_DURATION, &o->drain_ms, "time",
		    "longest wait for the last packets" },
	};
	struct opts opts = { .table = table,
		.count = sizeof table / sizeof table[0],
		.mixed = true };
	struct fail why = { 0 };
	enum opts_result result = opts_parse(&opts, argc, argv, &why);

	if (result == OPTS_BAD)
		load_run_die("%s", why.text);
	if (result == OPTS_HELP || opts.word_count != 1 ||
	    !is_mode(opts.words[0])) {
		fputs(usage_text, stderr);
		opts_print(&opts, stderr);
		exit(result == OPTS_HELP ? 0 : 2);
	}
	return opts;
}

static unsigned
ranged(int64_t v, int64_t min, int64_t max, const char *name)
{
	if (v < min || v > max)
		load_run_die("-%s: want %lld to %lld", name, (long long)min,
		    (long long)max);
	return (unsigned)v;
}

static unsigned
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == -1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static void
make_load(struct load *load, const struct orders *o)
{
	struct rlimit files;
	size_t write_max;

	load->threads = ranged(o->threads, 0, THREADS_MAX, "threads");
	if (load->threads == 0)
		load->threads = processors();
	load->pairs = ranged(o->pairs, 1, 10000, "pairs");
	load->destinations =
	    ranged(o->destinations, 1, load->pairs, "destinations");
	if (load->pairs % load->destinations != 0)
		load_run_die("-pairs: want a multiple of -destinations");
	load->packet =
	    ranged(o->size, LOAD_PACKET_MIN, LOAD_PACKET_MAX, "size");
	load->per_write =
	    ranged(o->per_write, 1, LOAD_PER_WRITE_MAX, "per-write");
	write_max =
	    load->per_write * (size_t)(DERP_HEADER + DERP_KEY + load->packet);
	if (write_max > PEER_WRITE_MAX)
		load_run_die(
		    "%u packets of %u bytes are more than one TLS record",
		    load->per_write, load->packet);
	load->rate = (uint64_t)ranged(o->rate, 0, 100000000, "rate");
	load->probe_hz = ranged(o->probe_hz, 0, 100000, "probe-hz");
	load->probe_packet = ranged(
	    o->probe_size, LOAD_PACKET_MIN, LOAD_PACKET_MAX, "probe-size");
	load->clients = ranged(o->clients, 1, 60000, "clients");
	load->concurrency = ranged(o->concurrency, 1, 60000, "concurrency");
	load->warmup_ns = o->warmup_ms * 1000000;
	load->measure_ns = o->measure_ms * 1000000;
	load->drain_ns = o->drain_ms * 1000000;
	if (o->tls)
		load->relay.wire.tls = wire_tls_context();
	load->relay.wire.own_records = strcmp(o->records, "own") == 0;
	if (!load->relay.wire.own_records && strcmp(o->records, "openssl") != 0)
		load_run_die("-tls-records: want own or openssl");
	load->relay.websocket = o->websocket;
	load->far = load->relay;
	resolve(&load->relay, o->addr);
	if (o->far[0] != '\0')
		resolve(&load->far, o->far);
	if (o->host[0] != '\0')
		snprintf(load->relay.host, PEER_HOST_MAX, "%s", o->host);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void
resolve(struct relay *relay, const char *addr)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(addr, ':');
	struct addrinfo *found = NULL;

	if (colon == NULL || colon == addr || colon[1] == '\0')
		load_run_die("-addr: want HOST:PORT");
	snprintf(relay->host, PEER_HOST_MAX, "%.*s", (int)(colon - addr), addr);
	if (getaddrinfo(relay->host, colon + 1, &hints, &found) != 0)
		load_run_die("-addr: cannot resolve %s", addr);
	memcpy(&relay->wire.addr, found->ai_addr, found->ai_addrlen);
	relay->wire.addr_len = found->ai_addrlen;
	freeaddrinfo(found);
	snprintf(relay->host, PEER_HOST_MAX, "%s", addr);
}

/* A first login tells the relay's key, and whether it works at all. */
static void
learn_key(struct relay *relay, struct report *report)
{
	struct wire_scratch *scratch = wire_scratch_new();
	struct peer p;
	struct fail why = { 0 };

	peer_init(&p, 0);
	if (peer_login_now(&p, relay, scratch, LOGIN_MS, &why) == -1)
		load_run_die("cannot log in: %s", why.text);
	relay->key = p.server;
	relay->key_known = true;
	report->cipher = wire_cipher(&p.wire);
	report->own_records = wire_is_own(&p.wire);
	peer_clear(&p);
	wire_scratch_free(scratch);
}

static void
spawn(struct crew *crew, void *(*body)(void *), void *ctx)
{
	if (pthread_create(&crew->threads[crew->count++], NULL, body, ctx) != 0)
		load_run_die("cannot start a thread");
}

static void
take(struct usage *u, const struct orders *o)
{
	struct usage far = { .relay_us = 0 };

	if (usage_take(u, (pid_t)o->relay_pid) == -1)
		load_run_die(
		    "the relay (pid %lld) is gone", (long long)o->relay_pid);
	if (usage_take(&far, (pid_t)o->far_pid) == -1)
		load_run_die(
		    "the relay (pid %lld) is gone", (long long)o->far_pid);
	u->relay_us += far.relay_us;
}

static void
sleep_until(uint64_t at_ns)
{
	struct timespec t = { .tv_sec = (time_t)(at_ns / 1000000000),
		.tv_nsec = (long)(at_ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		continue;
}

static void
prepare_gate(struct load *load, unsigned workers)
{
	if (pthread_barrier_init(&load->gate.arrived, NULL, workers + 1) != 0 ||
	    pthread_barrier_init(&load->gate.opened, NULL, workers + 1) != 0)
		load_run_die("cannot make a barrier");
}

static void
open_gate(struct load *load)
{
	const struct sched_param param = { .sched_priority = PRIORITY };
	struct load_gate *gate = &load->gate;

	/* Without it the ends of the window are taken a little late. Not
	 * earlier: threads inherit it. */
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	pthread_barrier_wait(&gate->arrived);
	gate->begin_ns = load_run_now_ns() + LEAD_NS;
	gate->from_ns = gate->begin_ns + load->warmup_ns;
	gate->to_ns = gate->from_ns + load->measure_ns;
	gate->end_ns = gate->to_ns + load->drain_ns;
	pthread_barrier_wait(&gate->opened);
}

/* Sleeps through the window and takes the times at its ends. */
static void
watch_window(struct load *load, const struct orders *o, struct report *report)
{
	struct usage from, to;

	sleep_until(load->gate.from_ns);
	take(&from, o);
	sleep_until(load->gate.to_ns);
	take(&to, o);
	report->usage = usage_between(&from, &to);
}

static void
join_all(struct load *load, struct crew *crew)
{
	for (unsigned i = 0; i < crew->count; i++)
		pthread_join(crew->threads[i], NULL);
	pthread_barrier_destroy(&load->gate.arrived);
	pthread_barrier_destroy(&load->gate.opened);
}

static void
spawn_probe(struct load *load, struct crew *crew)
{
	if (load->probe_hz == 0)
		return;
	crew->probe = xcalloc(1, sizeof *crew->probe);
	crew->probe->load = load;
	spawn(crew, probe_run, crew->probe);
}

static void
run_flow(struct load *load, const struct orders *o, struct report *report)
{
	struct crew *crew = xcalloc(1, sizeof *crew);
	bool quiet = strcmp(report->mode, "latency") == 0;
	unsigned flows = quiet ? 0 : load->threads;

	if (quiet && load->probe_hz == 0)
		load->probe_hz = PROBE_HZ;
	prepare_gate(load, flows + (load->probe_hz > 0));
	for (unsigned i = 0; i < flows; i++) {
		crew->flows[i] =
		    (struct flow_worker){ .load = load, .index = i };
		spawn(crew, flow_run, &crew->flows[i]);
	}
	spawn_probe(load, crew);
	open_gate(load);
	watch_window(load, o, report);
	join_all(load, crew);
	for (unsigned i = 0; i < flows; i++)
		report_add_flow(report, &crew->flows[i]);
	report->probe = crew->probe;
	report->has_flow = !quiet;
	free(crew);
}

static void
wait_for_end_of_input(const struct load *load)
{
	char bytes[256];

	printf("{\"event\":\"ready\",\"clients\":%u}\n", load->clients);
	fflush(stdout);
	while (read(STDIN_FILENO, bytes, sizeof bytes) > 0)
		continue;
}

static void
run_crowd(struct load *load, const struct orders *o, enum crowd_kind kind,
    struct report *report)
{
	struct crew *crew = xcalloc(1, sizeof *crew);
	struct usage from, to;

	if (kind != CROWD_STORM)
		load->probe_hz = 0;
	else if (load->probe_hz == 0)
		load->probe_hz = PROBE_HZ;
	prepare_gate(load, load->threads + (load->probe_hz > 0));
	for (unsigned i = 0; i < load->threads; i++) {
		crew->crowds[i] = (struct crowd_worker){ .load = load,
			.kind = kind,
			.index = i,
			.stop = &crew->stop };
		spawn(crew, crowd_run, &crew->crowds[i]);
	}
	spawn_probe(load, crew);
	take(&from, o);
	open_gate(load);
	if (kind == CROWD_STORM)
		watch_window(load, o, report);
	if (kind == CROWD_HOLD)
		wait_for_end_of_input(load);
	atomic_store(&crew->stop, true);
	join_all(load, crew);
	if (kind != CROWD_STORM) {
		uint64_t end_us = load_run_now_ns() / 1000;

		sleep_until(load_run_now_ns() + SETTLE_NS);
		take(&to, o);
		to.at_us = end_us; /* the wait counts for the relay only */
		report->usage = usage_between(&from, &to);
	}
	for (unsigned i = 0; i < load->threads; i++)
		report_add_crowd(report, &crew->crowds[i]);
	report->probe = crew->probe;
	report->has_crowd = true;
	free(crew);
}
