/*
 * scripted: sources of the engine that list and answer as the test wants.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_SCRIPTED_H
#define DERPKIT_TEST_SCRIPTED_H

#include "unit/verify/engine.h"

#include "verify_feed.h"
#include "verify_sources.h"

/* What the scripted sources say. */
struct script {
	pthread_mutex_t lock;
	unsigned first, last;      /* keys that are listed and allowed */
	enum verify_listed listed; /* LISTED, AWAY, BAD */
	enum verify_fault fault;   /* of answers; NONE: they are given */
	unsigned slow_ms;          /* a list takes */
	unsigned again_ms;         /* until the next; 0: as configured */
	bool once;                 /* one answer, and then it is away */
	bool held;                 /* lists wait until they are let through */
	unsigned let;              /* so many of them */
	_Atomic unsigned lists, asks;
	_Atomic unsigned concurrent, concurrent_max; /* asks at once */
};

static struct script script = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline void
say(unsigned first, unsigned last, enum verify_listed listed,
    enum verify_fault fault)
{
	pthread_mutex_lock(&script.lock);
	script.first = first;
	script.last = last;
	script.listed = listed;
	script.fault = fault;
	script.once = false;
	pthread_mutex_unlock(&script.lock);
}

/* Lists that begin from here on say nothing before they are let through. */
static inline void
hold_lists(void)
{
	pthread_mutex_lock(&script.lock);
	script.held = true;
	script.let = 0;
	pthread_mutex_unlock(&script.lock);
}

static inline void
let_one_list(void)
{
	pthread_mutex_lock(&script.lock);
	script.let++;
	pthread_mutex_unlock(&script.lock);
}

static inline void
let_all_lists(void)
{
	pthread_mutex_lock(&script.lock);
	script.held = false;
	pthread_mutex_unlock(&script.lock);
}

static inline enum verify_listed
list(struct verify_source *s, struct verify_listing *listing, struct fail *why)
{
	enum verify_listed listed;
	unsigned slow_ms;

	(void)s;
	script.lists++;
	pthread_mutex_lock(&script.lock);
	while (script.held && script.let == 0 && !atomic_load(listing->stop)) {
		pthread_mutex_unlock(&script.lock);
		usleep(1000);
		pthread_mutex_lock(&script.lock);
	}
	script.let -= script.held && script.let > 0;
	slow_ms = script.slow_ms;
	listed = script.listed;
	listing->again_ms = script.again_ms;
	for (unsigned n = script.first;
	     listed == VERIFY_LISTED && n <= script.last; n++)
		verify_set_add(listing->set,
		    &(struct verify_set_node){ .key = engine_key(n),
			.name = "n",
			.expires_s = VERIFY_SET_NEVER },
		    why);
	pthread_mutex_unlock(&script.lock);
	usleep(slow_ms * 1000);
	if (listed != VERIFY_LISTED)
		fail_set(why, "scripted");
	return listed;
}

static inline void
answer_key(struct verify_source *s, const struct verify_question *q,
    struct verify_answer *answer)
{
	const unsigned n = bytes_get_u32(q->key->b + 28);
	const unsigned now = ++script.concurrent;

	script.asks++;
	if (now > script.concurrent_max)
		script.concurrent_max = now;
	pthread_mutex_lock(&script.lock);
	if (script.fault != VERIFY_FAULT_NONE)
		verify_answer_set_fault(answer, script.fault, "scripted");
	else if (s->reads_client && q->client == NULL)
		verify_answer_set(answer, VERIFY_DENY, "no address");
	else
		verify_answer_set(answer,
		    n >= script.first && n <= script.last ? VERIFY_ALLOW
							  : VERIFY_DENY,
		    "asked");
	if (script.once)
		script.fault = VERIFY_FAULT_AWAY;
	pthread_mutex_unlock(&script.lock);
	script.concurrent--;
}

static inline void
close_source(struct verify_source *s)
{
	free(s);
}

/* The argument says what it can: l lists, a is asked, c for clients whose
 * address is known. */
static inline struct verify_source *
open_source(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	static const struct verify_source_ops list_ops = { .list = list,
		.close = close_source };
	static const struct verify_source_ops ask_ops = { .ask = answer_key,
		.close = close_source };
	static const struct verify_source_ops both_ops = {
		.list = list, .ask = answer_key, .close = close_source
	};
	struct verify_source *s = calloc(1, sizeof *s);
	const bool asks = strchr(config->argument, 'a') != NULL;
	const bool lists = strchr(config->argument, 'l') != NULL;

	(void)context;
	(void)why;
	assert_non_null(s);
	s->ops = asks && lists ? &both_ops : asks ? &ask_ops : &list_ops;
	s->blocks = true;
	s->list_on_miss = !asks;
	s->reads_client = strchr(config->argument, 'c') != NULL;
	return s;
}

static const struct verify_source_kind scripted_kind = {
	.name = "scripted", .can_fail_open = true, .open = open_source
};

static inline struct verify_source_config *
add(struct verify_config *config, const char *argument)
{
	struct verify_source_config *row =
	    &config->sources[config->source_count++];

	*row = (struct verify_source_config){ .kind = &scripted_kind,
		.argument = argument,
		.refresh_ms = 3600000 };
	return row;
}

static inline struct verify *
new_ready(const struct verify_config *config)
{
	struct verify *v;

	script.lists = script.asks = script.concurrent_max = 0;
	v = engine_new(config);
	check(verify_sources_wait_ready(verify_get_sources(v), ENGINE_WAIT_MS));
	return v;
}

#endif
