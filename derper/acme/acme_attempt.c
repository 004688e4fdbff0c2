/* acme_attempt: see acme_attempt.h. */
#include "acme_attempt.h"

#include "acme_answers.h"
#include "acme_chain.h"
#include "acme_memory.h"
#include "cert.h"
#include "clock.h"
#include "log.h"
#include "url_text.h"

#include <stdio.h>
#include <string.h>

/* Time for others with this folder to see the answer, too. */
#define SHARE_MS 1000
/* An order that is gone sooner than that is not replaced at once: authorities
 * count. */
#define RECENT_S (60 * 60)

void
acme_issued_init(struct acme_issued *issued)
{
	*issued = (struct acme_issued){ 0 };
	buf_init(&issued->chain, ACME_FOLDER_FILE_MAX);
}

void
acme_issued_clear(struct acme_issued *issued)
{
	acme_key_free(issued->key);
	issued->key = NULL;
	buf_clear(&issued->chain);
	issued->from_s = issued->to_s = 0;
}

/* One order: what acme_issue's answerer needs. */
struct order {
	const struct acme_attempt *attempt;
	const struct acme_key *key;
};

static int
show(void *ctx, enum acme_kind kind, const char *token,
    const char *key_authorization, struct fail *why)
{
	const struct order *order = ctx;
	const struct acme_attempt *a = order->attempt;
	struct fail unshared = { 0 };

	if (acme_answers_show(a->answers, kind, token, key_authorization,
		&unshared, why) == -1)
		return -1;
	if (unshared.text[0] != '\0')
		log_warn("acme: the answer to the challenge is this relay's "
			 "alone: %s",
		    unshared.text);
	(void)a->transport.wait(a->transport.ctx, SHARE_MS);
	return 0;
}

static void
hide(void *ctx)
{
	const struct order *order = ctx;

	acme_answers_hide(order->attempt->answers);
}

/* Nothing is spent unless there is room for what comes of it. */
static int
keep(void *ctx, const char *url, struct fail *why)
{
	const struct order *order = ctx;
	struct acme_note_order note = { .at_s = clock_wall_s() };

	snprintf(note.directory, sizeof note.directory, "%s",
	    order->attempt->config->url);
	snprintf(note.order, sizeof note.order, "%s", url);
	note.key = (struct acme_key *)(uintptr_t)order->key; /* borrowed */
	return acme_memory_keep_order(order->attempt->folder, &note, why);
}

/* What the authority calls the certificate that there is; NULL: there is none.
 */
static const char *
present_id(const struct acme_attempt *a, char id[static ACME_CHAIN_ID_MAX])
{
	struct buf pem;
	int rc;

	buf_init(&pem, ACME_FOLDER_FILE_MAX);
	rc = acme_folder_read(a->folder->cert, &pem);
	if (rc == 0)
		rc = acme_chain_id(buf_slice(&pem), id);
	acme_folder_wipe(&pem); /* a name's has the key */
	return rc == 0 ? id : NULL;
}

/* Let's Encrypt gives certificates for addresses under one profile only. */
static const char *
profile_of(const struct acme_config *config, const struct acme_directory *d)
{
	return config->is_ip && d->short_lived ? "shortlived" : NULL;
}

/* What is ordered by a clock that is wrong would be refused by us or by
 * clients, but counted. */
static int
check_clock(const struct acme_client *client, struct acme_error *error)
{
	const int64_t theirs_s = acme_client_date_s(client);
	const int64_t ours_s = clock_wall_s();
	char theirs[CERT_DATE_TEXT], ours[CERT_DATE_TEXT];

	if (theirs_s == 0 ||
	    (theirs_s < ours_s + ACME_ATTEMPT_CLOCK_S &&
		ours_s < theirs_s + ACME_ATTEMPT_CLOCK_S))
		return 0;
	return acme_error_set(error, ACME_FAULT_OURS,
	    "the clock is wrong: it is %s here, and %s there",
	    cert_format_date(ours_s, ours), cert_format_date(theirs_s, theirs));
}

/* Whether what was issued can be used. One that is not valid yet, or cannot be
 * looked at now, is fetched again until it is; any other is given up. */
static int
check_issued(const struct acme_attempt *a, struct acme_issued *issued,
    struct acme_error *error)
{
	const struct slice pem = buf_slice(&issued->chain);
	const struct acme_chain_want want = { .key = issued->key,
		.name = a->config->name,
		.is_ip = a->config->is_ip,
		.now_s = clock_wall_s() };
	struct fail why = { 0 };

	switch (acme_chain_check(pem, &want, &why)) {
	case ACME_CHAIN_GOOD:
		if (acme_chain_dates(pem, &issued->from_s, &issued->to_s) == 0)
			return 0;
		return acme_error_set(error, ACME_FAULT_OURS, "out of memory");
	case ACME_CHAIN_NOT_YET:
	case ACME_CHAIN_UNKNOWN:
		return acme_error_set(error, ACME_FAULT_OURS, "%s", why.text);
	case ACME_CHAIN_EXPIRED:
	case ACME_CHAIN_BAD:
		break;
	}
	acme_memory_forget_order(a->folder);
	return acme_error_set(error, ACME_FAULT_REFUSED, "%s", why.text);
}

/* Orders with issued->key, or takes up an order that was kept with it. */
static int
issue(const struct acme_attempt *a, struct acme_client *client,
    const char *resume, struct acme_issued *issued,
    struct acme_progress *progress, struct acme_error *error)
{
	const struct acme_directory *directory = acme_client_directory(client);
	struct order order = { .attempt = a, .key = issued->key };
	char id[ACME_CHAIN_ID_MAX];
	const struct acme_issue want = {
		.name = a->config->name,
		.is_ip = a->config->is_ip,
		.profile = profile_of(a->config, directory),
		.replaces = directory->renewal_info[0] != '\0'
		    ? present_id(a, id)
		    : NULL,
		.kinds = a->kinds,
		.prefer = a->prefer,
		.key = issued->key,
		.resume = resume,
		.answerer = { .ctx = &order,
		    .show = show,
		    .hide = hide,
		    .keep = keep },
	};
	int rc = acme_issue(client, &want, &issued->chain, progress, error);

	if (progress->lost)
		acme_memory_forget_order(a->folder);
	return rc == 0 ? check_issued(a, issued, error) : -1;
}

/* Takes up the order that was left; *again: it is gone, and a new one may be
 * made at once. */
static int
resume_order(const struct acme_attempt *a, struct acme_client *client,
    struct acme_note_order *note, struct acme_issued *issued, bool *again,
    struct acme_error *error)
{
	struct acme_progress progress;
	const int64_t age_s = clock_wall_s() - note->at_s;

	log_info("acme: taking up the order of before: %s",
	    url_text_of(note->order).text);
	issued->key = note->key;
	note->key = NULL;
	if (issue(a, client, note->order, issued, &progress, error) == 0)
		return 0;
	*again = progress.lost && (age_s < 0 || age_s > RECENT_S);
	return -1;
}

static int
order_new(const struct acme_attempt *a, struct acme_client *client,
    struct acme_issued *issued, unsigned *used, struct acme_error *error)
{
	struct acme_progress progress;
	struct fail why = { 0 };
	int rc;

	issued->key = acme_key_make(&why);
	if (issued->key == NULL)
		return acme_error_set(error, ACME_FAULT_OURS, "%s", why.text);
	rc = issue(a, client, NULL, issued, &progress, error);
	*used = progress.used;
	return rc;
}

static int
order(const struct acme_attempt *a, struct acme_client *client,
    struct acme_issued *issued, unsigned *used, struct acme_error *error)
{
	struct acme_note_order note;
	bool again = true;
	int rc = -1;

	if (acme_client_open(client, error) == -1 ||
	    check_clock(client, error) == -1)
		return -1;
	switch (acme_memory_order(a->folder, &note)) {
	case ACME_READ:
		again = strcmp(note.directory, a->config->url) != 0;
		if (again) /* of another authority: nobody comes back to it */
			acme_memory_forget_order(a->folder);
		else
			rc = resume_order(
			    a, client, &note, issued, &again, error);
		break;
	case ACME_READ_SHORT: /* it may have been issued, and counted */
		return acme_error_set(error, ACME_FAULT_OURS,
		    "%s cannot be read: out of memory or file descriptors",
		    a->folder->order);
	case ACME_READ_BAD:
		break;
	}
	acme_note_order_clear(&note);
	if (!again)
		return rc;
	acme_issued_clear(issued);
	*error = (struct acme_error){ 0 };
	return order_new(a, client, issued, used, error);
}

static struct acme_client *
new_client(const struct acme_attempt *a, const struct acme_key *account)
{
	const struct acme_config *config = a->config;

	return acme_client_new(&(struct acme_client_config){
	    .transport = a->transport,
	    .directory = config->url,
	    .email = config->email,
	    .binding = { .kid = config->eab_kid,
		.secret = slice_of(config->secret, config->secret_len) },
	    .account = account,
	});
}

int
acme_attempt_run(const struct acme_attempt *a, struct acme_issued *issued,
    unsigned *used, struct acme_error *error)
{
	struct acme_client *client;
	struct fail why = { 0 };
	struct acme_key *account = acme_folder_account(a->folder, &why);
	int rc;

	*used = 0;
	if (account == NULL)
		return acme_error_set(error, ACME_FAULT_OURS, "%s", why.text);
	client = new_client(a, account);
	rc = client != NULL
	    ? order(a, client, issued, used, error)
	    : acme_error_set(error, ACME_FAULT_OURS, "out of memory");
	acme_client_free(client);
	acme_key_free(account);
	if (rc == -1)
		acme_issued_clear(issued);
	return rc;
}

/* "URL/ID", a public resource. */
static int
get_window(const char *base, const char *id, struct acme_client *client,
    struct acme_reply *reply, struct acme_window *window,
    struct acme_error *error)
{
	char url[ACME_URL_MAX + ACME_CHAIN_ID_MAX];
	const size_t n = strlen(base);

	snprintf(url, sizeof url, "%s%s%s", base,
	    n > 0 && base[n - 1] == '/' ? "" : "/", id);
	if (acme_client_get(client, url, reply, error) == -1)
		return -1;
	return acme_answer_window(
		   buf_slice(&reply->body), window, &error->why) == ACME_READ
	    ? 0
	    : -1;
}

static int
ask(const struct acme_attempt *a, struct acme_client *client, const char *id,
    struct acme_reply *reply, struct acme_suggestion *s,
    struct acme_error *error)
{
	struct acme_directory directory;

	if (acme_client_get(client, a->config->url, reply, error) == -1 ||
	    acme_answer_directory(
		buf_slice(&reply->body), &directory, &error->why) != ACME_READ)
		return -1;
	s->offered = directory.renewal_info[0] != '\0';
	if (!s->offered)
		return fail_set(&error->why, "it does not say such things");
	return get_window(
	    directory.renewal_info, id, client, reply, &s->window, error);
}

int
acme_attempt_ask(
    const struct acme_attempt *a, struct acme_suggestion *s, struct fail *why)
{
	struct acme_client *client = new_client(a, NULL);
	char id[ACME_CHAIN_ID_MAX];
	struct acme_error error = { 0 };
	struct acme_reply reply;
	int rc = -1;

	*s = (struct acme_suggestion){ .offered = true };
	acme_reply_init(&reply);
	if (client == NULL) {
		fail_set(&error.why, "out of memory");
	} else if (present_id(a, id) == NULL) {
		s->offered = false;
		fail_set(&error.why, "the certificate has no name there");
	} else {
		rc = ask(a, client, id, &reply, s, &error);
		s->retry_after_s = reply.retry_after_s;
	}
	acme_reply_clear(&reply);
	acme_client_free(client);
	return rc == 0 ? 0 : fail_set(why, "%s", error.why.text);
}
