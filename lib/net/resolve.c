/* resolve: see resolve.h. */
#include "resolve.h"

#include "clock.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A question, shared by who asks and the thread that asks the resolver; the
 * last of the two frees it. */
struct question {
	char name[RESOLVE_NAME_MAX + 1]; /* immutable */
	struct resolve_share *share;     /* immutable; borrowed */
	pthread_mutex_t lock;
	pthread_cond_t answered;
	/* locked by lock */
	unsigned holders;
	bool done;
	int error; /* of getaddrinfo */
	struct resolve_answer answer;
};

/* threads that wait for the resolver */
static struct resolve_share everybody = { .max = RESOLVE_PENDING_MAX };

static bool
enter(struct resolve_share *share)
{
	if (atomic_fetch_add(&share->pending, 1) < share->max)
		return true;
	atomic_fetch_sub(&share->pending, 1);
	return false;
}

static void
leave(struct resolve_share *share)
{
	atomic_fetch_sub(&share->pending, 1);
}

/* A place for one more thread, in all and of the share. */
static bool
enter_both(struct resolve_share *share)
{
	if (!enter(&everybody))
		return false;
	if (share == &everybody || enter(share))
		return true;
	leave(&everybody);
	return false;
}

static void
leave_both(struct resolve_share *share)
{
	if (share != &everybody)
		leave(share);
	leave(&everybody);
}

static struct question *
question_new(const char *name, struct resolve_share *share)
{
	struct question *q = calloc(1, sizeof *q);
	pthread_condattr_t attr;

	if (q == NULL)
		return NULL;
	snprintf(q->name, sizeof q->name, "%s", name);
	q->share = share;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->answered, &attr);
	pthread_condattr_destroy(&attr);
	q->holders = 1;
	return q;
}

static void
question_drop(struct question *q)
{
	bool is_last;

	pthread_mutex_lock(&q->lock);
	is_last = --q->holders == 0;
	pthread_mutex_unlock(&q->lock);
	if (!is_last)
		return;
	pthread_cond_destroy(&q->answered);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void
add(struct resolve_answer *answer, const struct addrinfo *from)
{
	struct sockaddr_storage s = { 0 };
	struct netaddr a;

	if (answer->n == RESOLVE_MAX || from->ai_addrlen > sizeof s)
		return;
	memcpy(&s, from->ai_addr, from->ai_addrlen);
	netaddr_from_sockaddr(&a, &s);
	if (!a.is_set)
		return;
	for (size_t i = 0; i < answer->n; i++)
		if (memcmp(answer->v[i].ip, a.ip, sizeof a.ip) == 0)
			return;
	answer->v[answer->n++] = a;
}

/* Blocks. Returns getaddrinfo's error. */
static int
look_up(const char *name, struct resolve_answer *answer)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	const int error = getaddrinfo(name, NULL, &hints, &list);

	*answer = (struct resolve_answer){ .n = 0 };
	if (error != 0)
		return error;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		add(answer, a);
	freeaddrinfo(list);
	return 0;
}

static void *
ask(void *arg)
{
	struct question *q = arg;
	struct resolve_share *share = q->share;
	struct resolve_answer answer;
	const int error = look_up(q->name, &answer);

	pthread_mutex_lock(&q->lock);
	q->error = error;
	q->answer = answer;
	q->done = true;
	pthread_cond_signal(&q->answered);
	pthread_mutex_unlock(&q->lock);
	question_drop(q);
	leave_both(share);
	return NULL;
}

/* Starts the thread, which holds the question then, too. -1: it cannot. */
static int
start(struct question *q)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	if (!enter_both(q->share))
		return -1;
	q->holders = 2; /* nobody else has seen it yet */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, ask, q);
	pthread_attr_destroy(&attr);
	if (error == 0)
		return 0;
	q->holders = 1;
	leave_both(q->share);
	return -1;
}

/* Whether the answer came until the deadline. */
static bool
await(struct question *q, uint64_t deadline_ms)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000,
	};
	bool done;

	pthread_mutex_lock(&q->lock);
	while (!q->done &&
	    pthread_cond_timedwait(&q->answered, &q->lock, &until) == 0)
		;
	done = q->done;
	pthread_mutex_unlock(&q->lock);
	return done;
}

static enum resolve_status
status_of(const struct question *q, struct fail *why)
{
	switch (q->error) {
	case 0:
		if (q->answer.n > 0)
			return RESOLVE_OK;
		fail_set(why, "%s: no address", q->name);
		return RESOLVE_NONE;
	case EAI_NONAME:
	case EAI_NODATA:
		fail_set(why, "%s: %s", q->name, gai_strerror(q->error));
		return RESOLVE_NONE;
	case EAI_MEMORY:
		fail_set(why, "%s: %s", q->name, gai_strerror(q->error));
		return RESOLVE_SHORTAGE;
	default:
		fail_set(why, "%s: %s", q->name, gai_strerror(q->error));
		return RESOLVE_FAILED;
	}
}

enum resolve_status
resolve_name(const char *name, uint64_t deadline_ms,
    struct resolve_answer *answer, struct fail *why)
{
	return resolve_name_within(&everybody, name, deadline_ms, answer, why);
}

enum resolve_status
resolve_name_within(struct resolve_share *share, const char *name,
    uint64_t deadline_ms, struct resolve_answer *answer, struct fail *why)
{
	enum resolve_status status = RESOLVE_TIMEOUT;
	struct question *q;

	*answer = (struct resolve_answer){ .n = 0 };
	if (netaddr_parse_ip(&answer->v[0], slice_str(name)) == 0) {
		answer->n = 1;
		return RESOLVE_OK;
	}
	if (name[0] == '\0' || strlen(name) > RESOLVE_NAME_MAX) {
		fail_set(why, "not a host name");
		return RESOLVE_NONE;
	}
	q = question_new(name, share);
	if (q == NULL || start(q) == -1) {
		if (q != NULL)
			question_drop(q);
		fail_set(why, "%s: memory or threads are short", name);
		return RESOLVE_SHORTAGE;
	}
	if (await(q, deadline_ms)) {
		status = status_of(q, why);
		*answer = q->answer;
	} else {
		fail_set(why, "%s: the resolver did not answer in time", name);
	}
	question_drop(q);
	return status;
}
