/* Unit tests of verify/engine/verify_revoke, through the engine and node lists:
 * who is told to disconnect which keys. */
#include "unit/verify/engine.h"

#define LOOK_MS 30

/* Whoever holds connections. */
struct holder {
	pthread_mutex_t lock;
	unsigned connected; /* keys 1..connected are */
	unsigned failures;  /* that are left before it has memory */
	unsigned told;      /* calls that succeeded */
	char last_key[DERP_KEY_TEXT], last_name[64], last_reason[256];
};

#define HOLDER(n)                                                   \
	{                                                           \
		.lock = PTHREAD_MUTEX_INITIALIZER, .connected = (n) \
	}

static bool
is_connected(void *ctx, const struct derp_key *key)
{
	struct holder *h = ctx;
	bool found = false;

	pthread_mutex_lock(&h->lock);
	for (unsigned n = 1; n <= h->connected; n++) {
		const struct derp_key one = engine_key(n);

		found = found || memcmp(one.b, key->b, sizeof one.b) == 0;
	}
	pthread_mutex_unlock(&h->lock);
	return found;
}

static int
revoked(
    void *ctx, const struct derp_key *key, const char *name, const char *reason)
{
	struct holder *h = ctx;
	int rc = -1;

	pthread_mutex_lock(&h->lock);
	if (h->failures > 0) {
		h->failures--;
	} else {
		h->told++;
		derp_key_format(key, h->last_key);
		snprintf(h->last_name, sizeof h->last_name, "%s", name);
		snprintf(h->last_reason, sizeof h->last_reason, "%s", reason);
		rc = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

static unsigned
told(struct holder *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->told;
	pthread_mutex_unlock(&h->lock);
	return n;
}

static const char *
path_of(const char *name)
{
	static _Thread_local char path[128];

	snprintf(path, sizeof path, "%s/%s", engine_dir(), name);
	return path;
}

/* A list of the keys first..first+count-1, put in place at once. */
static void
put_keys(const char *name, unsigned first, unsigned count)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof path, "%s.new", path_of(name));
	f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned n = first; n < first + count; n++)
		fprintf(f, "%s node-%u\n", engine_key_text(n), n);
	check_int(fclose(f), 0);
	check_int(rename(path, path_of(name)), 0);
}

struct fixture {
	struct engine_notices notices;
	struct verify_config config;
	char paths[2][128];
};

static struct verify *
new_engine(struct fixture *f, struct holder *h, unsigned lists)
{
	static const char *const names[] = { "nodes", "again" };

	*f = (struct fixture){ .notices = ENGINE_NOTICES,
		.config = { .watch = { is_connected, revoked, h, NULL },
		    .policy = VERIFY_POLICY_ANY,
		    .context.notice = engine_notice,
		    .context.wall_s = engine_wall_s,
		    .context.refresh_ms = LOOK_MS } };
	f->config.context.notice_ctx = &f->notices;
	for (unsigned i = 0; i < lists; i++) {
		snprintf(
		    f->paths[i], sizeof f->paths[i], "%s", path_of(names[i]));
		engine_add(&f->config, "nodes", f->paths[i]);
	}
	return engine_new(&f->config);
}

static void
await_told(struct holder *h, unsigned count)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;

	while (told(h) < count) {
		check(clock_now_ms() < until_ms);
		usleep(2000);
	}
}

static void
revoke_tells_of_deleted_keys(void **state)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;
	struct holder h = HOLDER(2);
	struct fixture f;
	struct verify_counters counters;
	struct verify *v;

	(void)state;
	put_keys("nodes", 1, 4);
	v = new_engine(&f, &h, 1);
	put_keys("nodes", 2, 2); /* without 1, and 4, which is not connected */
	await_told(&h, 1);
	check_text(h.last_key, engine_key_text(1));
	check_text(h.last_name, "node-1");
	check_contains(h.last_reason, "not authorized (not in node list");
	put_keys("nodes", 3, 1);
	await_told(&h, 2);
	check_text(h.last_key, engine_key_text(2));
	do { /* it is counted when it has been told */
		check(clock_now_ms() < until_ms);
		verify_get_counters(v, &counters);
	} while (counters.revoked < 2);
	check_size(counters.revoked, 2);
	verify_free(v);
}

static void
revoke_tells_of_expired_keys(void **state)
{
	struct holder h = HOLDER(1);
	struct fixture f;
	struct verify *v;
	FILE *file;

	(void)state;
	file = fopen(path_of("nodes"), "w");
	assert_non_null(file);
	fprintf(file,
	    "[{\"node_key\":\"%s\",\"name\":\"a\",\"expiry\":{\"seconds\":%d}}"
	    "]",
	    engine_key_text(1), 2000);
	check_int(fclose(file), 0);
	engine_s = 1999;
	v = new_engine(&f, &h, 1);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	usleep(5 * LOOK_MS * 1000);
	check_int(told(&h), 0);
	engine_s = 2000;
	await_told(&h, 1);
	check_contains(h.last_reason, "a expired 1970-01-01T00:33:20Z");
	usleep(5 * LOOK_MS * 1000);
	check_int(told(&h), 1); /* once */
	verify_free(v);
}

static void
revoke_asks_the_other_sources(void **state)
{
	struct holder h = HOLDER(2);
	struct fixture f;
	struct verify *v;

	(void)state;
	put_keys("nodes", 1, 3);
	put_keys("again", 1, 1);
	v = new_engine(&f, &h, 2);
	put_keys("nodes", 3, 1);
	await_told(&h, 1); /* of 2 only */
	check_text(h.last_key, engine_key_text(2));
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	put_keys("again", 3, 1);
	await_told(&h, 2);
	check_text(h.last_key, engine_key_text(1));
	verify_free(v);
}

/* No key is forgotten because memory was short when its turn came. */
static void
revoke_waits_for_memory(void **state)
{
	struct holder h = HOLDER(3);
	struct fixture f;
	struct verify *v;

	(void)state;
	h.failures = 3;
	put_keys("nodes", 1, 4);
	v = new_engine(&f, &h, 1);
	put_keys("nodes", 4, 1);
	await_told(&h, 3);
	check_int(h.failures, 0);
	verify_free(v);
	/* nor does it hold up the end */
	h.failures = 1000000;
	put_keys("nodes", 1, 4);
	v = new_engine(&f, &h, 1);
	put_keys("nodes", 4, 1);
	usleep(5 * LOOK_MS * 1000);
	verify_free(v);
}

/* An answer that was overtaken by a change shows it. */
static void
revoke_counts_epochs(void **state)
{
	struct holder h = HOLDER(0);
	struct fixture f;
	struct verify_answer before;
	struct verify *v;

	(void)state;
	put_keys("nodes", 1, 3);
	v = new_engine(&f, &h, 1);
	before = engine_check(v, 1);
	check_size(before.epoch, verify_epoch(v));
	put_keys("nodes", 2, 2);
	engine_await_notice(&f.notices, "reloaded: 2 keys");
	for (unsigned i = 0; verify_epoch(v) == before.epoch; i++) {
		check(i < ENGINE_WAIT_MS);
		usleep(1000);
	}
	check_size(engine_check(v, 2).epoch, verify_epoch(v));
	verify_free(v);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "nodes", "again", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(revoke_tells_of_deleted_keys),
		cmocka_unit_test(revoke_tells_of_expired_keys),
		cmocka_unit_test(revoke_asks_the_other_sources),
		cmocka_unit_test(revoke_waits_for_memory),
		cmocka_unit_test(revoke_counts_epochs),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
