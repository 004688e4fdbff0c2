/* Who got in: every source, with every fault, by every outage policy, after it
 * was good. One table, which is printed; an unknown key gets in only where an
 * absence admits everybody and the source is absent. */
#include "unit/verify/world.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- the table */

static struct cell
who_gets_in(struct world *w)
{
	return (struct cell){
		.member =
		    engine_check(w->verify, MEMBER).verdict == VERIFY_ALLOW,
		.unknown =
		    engine_check(w->verify, UNKNOWN).verdict == VERIFY_ALLOW,
	};
}

static void
print_row(const struct world *w, const char *fault, struct cell cell)
{
	printf("%-17s %-24s %-16s %s\n", w->source->name, fault,
	    outages[w->outage].name,
	    cell.unknown && cell.member ? "everybody"
		: cell.unknown          ? "UNKNOWN"
		: cell.member           ? "member"
					: "nobody");
}

/* Whether it is not there, as `open` means it. */
static bool
is_absent(const struct world *w, const struct fault *fault)
{
	return fault->absent ||
	    (strcmp(fault->name, "redirect in a circle") == 0 &&
		strcmp(w->source->kind, "url") == 0);
}

/* Whether a member gets in while that source has that fault. */
static bool
member_stays(const struct world *w, const struct fault *fault)
{
	/* a list that became empty is doubted */
	if (w->source->place == IN_FILE && strcmp(fault->name, "empty") == 0)
		return true;
	switch (outages[w->outage].outage) {
	case VERIFY_OUTAGE_LAST_GOOD:
		return true;
	case VERIFY_OUTAGE_OPEN:
		/* a set that is in memory stays */
		return is_absent(w, fault) || !w->source->asks;
	case VERIFY_OUTAGE_DEFAULT:
	case VERIFY_OUTAGE_CLOSED:
		break;
	}
	return false;
}

static void
check_cell(struct world *w, const struct fault *fault)
{
	const bool open = outages[w->outage].outage == VERIFY_OUTAGE_OPEN;

	print_row(w, fault->name, w->cell);
	if (w->cell.unknown != (open && is_absent(w, fault)))
		fail_msg("%s, %s, %s: unknown: %d", w->source->name,
		    fault->name, outages[w->outage].name, w->cell.unknown);
	if (w->cell.member != member_stays(w, fault))
		fail_msg("%s, %s, %s: member: %d", w->source->name, fault->name,
		    outages[w->outage].name, w->cell.member);
}

static bool
has_outage(const struct source *s, size_t outage)
{
	const struct verify_source_kind *kind = NULL;

	for (size_t i = 0; (kind = verify_kinds_get(i)) != NULL &&
	     strcmp(kind->name, s->kind) != 0;)
		i++;
	assert_non_null(kind);
	return outages[outage].outage != VERIFY_OUTAGE_OPEN ||
	    kind->can_fail_open;
}

/* A source that is good and has its list in memory, if it lists. */
static struct world *
new_world(const struct source *s, size_t outage, uint64_t ask_ms)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->source = s;
	w->outage = outage;
	prepare(w);
	begin(w, ask_ms, NULL);
	await_good(w);
	return w;
}

static void
free_world(struct world *w)
{
	end(w);
	free(w);
}

static void *
find_out(void *ctx)
{
	struct world *w = ctx;

	w->cell = who_gets_in(w);
	end(w);
	return NULL;
}

/* Worlds that are good, and the fault that each is to have. */
struct worlds {
	struct world *v[SOURCES * FAULTS * OUTAGES];
	const struct fault *faults[SOURCES * FAULTS * OUTAGES];
	size_t count;
};

static void
add_world(struct worlds *all, struct world *w, const struct fault *fault)
{
	all->v[all->count] = w;
	all->faults[all->count++] = fault;
}

/* All have their faults at the same time, as each takes its time. */
static void
break_all(struct worlds *all)
{
	for (size_t i = 0; i < all->count; i++)
		check(break_it(all->v[i], all->faults[i]));
	for (size_t i = 0; i < all->count; i++)
		await_fault(all->v[i]);
	for (size_t i = 0; i < all->count; i++)
		check_int(pthread_create(
			      &all->v[i]->thread, NULL, find_out, all->v[i]),
		    0);
	for (size_t i = 0; i < all->count; i++)
		pthread_join(all->v[i]->thread, NULL);
	for (size_t i = 0; i < all->count; i++) {
		check_cell(all->v[i], all->faults[i]);
		free(all->v[i]);
	}
}

static void
who_got_in_by_a_fault(void **state)
{
	(void)state;
	for (size_t s = 0; s < SOURCES; s++)
		for (size_t o = 0; o < OUTAGES; o++) {
			struct worlds all = { .count = 0 };

			for (size_t f = 0; f < FAULTS; f++)
				if (!faults[f].slow &&
				    has_outage(&sources[s], o) &&
				    has_fault(&sources[s], &faults[f]))
					add_world(&all,
					    new_world(
						&sources[s], o, ENGINE_WAIT_MS),
					    &faults[f]);
			break_all(&all);
		}
}

static void
who_got_in_by_a_slow_fault(void **state)
{
	struct worlds all = { .count = 0 };

	(void)state;
	for (size_t s = 0; s < SOURCES; s++)
		for (size_t f = 0; f < FAULTS; f++)
			for (size_t o = 0; o < OUTAGES; o++)
				if (faults[f].slow &&
				    has_outage(&sources[s], o) &&
				    has_fault(&sources[s], &faults[f]))
					add_world(&all,
					    new_world(&sources[s], o, SLOW_MS),
					    &faults[f]);
	break_all(&all);
}

/* ---- clocks */

/* The wall clock jumps while the source is good, and while it is away. What is
 * asked is remembered by that clock, what is listed by one that never jumps. */
static void
who_got_in_when_the_clock_jumps(void **state)
{
	static const struct {
		const char *name, *away;
		int64_t s;
	} jumps[] = {
		{ "clock forward", "closes, clock forward", JUMP_S },
		{ "clock back", "closes, clock back", -JUMP_S },
	};

	(void)state;
	for (size_t s = 0; s < SOURCES; s++)
		for (size_t j = 0; j < 2; j++)
			for (size_t o = 0; o < OUTAGES; o++) {
				struct fault fault = faults[0];
				struct world *w;
				bool stays;

				if (!has_outage(&sources[s], o) ||
				    is_another_way(&sources[s]))
					continue;
				engine_s = 2 * JUMP_S;
				w = new_world(&sources[s], o, ENGINE_WAIT_MS);
				engine_s += jumps[j].s;
				w->cell = who_gets_in(w);
				print_row(w, jumps[j].name, w->cell);
				check(w->cell.member && !w->cell.unknown);
				engine_s = 2 * JUMP_S;
				check_int(
				    engine_check(w->verify, MEMBER).verdict,
				    VERIFY_ALLOW);
				check(break_it(w, &faults[0]));
				await_fault(w);
				engine_s += jumps[j].s;
				w->cell = who_gets_in(w);
				fault.name = jumps[j].away;
				stays = member_stays(w, &fault) &&
				    (!w->source->asks ||
					outages[o].outage ==
					    VERIFY_OUTAGE_OPEN);
				print_row(w, fault.name, w->cell);
				check_int(w->cell.member, stays);
				check_int(w->cell.unknown,
				    outages[o].outage == VERIFY_OUTAGE_OPEN);
				free_world(w);
			}
	engine_s = 2 * JUMP_S;
}

/* ---- the last good file */

#define LAST_GOOD 2 /* of outages */

/* The file of the only source in the folder. */
static void
find_file(const char *folder, char path[static 512])
{
	DIR *dir = opendir(folder);
	struct dirent *one;

	assert_non_null(dir);
	path[0] = '\0';
	while ((one = readdir(dir)) != NULL)
		if (one->d_name[0] != '.')
			snprintf(path, 512, "%s/%s", folder, one->d_name);
	closedir(dir);
	check(path[0] != '\0');
}

static size_t
read_file(const char *path, char *to, size_t max)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(to, 1, max, f);
	fclose(f);
	return n;
}

static void
write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	check_size(fwrite(text, 1, n, f), n);
	check_int(fclose(f), 0);
}

/* What has happened to the file; whether the member is known by it. */
static const struct damage {
	const char *name;
	bool member;
} damages[] = {
	{ "kept", true },
	{ "killed while written", true }, /* what was begun lies beside it */
	{ "disk full", true },
	{ "cut off", false },
	{ "empty", false },
	{ "garbage", false },
	{ "gone", false },
	{ "of tomorrow", false },
};

static void
damage(const struct damage *d, const char *path, const char *text, size_t n)
{
	char beside[600];

	if (strcmp(d->name, "killed while written") == 0) {
		snprintf(beside, sizeof beside, "%s.tmp", path);
		write_file(beside, text, n / 2);
	} else if (strcmp(d->name, "cut off") == 0) {
		write_file(path, text, n / 2);
	} else if (strcmp(d->name, "empty") == 0) {
		write_file(path, "", 0);
	} else if (strcmp(d->name, "garbage") == 0) {
		write_file(path, "\x01\xff\n\n", 4);
	} else if (strcmp(d->name, "gone") == 0) {
		check_int(unlink(path), 0);
	}
}

static void
remove_folder(const char *folder)
{
	char command[256];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	check_int(system(command), 0);
}

/* No file may grow beyond that: what a full disk does. */
static void
limit_files(rlim_t max)
{
	struct rlimit limit;

	check_int(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = max;
	check_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A relay that starts again while its source is away. */
static void
start_again(const struct source *s, const struct damage *d, const char *folder)
{
	const bool full = strcmp(d->name, "disk full") == 0;
	struct world *w = calloc(1, sizeof *w);
	char path[512], text[4096], name[64];
	size_t n;

	assert_non_null(w);
	w->source = s;
	w->outage = LAST_GOOD;
	prepare(w);
	begin(w, ENGINE_WAIT_MS, folder);
	await_good(w);
	verify_free(w->verify); /* writes it */
	if (full) {             /* and once more, without room */
		limit_files(8);
		begin(w, ENGINE_WAIT_MS, folder);
		await_good(w);
		verify_free(w->verify);
		limit_files(RLIM_INFINITY);
	}
	find_file(folder, path);
	n = read_file(path, text, sizeof text);
	damage(d, path, text, n);
	check(break_it(w, &faults[0]));
	engine_s = 2 * JUMP_S;
	if (strcmp(d->name, "of tomorrow") == 0)
		engine_s -= 86400;
	begin(w, ENGINE_WAIT_MS, folder);
	if (!s->asks)
		await_fault(w);
	w->cell = who_gets_in(w);
	engine_s = 2 * JUMP_S;
	snprintf(name, sizeof name, "last good: %s", d->name);
	print_row(w, name, w->cell);
	check_int(w->cell.member, d->member);
	check(!w->cell.unknown);
	free_world(w);
}

/* A file that cannot be read at the start keeps the relay from starting: the
 * nodes are of every other kind. */
static void
who_got_in_by_the_last_good_file(void **state)
{
	char folder[128];

	(void)state;
	snprintf(folder, sizeof folder, "%s/last-good", engine_dir());
	signal(SIGXFSZ, SIG_IGN);
	for (size_t s = 0; s < SOURCES; s++)
		for (size_t d = 0; d < sizeof damages / sizeof damages[0];
		     d++) {
			/* a tailscaled is waited for at the start */
			if (sources[s].place == IN_FILE ||
			    is_another_way(&sources[s]) ||
			    (d > 0 && sources[s].place == ON_SOCKET))
				continue;
			check_int(mkdir(folder, 0700), 0);
			start_again(&sources[s], &damages[d], folder);
			remove_folder(folder);
		}
}

static int
set_up(void **state)
{
	static const char head[] = OK "[";

	(void)state;
	engine_s = 2 * JUMP_S;
	setenv("DERPKIT_TEST_KEY", "sekret", 1);
	huge = malloc(HUGE_BYTES);
	if (huge == NULL)
		return -1;
	memset(huge, ' ', HUGE_BYTES);
	memcpy(huge, head, strlen(head));
	return fetch_global_init();
}

static int
tear_down(void **state)
{
	(void)state;
	free(huge);
	remove_folder(engine_dir());
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_got_in_by_a_fault),
		cmocka_unit_test(who_got_in_by_a_slow_fault),
		cmocka_unit_test(who_got_in_when_the_clock_jumps),
		cmocka_unit_test(who_got_in_by_the_last_good_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
