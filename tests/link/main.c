/*
 * derp-link: a link between two network namespaces with a delay, a rate,
 * random loss and a drop-tail queue.
 *
 * Makes a TUN device at either end and carries packets between them; the
 * caller gives the devices addresses and routes. link.py does all of it.
 *
 * Prints {"event":"ready"} when both devices are there, counts for each line
 * "stats" on standard input, and ends when that ends.
 */
#include "opts.h"
#include "shaper.h"
#include "tun.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
#define PACKET_MAX 65536
#define READS_MAX 64 /* of one device in a turn */
/* it mostly sleeps, and a link does not wait for others */
#define PRIORITY 10
#define RATE_MAX_KBIT 100000000.0
#define QUEUE_MAX (INT64_C(1) << 30)

enum { EXIT_BAD_USAGE = 2, EXIT_NOT_PERMITTED = 3 };

struct way { /* one direction, as asked for */
	double rate_kbit, loss_percent;
	uint64_t delay_ms;
	int64_t queue_bytes;
};

struct settings {
	const char *near_ns, *near_dev, *far_ns, *far_dev;
	struct way to_far, to_near;
	int64_t seed;
};

struct end {
	int tun;
	struct shaper *out; /* of packets that enter the link here */
};

struct link {
	int poll, timer;
	struct end near, far;
};

static const char usage_text[] =
    "usage: derp-link -far-ns PATH [options]\n\n"
    "A link between two network namespaces; PATH is as /proc/PID/ns/net.\n"
    "Reads \"stats\" lines from standard input; ends with it.\n\nOptions:\n";

static int parse(struct settings *settings, int argc, char **argv);
static int check_way(const struct way *way, const char *name);
static int link_open(
    struct link *l, const struct settings *settings, struct fail *why);
static void prefer(void);
static void link_run(struct link *l);
static void link_close(struct link *l);

int
main(int argc, char **argv)
{
	struct settings settings = {
		.near_ns = "/proc/self/ns/net",
		.near_dev = "near",
		.far_ns = "",
		.far_dev = "far",
		.to_far = { .queue_bytes = 65536 },
		.to_near = { .queue_bytes = 65536 },
		.seed = 1,
	};
	struct link l;
	struct fail why = { 0 };
	int status = parse(&settings, argc, argv);

	if (status != -1)
		return status;
	if (link_open(&l, &settings, &why) == -1) {
		fprintf(stderr, "derp-link: %s\n", why.text);
		status = EXIT_NOT_PERMITTED;
	} else {
		puts("{\"event\":\"ready\"}");
		fflush(stdout);
		prefer();
		link_run(&l);
		status = 0;
	}
	link_close(&l);
	return status;
}

/* -1 to go on, else the exit status. */
static int
parse(struct settings *s, int argc, char **argv)
{
	const struct opts_option table[] = {
		{ "near-ns", OPTS_TEXT, &s->near_ns, "path",
		    "network namespace of the near end" },
		{ "near-dev", OPTS_TEXT, &s->near_dev, "name",
		    "device at the near end" },
		{ "far-ns", OPTS_TEXT, &s->far_ns, "path",
		    "network namespace of the far end" },
		{ "far-dev", OPTS_TEXT, &s->far_dev, "name",
		    "device at the far end" },
		{ "to-far-delay", OPTS_DURATION, &s->to_far.delay_ms, "time",
		    "one-way delay of packets to the far end" },
		{ "to-far-rate", OPTS_FLOAT, &s->to_far.rate_kbit, "kbit/s",
		    "rate to the far end (0: unlimited)" },
		{ "to-far-loss", OPTS_FLOAT, &s->to_far.loss_percent, "percent",
		    "packets to the far end that are lost" },
		{ "to-far-queue", OPTS_INT, &s->to_far.queue_bytes, "bytes",
		    "bytes that may wait to be sent to the far end" },
		{ "to-near-delay", OPTS_DURATION, &s->to_near.delay_ms, "time",
		    "one-way delay of packets to the near end" },
		{ "to-near-rate", OPTS_FLOAT, &s->to_near.rate_kbit, "kbit/s",
		    "rate to the near end (0: unlimited)" },
		{ "to-near-loss", OPTS_FLOAT, &s->to_near.loss_percent,
		    "percent", "packets to the near end that are lost" },
		{ "to-near-queue", OPTS_INT, &s->to_near.queue_bytes, "bytes",
		    "bytes that may wait to be sent to the near end" },
		{ "seed", OPTS_INT, &s->seed, "number", "of the losses" },
	};
	struct opts opts = { .table = table,
		.count = sizeof table / sizeof *table };
	struct fail why = { 0 };
	enum opts_result result = opts_parse(&opts, argc, argv, &why);

	if (result == OPTS_HELP) {
		fputs(usage_text, stdout);
		opts_print(&opts, stdout);
		return 0;
	}
	if (result == OPTS_BAD)
		fprintf(stderr, "derp-link: %s\n", why.text);
	else if (opts.word_count > 0 || s->far_ns[0] == '\0')
		fputs("derp-link: want -far-ns and nothing but options\n",
		    stderr);
	else if (check_way(&s->to_far, "to-far") == 0 &&
	    check_way(&s->to_near, "to-near") == 0)
		return -1;
	return EXIT_BAD_USAGE;
}

static int
check_way(const struct way *way, const char *name)
{
	const char *wrong = NULL;

	/* written so that NaN is wrong */
	if (!(way->rate_kbit >= 0 && way->rate_kbit <= RATE_MAX_KBIT))
		wrong = "rate";
	else if (!(way->loss_percent >= 0 && way->loss_percent <= 100))
		wrong = "loss";
	else if (way->queue_bytes < 0 || way->queue_bytes > QUEUE_MAX)
		wrong = "queue";
	if (wrong == NULL)
		return 0;
	fprintf(stderr, "derp-link: -%s-%s is out of range\n", name, wrong);
	return -1;
}

static struct shaper *
make_shaper(const struct way *way, uint64_t seed)
{
	struct shaper_config config = {
		.delay_ns = way->delay_ms * NS_PER_MS,
		.rate_bit_per_s = (uint64_t)(way->rate_kbit * 1000),
		.queue_bytes = (uint64_t)way->queue_bytes,
		.loss_ppm = (uint32_t)(way->loss_percent * SHAPER_PPM / 100),
		.seed = seed,
	};

	return shaper_new(&config);
}

static int
watch(struct link *l, int fd, struct fail *why)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(l->poll, EPOLL_CTL_ADD, fd, &event) == -1)
		return fail_errno(why, "epoll_ctl");
	return 0;
}

/* To be closed also on failure. */
static int
link_open(struct link *l, const struct settings *s, struct fail *why)
{
	uint64_t seed = (uint64_t)s->seed * 2;

	*l = (struct link){
		.poll = epoll_create1(EPOLL_CLOEXEC),
		.timer =
		    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
		.near = { -1, make_shaper(&s->to_far, seed) },
		.far = { -1, make_shaper(&s->to_near, seed + 1) },
	};
	if (l->poll == -1 || l->timer == -1)
		return fail_errno(why, "epoll or timerfd");
	/* the near end first: its path may be that of this process */
	l->near.tun = tun_open(s->near_ns, s->near_dev, why);
	if (l->near.tun == -1)
		return -1;
	l->far.tun = tun_open(s->far_ns, s->far_dev, why);
	if (l->far.tun == -1)
		return -1;
	if (watch(l, l->near.tun, why) == -1 ||
	    watch(l, l->far.tun, why) == -1 || watch(l, l->timer, why) == -1 ||
	    watch(l, STDIN_FILENO, why) == -1)
		return -1;
	return 0;
}

static void
close_fd(int fd)
{
	if (fd != -1)
		close(fd);
}

static void
link_close(struct link *l)
{
	close_fd(l->near.tun);
	close_fd(l->far.tun);
	close_fd(l->timer);
	close_fd(l->poll);
	shaper_free(l->near.out);
	shaper_free(l->far.out);
}

/* Realtime priority where it is permitted; else the link is as punctual as the
 * machine is idle. */
static void
prefer(void)
{
	struct sched_param param = { .sched_priority = PRIORITY };

	(void)sched_setscheduler(0, SCHED_FIFO, &param);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Packets that enter here. */
static void
receive(struct end *end)
{
	uint8_t packet[PACKET_MAX];
	ssize_t n;

	for (int i = 0; i < READS_MAX; i++) {
		n = read(end->tun, packet, sizeof packet);
		if (n <= 0)
			return;
		shaper_offer(end->out, slice_of(packet, (size_t)n), now_ns());
	}
}

/* Packets that have crossed the link; a device that is down loses them, as a
 * real one would. */
static void
deliver(struct end *from, struct end *to)
{
	struct slice packet;
	ssize_t n;

	while (shaper_take(from->out, now_ns(), &packet)) {
		do
			n = write(to->tun, packet.p, packet.n);
		while (n == -1 && errno == EINTR);
	}
}

/* Wakes the loop when the next packet has crossed. */
static void
set_timer(struct link *l)
{
	uint64_t a = shaper_due_ns(l->near.out);
	uint64_t b = shaper_due_ns(l->far.out);
	uint64_t due = a < b ? a : b;
	struct itimerspec at = { 0 };

	if (due != SHAPER_NEVER) {
		at.it_value.tv_sec = (time_t)(due / NS_PER_S);
		at.it_value.tv_nsec = (long)(due % NS_PER_S);
	}
	(void)timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
print_counts(const char *name, const struct shaper *s, const char *end)
{
	const struct shaper_counts *c = shaper_counts(s);

	printf("\"%s\":{\"offered\":%" PRIu64 ",\"delivered\":%" PRIu64
	       ",\"lost\":%" PRIu64 ",\"dropped\":%" PRIu64
	       ",\"bytes\":%" PRIu64 "}%s",
	    name, c->offered, c->delivered, c->lost, c->dropped, c->bytes, end);
}

/* Answers what has come on standard input, one line at a time, as the caller
 * waits for each answer; false when it has ended. */
static bool
obey(struct link *l)
{
	char text[64];
	ssize_t n = read(STDIN_FILENO, text, sizeof text);

	if (n <= 0)
		return n == -1 && errno == EINTR;
	if (n != 6 || memcmp(text, "stats\n", 6) != 0) {
		puts("{\"event\":\"unknown command\"}");
	} else {
		printf("{\"event\":\"stats\",");
		print_counts("to_far", l->near.out, ",");
		print_counts("to_near", l->far.out, "}\n");
	}
	fflush(stdout);
	return true;
}

static void
link_run(struct link *l)
{
	struct epoll_event events[4];
	uint64_t expirations;
	bool go_on = true;
	int n;

	while (go_on) {
		n = epoll_wait(l->poll, events, 4, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == l->near.tun)
				receive(&l->near);
			else if (events[i].data.fd == l->far.tun)
				receive(&l->far);
			else if (events[i].data.fd == STDIN_FILENO)
				go_on = obey(l);
			else
				(void)!read(
				    l->timer, &expirations, sizeof expirations);
		}
		deliver(&l->near, &l->far);
		deliver(&l->far, &l->near);
		set_timer(l);
	}
}
