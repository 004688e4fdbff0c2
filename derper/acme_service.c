/* acme_service: see acme_service.h. */
#include "acme_service.h"

#include "acme_answers.h"
#include "acme_attempt.h"
#include "acme_http.h"
#include "acme_schedule.h"
#include "cert.h"
#include "clock.h"
#include "filestamp.h"
#include "log.h"
#include "url_text.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 10000 /* how often clock and files are looked at, at most */
#define BUSY_MS 2000  /* while another relay orders */
#define OTHER_KIND_MS 1000 /* before the other challenge is tried */
#define HOUR_MS ((uint64_t)60 * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)

/* The certificate that is in the folder. */
struct present {
	struct filestamp seen[2];
	bool looked;
	bool usable;
	int64_t from_s, to_s; /* of a usable one */
};

struct acme_service {
	/* immutable */
	const struct acme_config *config; /* borrowed */
	struct acme_folder folder;
	struct acme_attempt attempt; /* but for prefer */
	struct acme_counts *counts;  /* borrowed, atomic */
	struct url_text origin;      /* of the authority, for the log */
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
	struct present present;
	struct acme_issued unsaved; /* issued, but not written yet */
	struct acme_window window;  /* as suggested; 0: nothing */
	uint64_t ask_ms;            /* when to ask for it */
	double share;               /* of what is left to chance */
	unsigned failures;          /* in a row, of that kind */
	enum acme_fault fault;
	bool tried_other;  /* kind of challenge */
	uint64_t retry_ms; /* not to order before that */
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
	if (may_wake && s->woken) {
		s->woken = false;
		s->retry_ms = 0;
	}
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
    struct acme_reply *reply, struct fail *why)
{
	struct acme_service *s = ctx;

	return acme_http_send(&s->http, url, post, reply, why);
}

/* ---- what there is */

/* The part of "in force" of a line about a failure. */
static const char *
format_present(const struct present *p, char text[static 96])
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

static void
read_present(struct acme_service *s)
{
	struct present *p = &s->present;
	const char *cert = s->folder.cert;
	struct cert_info info;
	struct fail why = { 0 };

	p->usable = false;
	s->share = draw();
	s->window = (struct acme_window){ 0 };
	s->ask_ms = 0;
	if (access(cert, F_OK) == -1 && errno == ENOENT)
		return;
	if (cert_check_pair(cert, s->folder.key, s->config->name, &why) == -1 ||
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
	p->usable = true;
	p->from_s = info.not_before_s;
	p->to_s = info.not_after_s;
}

/* Reads what is in the folder again when it has changed. */
static void
look(struct acme_service *s)
{
	struct present *p = &s->present;
	const struct filestamp now[2] = { filestamp_of(s->folder.cert),
		filestamp_of(s->folder.key) };

	if (p->looked && filestamp_eq(&now[0], &p->seen[0]) &&
	    filestamp_eq(&now[1], &p->seen[1]))
		return;
	p->looked = true;
	memcpy(p->seen, now, sizeof now);
	read_present(s);
}

/* When the present certificate is to be renewed; 0: at once. */
static int64_t
renewal_s(const struct acme_service *s)
{
	const struct present *p = &s->present;

	if (!p->usable)
		return 0;
	return acme_schedule_renewal(p->from_s, p->to_s,
	    s->window.to_s != 0 ? &s->window : NULL, s->share);
}

static bool
is_due(const struct acme_service *s)
{
	return clock_wall_s() >= renewal_s(s);
}

/* Asks the authority for its suggestion, when it is time. */
static void
ask(struct acme_service *s)
{
	char from[CERT_DATE_TEXT], to[CERT_DATE_TEXT];
	struct acme_window window;
	unsigned retry_after_s;
	bool offered;

	if (!s->present.usable || clock_now_ms() < s->ask_ms)
		return;
	if (acme_attempt_ask(&s->attempt, &window, &offered, &retry_after_s) ==
	    -1) {
		s->ask_ms = clock_now_ms() + (offered ? HOUR_MS : DAY_MS);
		return;
	}
	s->ask_ms = clock_now_ms() + acme_schedule_ask_ms(retry_after_s);
	if (window.from_s == s->window.from_s && window.to_s == s->window.to_s)
		return;
	s->window = window;
	log_info("acme: %s suggests to renew between %s and %s", s->origin.text,
	    cert_format_date(window.from_s, from),
	    cert_format_date(window.to_s, to));
}

/* ---- ordering */

/* A proof that was not found in one way may be found in the other: that is
 * tried at once, but once only. */
static uint64_t
retry_after(
    struct acme_service *s, unsigned used, const struct acme_error *error)
{
	const unsigned others = s->attempt.kinds & ~used;

	if (error->fault == ACME_FAULT_CHALLENGE && used != 0 && others != 0) {
		s->attempt.prefer = (enum acme_kind)others;
		s->tried_other = !s->tried_other;
		if (s->tried_other)
			return OTHER_KIND_MS;
	}
	return acme_schedule_retry_ms(
	    error->fault, s->failures, error->retry_after_s, draw());
}

static void
failed(struct acme_service *s, unsigned used, const struct acme_error *error)
{
	char present[96];
	uint64_t ms;

	if (error->fault == ACME_FAULT_STOPPED || atomic_load(&s->stop))
		return;
	s->failures = error->fault == s->fault ? s->failures + 1 : 1;
	s->fault = error->fault;
	atomic_fetch_add(&s->counts->failed, 1);
	ms = retry_after(s, used, error);
	s->retry_ms = clock_now_ms() + ms;
	log_error("acme: no certificate for %s from %s: %s; trying again in "
		  "%llu s (SIGHUP: at once); %s",
	    s->config->name, s->origin.text, error->why.text,
	    (unsigned long long)(ms + 999) / 1000,
	    format_present(&s->present, present));
}

/* Writes what was issued. What cannot be written is kept, and not ordered
 * again: authorities count. */
static void
save(struct acme_service *s)
{
	struct acme_error error = { 0 };
	struct fail why = { 0 };
	char date[CERT_DATE_TEXT];

	if (acme_folder_save(&s->folder, s->unsaved.key,
		buf_slice(&s->unsaved.chain), &why) == -1) {
		acme_error_set(&error, ACME_FAULT_OURS,
		    "it was issued, but cannot be written: %s", why.text);
		failed(s, 0, &error);
		return;
	}
	acme_issued_clear(&s->unsaved);
	atomic_fetch_add(&s->counts->issued, 1);
	s->failures = 0;
	s->tried_other = false;
	look(s);
	/* whatever is suggested, and if it cannot be read: the next is not
	 * ordered at once */
	s->retry_ms = clock_now_ms() +
	    (s->present.usable
		    ? (uint64_t)(s->present.to_s - s->present.from_s) * 1000 /
			20
		    : HOUR_MS);
	log_info("acme: certificate for %s issued by %s, expires %s",
	    s->config->name, s->origin.text,
	    cert_format_date(s->present.to_s, date));
}

static void
order(struct acme_service *s)
{
	struct acme_error error = { 0 };
	unsigned used;

	log_info("acme: ordering a certificate for %s from %s", s->config->name,
	    s->origin.text);
	if (acme_attempt_run(&s->attempt, &s->unsaved, &used, &error) == -1)
		failed(s, used, &error);
	else
		save(s);
}

/* Of several relays with one folder one orders; the others find what it has
 * written. */
static void
order_alone(struct acme_service *s)
{
	struct acme_error error = { 0 };
	bool is_busy;
	int fd = acme_folder_lock(&s->folder, &is_busy, &error.why);

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
		s->retry_ms = clock_now_ms() + BUSY_MS;
		return;
	}
	s->told_busy = false;
	look(s);
	if (is_due(s))
		order(s);
	close(fd);
}

static void
turn(struct acme_service *s)
{
	look(s);
	ask(s);
	if (clock_now_ms() < s->retry_ms)
		return;
	if (s->unsaved.key != NULL)
		save(s);
	else if (is_due(s))
		order_alone(s);
}

/* How long until something may be to be done; publishes when the next order
 * is. The clock may jump, and files may change meanwhile. */
static uint64_t
pause_ms(struct acme_service *s)
{
	const uint64_t now_ms = clock_now_ms();
	const uint64_t retry_ms =
	    s->retry_ms > now_ms ? s->retry_ms - now_ms : 0;
	const int64_t now_s = clock_wall_s();
	int64_t next_s = renewal_s(s);
	uint64_t ms;

	if (next_s < now_s + (int64_t)(retry_ms / 1000))
		next_s = now_s + (int64_t)(retry_ms / 1000);
	atomic_store(&s->counts->next_s, next_s);
	ms = next_s > now_s ? (uint64_t)(next_s - now_s) * 1000 : retry_ms;
	return ms < LOOK_MS ? ms + 50 : LOOK_MS;
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
attempt_of(struct acme_service *s, const struct config *config,
    struct acme_answers *answers)
{
	unsigned kinds = config->acme.is_ip ? 0 : ACME_TLS_ALPN_01;

	if (config->http_port >= 0)
		kinds |= ACME_HTTP_01;
	return (struct acme_attempt){
		.config = &config->acme,
		.folder = &s->folder,
		.transport = { .ctx = s,
		    .send = transport_send,
		    .wait = transport_wait },
		.answers = answers,
		.kinds = kinds,
		.prefer = ACME_TLS_ALPN_01,
	};
}

struct acme_service *
acme_service_start(const struct config *config, struct acme_answers *answers,
    struct acme_counts *counts, struct fail *why)
{
	const struct acme_config *acme = &config->acme;
	struct acme_service *s = calloc(1, sizeof *s);

	if (s == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	init_lock(s);
	acme_issued_init(&s->unsaved);
	s->config = acme;
	s->counts = counts;
	s->origin = url_text_origin(acme->url);
	s->attempt = attempt_of(s, config, answers);
	if (acme_folder_init(&s->folder, config->cert_dir, acme->name,
		acme->is_ip, why) == -1)
		goto stop;
	if (acme_http_init(&s->http,
		acme->ca_file[0] != '\0' ? acme->ca_file : NULL,
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
