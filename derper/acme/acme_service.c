/* acme_service: see acme_service.h. */
#include "acme_service.h"

#include "acme_answers.h"
#include "acme_attempt.h"
#include "acme_config.h"
#include "acme_http.h"
#include "acme_memory.h"
#include "acme_plan.h"
#include "acme_proofs.h"
#include "cert.h"
#include "clock.h"
#include "filestamp.h"
#include "log.h"
#include "url_text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MS 2000 /* while another relay orders */

struct acme_service {
	/* immutable */
	const struct acme_config *config; /* borrowed */
	const struct acme_folder *folder; /* borrowed */
	struct acme_attempt attempt;      /* but for prefer */
	struct acme_counts *counts;       /* borrowed, atomic */
	struct url_text origin;           /* of the authority, for the log */
	struct acme_http http;
	pthread_t thread;
	bool has_thread;
	/* atomic */
	atomic_bool stop;
	/* locked by lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* stop or woken was set; monotonic clock */
	bool woken;
	/* the thread's own */
	struct acme_plan plan;
	struct filestamp seen[2];   /* certificate and key, as last read */
	bool looked;                /* at them */
	struct filestamp told;      /* HOST+retry, as last read or written */
	struct acme_issued unsaved; /* issued, but not written yet */
	uint64_t busy_ms; /* another relay orders: not to be tried before */
	bool told_busy;
};

/* A share of chance, 0 <= x < 1. */
static double
draw(void)
{
	return randombytes_uniform(1 << 20) / (double)(1 << 20);
}

/* ---- waiting */

static struct timespec
deadline_of(uint64_t ms)
{
	const uint64_t at_ms = clock_now_ms() + ms;

	return (struct timespec){ .tv_sec = (time_t)(at_ms / 1000),
		.tv_nsec = (long)(at_ms % 1000) * 1000000 };
}

/* Waits until it is time, told to end, or woken, if that matters. -1: told to
 * end. */
static int
sleep_for(struct acme_service *s, uint64_t ms, bool may_wake)
{
	const struct timespec at = deadline_of(ms);
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (rc != ETIMEDOUT && !atomic_load(&s->stop) &&
	    !(may_wake && s->woken))
		rc = pthread_cond_timedwait(&s->changed, &s->lock, &at);
	pthread_mutex_unlock(&s->lock);
	return atomic_load(&s->stop) ? -1 : 0;
}

/* struct acme_transport's. */
static int
transport_wait(void *ctx, uint64_t ms)
{
	return sleep_for(ctx, ms, false);
}

static int
transport_send(void *ctx, const char *url, const struct slice *post,
    struct acme_reply *reply, struct acme_error *error)
{
	struct acme_service *s = ctx;

	return acme_http_send(&s->http, url, post, reply, error);
}

/* ---- what there is */

static struct acme_now
now(void)
{
	return (struct acme_now){ .ms = clock_now_ms(), .s = clock_wall_s() };
}

/* How long nothing is tried, in seconds. */
static unsigned long long
wait_s(const struct acme_service *s)
{
	const uint64_t now_ms = clock_now_ms();

	if (s->plan.retry_ms <= now_ms)
		return 0;
	return (s->plan.retry_ms - now_ms + 999) / 1000;
}

/* Somebody wants it at once. */
static void
take_wake(struct acme_service *s)
{
	bool woken;

	pthread_mutex_lock(&s->lock);
	woken = s->woken;
	s->woken = false;
	pthread_mutex_unlock(&s->lock);
	if (woken && !acme_plan_woken(&s->plan, now()))
		log_warn("acme: %s is not asked before %llu s have passed, as "
			 "it wants it",
		    s->origin.text, wait_s(s));
}

/* The part of "in force" of a line about a failure. */
static const char *
format_present(const struct acme_plan *p, char text[static 96])
{
	char date[CERT_DATE_TEXT];

	if (!p->usable)
		snprintf(text, 96,
		    "there is no certificate: TLS clients are refused");
	else if (p->to_s <= clock_wall_s())
		snprintf(text, 96,
		    "the present one expired on %s: clients refuse it",
		    cert_format_date(p->to_s, date));
	else
		snprintf(text, 96, "the present one stays until %s",
		    cert_format_date(p->to_s, date));
	return text;
}

/* Whether a file can be read, or is not there: a shortage of ours says nothing
 * of it. */
static bool
can_tell(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd != -1)
		close(fd);
	return fd != -1 ||
	    (errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
		errno != EIO);
}

static void
read_present(struct acme_service *s)
{
	const char *cert = s->folder->cert;
	struct cert_info info;
	struct fail why = { 0 };

	acme_plan_missing(&s->plan, draw());
	if (access(cert, F_OK) == -1 && errno == ENOENT)
		return;
	if (cert_check_pair(cert, s->folder->key, s->config->name, &why) ==
		-1 ||
	    cert_load_info(&info, cert, &why) == -1) {
		log_warn("acme: %s cannot be used: %s; a new one is ordered",
		    cert, why.text);
		return;
	}
	if (info.self_signed) {
		log_warn("acme: %s is self-signed: one is ordered in its place",
		    cert);
		return;
	}
	acme_plan_found(&s->plan, info.not_before_s, info.not_after_s, draw());
}

/* Reads what is in the folder again when it has changed. */
static void
look(struct acme_service *s)
{
	const struct filestamp at[2] = { filestamp_of(s->folder->cert),
		filestamp_of(s->folder->key) };

	if (s->looked && filestamp_eq(&at[0], &s->seen[0]) &&
	    filestamp_eq(&at[1], &s->seen[1]))
		return;
	if (!can_tell(s->folder->cert) || !can_tell(s->folder->key))
		return;
	s->looked = true;
	memcpy(s->seen, at, sizeof at);
	read_present(s);
}

/* What another relay with this folder has met, or this one before it was
 * started again. */
static void
hear(struct acme_service *s)
{
	const struct filestamp at = filestamp_of(s->folder->retry);
	struct acme_note_retry note;

	if (filestamp_eq(&at, &s->told))
		return;
	s->told = at;
	if (acme_memory_retry(s->folder, &note) == 0 &&
	    acme_plan_heard(&s->plan, now(), &note))
		log_info("acme: an order for %s has failed before: the next "
			 "is not made before %llu s have passed",
		    s->config->name, wait_s(s));
}

/* ---- asking */

/* Asks the authority for its suggestion. */
static void
ask(struct acme_service *s)
{
	char from[CERT_DATE_TEXT], to[CERT_DATE_TEXT];
	struct acme_suggestion said;
	struct fail why = { 0 };
	const int rc = acme_attempt_ask(&s->attempt, &said, &why);

	if (rc == -1 && said.offered)
		log_info("acme: %s has not said when to renew: %s",
		    s->origin.text, why.text);
	if (acme_plan_asked(&s->plan, now(), rc == 0 ? &said.window : NULL,
		said.offered, said.retry_after_s))
		log_info("acme: %s suggests to renew between %s and %s",
		    s->origin.text, cert_format_date(said.window.from_s, from),
		    cert_format_date(said.window.to_s, to));
}

/* ---- ordering */

/* Tells the others, where it concerns them. */
static void
tell(struct acme_service *s)
{
	struct acme_note_retry note;
	struct fail why = { 0 };

	if (!acme_plan_tell(&s->plan, now(), &note))
		return;
	if (acme_memory_keep_retry(s->folder, &note, &why) == -1)
		log_warn("acme: %s", why.text);
	s->told = filestamp_of(s->folder->retry);
}

static void
failed(struct acme_service *s, unsigned used, const struct acme_error *error)
{
	const unsigned others = used != 0 ? s->attempt.kinds & ~used : 0;
	const struct acme_failure failure = { .fault = error->fault,
		.retry_after_s = error->retry_after_s,
		.has_other = others != 0 };
	char present[96];
	uint64_t ms;

	if (error->fault == ACME_FAULT_STOPPED || atomic_load(&s->stop))
		return;
	atomic_fetch_add(&s->counts->failed, 1);
	if (error->fault == ACME_FAULT_CHALLENGE && others != 0)
		s->attempt.prefer = (enum acme_kind)others;
	ms = acme_plan_failed(&s->plan, now(), &failure, draw());
	tell(s);
	log_error("acme: no certificate for %s from %s: %s; trying again in "
		  "%llu s%s; %s",
	    s->config->name, s->origin.text, error->why.text,
	    (unsigned long long)(ms + 999) / 1000,
	    error->fault == ACME_FAULT_LIMITED || error->retry_after_s > 0
		? ""
		: " (SIGHUP: at once)",
	    format_present(&s->plan, present));
}

static void
forget_unsaved(struct acme_service *s)
{
	acme_issued_clear(&s->unsaved);
	s->plan.unsaved = false;
}

/* Writes what was issued. What cannot be written is kept, and not ordered
 * again: authorities count. */
static void
save(struct acme_service *s)
{
	struct acme_error error = { 0 };
	struct fail why = { 0 };
	char date[CERT_DATE_TEXT];

	if (acme_folder_save(s->folder, s->unsaved.key,
		buf_slice(&s->unsaved.chain), &why) == -1) {
		acme_error_set(&error, ACME_FAULT_OURS,
		    "it was issued, but cannot be written: %s", why.text);
		s->plan.unsaved = true;
		failed(s, 0, &error);
		return;
	}
	atomic_fetch_add(&s->counts->issued, 1);
	acme_plan_issued(&s->plan, now(), s->unsaved.from_s, s->unsaved.to_s);
	log_info("acme: certificate for %s issued by %s, expires %s",
	    s->config->name, s->origin.text,
	    cert_format_date(s->unsaved.to_s, date));
	acme_memory_forget_order(s->folder);
	acme_memory_forget_retry(s->folder);
	forget_unsaved(s);
	look(s);
}

/* What could not be written may have been overtaken meanwhile. */
static void
save_late(struct acme_service *s)
{
	if (s->unsaved.to_s <= clock_wall_s() ||
	    (s->plan.usable && s->plan.to_s >= s->unsaved.to_s))
		forget_unsaved(s);
	else
		save(s);
}

static void
order(struct acme_service *s)
{
	struct acme_error error = { 0 };
	unsigned used;
	int rc;

	log_info("acme: ordering a certificate for %s from %s", s->config->name,
	    s->origin.text);
	rc = acme_attempt_run(&s->attempt, &s->unsaved, &used, &error);
	pthread_mutex_lock(&s->lock);
	s->woken = false; /* whoever wanted it at once has had it */
	pthread_mutex_unlock(&s->lock);
	if (rc == -1)
		failed(s, used, &error);
	else
		save(s);
}

/* With the lock: puts right what a crash has left, and looks again. */
static void
work_alone(struct acme_service *s)
{
	struct fail why = { 0 };

	if (acme_folder_recover(s->folder, &why) == -1)
		log_warn("acme: %s", why.text);
	acme_proofs_remove_old(s->folder, clock_wall_s());
	look(s);
	hear(s);
	switch (acme_plan_step(&s->plan, now())) {
	case ACME_STEP_SAVE:
		save_late(s);
		return;
	case ACME_STEP_ORDER:
		order(s);
		return;
	case ACME_STEP_WAIT:
	case ACME_STEP_ASK:
		return;
	}
}

/* Of several relays with one folder one orders; the others find what it has
 * written. */
static void
order_alone(struct acme_service *s)
{
	struct acme_error error = { 0 };
	bool is_busy;
	int fd;

	if (clock_now_ms() < s->busy_ms)
		return;
	fd = acme_folder_lock(s->folder, &is_busy, &error.why);
	if (fd == -1 && !is_busy) {
		error.fault = ACME_FAULT_OURS;
		failed(s, 0, &error);
		return;
	}
	if (fd == -1) {
		if (!s->told_busy)
			log_info("acme: another relay with this folder orders "
				 "a certificate for %s",
			    s->config->name);
		s->told_busy = true;
		s->busy_ms = clock_now_ms() + BUSY_MS;
		return;
	}
	s->told_busy = false;
	work_alone(s);
	close(fd);
}

static void
turn(struct acme_service *s)
{
	take_wake(s);
	look(s);
	hear(s);
	if (!s->looked)
		return;
	switch (acme_plan_step(&s->plan, now())) {
	case ACME_STEP_ASK:
		ask(s);
		return;
	case ACME_STEP_SAVE:
	case ACME_STEP_ORDER:
		order_alone(s);
		return;
	case ACME_STEP_WAIT:
		return;
	}
}

/* How long until something may be to be done; publishes when the next order
 * is. */
static uint64_t
pause_ms(struct acme_service *s)
{
	const struct acme_now at = now();
	const uint64_t ms = acme_plan_pause_ms(&s->plan, at);

	atomic_store(&s->counts->next_s, acme_plan_next_s(&s->plan, at));
	if (s->busy_ms > at.ms && s->busy_ms - at.ms > ms)
		return s->busy_ms - at.ms;
	return ms;
}

static void *
run(void *ctx)
{
	struct acme_service *s = ctx;

	do
		turn(s);
	while (sleep_for(s, pause_ms(s), true) == 0);
	return NULL;
}

/* ---- life */

static void
init_lock(struct acme_service *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static struct acme_attempt
attempt_of(struct acme_service *s, const struct acme_config *config,
    struct acme_answers *answers)
{
	unsigned kinds = config->is_ip ? 0 : ACME_TLS_ALPN_01;

	if (config->has_http_port)
		kinds |= ACME_HTTP_01;
	return (struct acme_attempt){
		.config = config,
		.folder = s->folder,
		.transport = { .ctx = s,
		    .send = transport_send,
		    .wait = transport_wait },
		.answers = answers,
		.kinds = kinds,
		.prefer = ACME_TLS_ALPN_01,
	};
}

struct acme_service *
acme_service_start(const struct acme_config *config,
    const struct acme_folder *folder, struct acme_answers *answers,
    struct acme_counts *counts, struct fail *why)
{
	struct acme_service *s = calloc(1, sizeof *s);

	if (s == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	init_lock(s);
	acme_issued_init(&s->unsaved);
	s->config = config;
	s->counts = counts;
	s->origin = url_text_origin(config->url);
	s->folder = folder;
	s->attempt = attempt_of(s, config, answers);
	if (acme_http_init(&s->http,
		config->ca_file[0] != '\0' ? config->ca_file : NULL,
		&s->stop) == -1) {
		fail_set(why, "out of memory");
		goto stop;
	}
	errno = pthread_create(&s->thread, NULL, run, s);
	s->has_thread = errno == 0;
	if (s->has_thread)
		return s;
	fail_errno(why, "cannot start a thread");
stop:
	acme_service_stop(s);
	return NULL;
}

void
acme_service_wake(struct acme_service *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->woken = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
acme_service_stop(struct acme_service *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, true);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	acme_issued_clear(&s->unsaved);
	acme_http_clear(&s->http);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
