/*
 * engine: what the tests of the engine and its sources share: keys, injected
 * clocks, notices, and asking with a time limit.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_ENGINE_H
#define DERPKIT_TEST_ENGINE_H

#include "check.h"
#include "clock.h"
#include "verify.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ENGINE_WAIT_MS 20000 /* nothing that works takes as long */

/* Injected clocks. */
static _Atomic uint64_t engine_ms = 1000;
static _Atomic int64_t engine_s = 1000;

static inline uint64_t
engine_now_ms(void)
{
	return engine_ms;
}

static inline int64_t
engine_wall_s(void)
{
	return engine_s;
}

/* The n-th key, and its text. */
static inline struct derp_key
engine_key(unsigned n)
{
	struct derp_key key = { { 0x11 } };

	bytes_put_u32(key.b + 28, n);
	return key;
}

static inline const char *
engine_key_text(unsigned n)
{
	static _Thread_local char text[DERP_KEY_TEXT];
	const struct derp_key key = engine_key(n);

	derp_key_format(&key, text);
	return text;
}

/* Answers that come later. */
struct engine_answers {
	pthread_mutex_t lock;
	pthread_cond_t came;
	unsigned count;
	unsigned allowed; /* how many of them */
	struct verify_answer last;
};

#define ENGINE_ANSWERS                             \
	{                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, \
		.came = PTHREAD_COND_INITIALIZER   \
	}

static inline void
engine_done(void *ctx, const struct verify_answer *answer)
{
	struct engine_answers *a = ctx;

	pthread_mutex_lock(&a->lock);
	a->count++;
	a->allowed += answer->verdict == VERIFY_ALLOW;
	a->last = *answer;
	pthread_cond_broadcast(&a->came);
	pthread_mutex_unlock(&a->lock);
}

static inline void
engine_await(struct engine_answers *a, unsigned count)
{
	struct timespec until;
	unsigned came;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ENGINE_WAIT_MS / 1000;
	pthread_mutex_lock(&a->lock);
	while (a->count < count &&
	    pthread_cond_timedwait(&a->came, &a->lock, &until) == 0)
		continue;
	came = a->count;
	pthread_mutex_unlock(&a->lock);
	if (came < count)
		fail_msg("%u of %u answers", came, count);
}

/* Notices, joined, and a wait for one that holds a text. */
struct engine_notices {
	pthread_mutex_t lock;
	char text[8192];
};

#define ENGINE_NOTICES                            \
	{                                         \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}

static inline void
engine_notice(void *ctx, const char *text)
{
	struct engine_notices *n = ctx;
	size_t at;

	pthread_mutex_lock(&n->lock);
	at = strlen(n->text);
	snprintf(n->text + at, sizeof n->text - at, "%s\n", text);
	pthread_mutex_unlock(&n->lock);
}

/* Waits for it and forgets all notices so far; fails when it does not come. */
static inline void
engine_await_notice(struct engine_notices *n, const char *part)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;

	for (;;) {
		bool came;

		pthread_mutex_lock(&n->lock);
		came = strstr(n->text, part) != NULL;
		if (came)
			n->text[0] = '\0';
		else if (clock_now_ms() > until_ms)
			fail_msg("no \"%s\" in:\n%s", part, n->text);
		pthread_mutex_unlock(&n->lock);
		if (came)
			return;
		usleep(5000);
	}
}

/* Adds a source to the config; the row is for further settings. */
static inline struct verify_source_config *
engine_add(struct verify_config *config, const char *kind, const char *argument)
{
	struct fail why = { 0 };
	struct verify_source_config *row =
	    verify_config_add(config, kind, argument, &why);

	if (row == NULL)
		fail_msg("%s", why.text);
	return row;
}

static inline struct verify *
engine_new(const struct verify_config *config)
{
	struct fail why = { 0 };
	struct verify *v = verify_new(config, &why);

	if (v == NULL)
		fail_msg("%s", why.text);
	return v;
}

/* Asks about the n-th key and waits. */
static inline struct verify_answer
engine_check(struct verify *v, unsigned n)
{
	const struct derp_key key = engine_key(n);
	struct verify_answer answer;

	verify_check(v, &key, NULL, &answer);
	return answer;
}

/* A folder of its own for the test; static memory. */
static inline const char *
engine_dir(void)
{
	static char dir[64];

	if (dir[0] == '\0') {
		snprintf(dir, sizeof dir, "/tmp/derpkit-verify-XXXXXX");
		assert_non_null(mkdtemp(dir));
	}
	return dir;
}

/* Removes the folder and the files whose names are given, NULL at the end. */
static inline int
engine_remove(const char *const *names)
{
	char path[256];

	for (; *names != NULL; names++) {
		snprintf(path, sizeof path, "%s/%s", engine_dir(), *names);
		unlink(path);
	}
	return rmdir(engine_dir());
}

#endif
