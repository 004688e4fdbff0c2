/* acme_issue: see acme_issue.h. */
#include "acme_issue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_csr.h"
#include "acme_json.h"
#include "encode.h"

#define LOOK_FIRST_MS 250
#define LOOK_MAX_MS 5000
#define CSR_MAX 4096

/* An order that is being worked on. */
struct work {
	struct acme_client *client;
	const struct acme_issue *issue;
	struct acme_error *error;
	struct acme_reply reply;
	struct acme_order order;
	struct acme_authorization authorization; /* the one in work */
	char url[ACME_URL_MAX];                  /* of the order */
	uint64_t waited_ms;
	uint64_t pause_ms; /* before the next look */
	struct acme_progress progress;
};

/* 0, or -1 and the error, for an answer that was read. */
static int
take(struct work *w, enum acme_reading reading, const struct fail *why)
{
	if (reading == ACME_READ)
		return 0;
	return acme_error_set(w->error,
	    reading == ACME_READ_SHORT ? ACME_FAULT_OURS
				       : ACME_FAULT_UNREACHABLE,
	    "%s", why->text);
}

static int
no_memory(struct work *w)
{
	return acme_error_set(w->error, ACME_FAULT_OURS, "out of memory");
}

static int
post(struct work *w, const char *url, const char *payload)
{
	return acme_client_post(w->client, url, payload, &w->reply, w->error);
}

/* Waits before the next look, for as long as the authority has asked for. */
static int
pause_look(struct work *w)
{
	uint64_t ms = (uint64_t)w->reply.retry_after_s * 1000;

	if (ms == 0) {
		ms = w->pause_ms;
		w->pause_ms *= 2;
		if (w->pause_ms > LOOK_MAX_MS)
			w->pause_ms = LOOK_MAX_MS;
	}
	if (w->waited_ms + ms > ACME_ISSUE_WAIT_MS) {
		w->error->retry_after_s = w->reply.retry_after_s;
		return acme_error_set(w->error, ACME_FAULT_UNREACHABLE,
		    "it has not decided in %d minutes",
		    ACME_ISSUE_WAIT_MS / 60000);
	}
	w->waited_ms += ms;
	return acme_client_wait(w->client, ms, w->error);
}

static int
read_order(struct work *w)
{
	struct fail why = { 0 };

	return take(w,
	    acme_answer_order(buf_slice(&w->reply.body), &w->order, &why),
	    &why);
}

/* ---- the order */

/* Owned: free. NULL when memory is short. */
static char *
order_payload(const struct acme_issue *issue, bool replaces)
{
	json_t *object = json_pack("{s:[{s:s, s:s}]}", "identifiers", "type",
	    issue->is_ip ? "ip" : "dns", "value", issue->name);
	int rc = object != NULL ? 0 : -1;

	if (rc == 0 && issue->profile != NULL)
		rc = json_object_set_new(
		    object, "profile", json_string(issue->profile));
	if (rc == 0 && replaces)
		rc = json_object_set_new(
		    object, "replaces", json_string(issue->replaces));
	if (rc == 0)
		return acme_json_dump(object);
	json_decref(object);
	return NULL;
}

static int
post_order(struct work *w, bool replaces)
{
	char *payload = order_payload(w->issue, replaces);
	int rc;

	if (payload == NULL)
		return no_memory(w);
	rc = post(w, acme_client_directory(w->client)->new_order, payload);
	free(payload);
	return rc;
}

/* Whether it may be the certificate that is replaced that it does not like. */
static bool
dislikes_replaces(const struct acme_error *error)
{
	static const char *const types[] = { "alreadyReplaced", "malformed",
		"conflict", "" };

	if (error->fault != ACME_FAULT_REFUSED)
		return false;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(error->type, types[i]) == 0)
			return true;
	return error->status == 404 || error->status == 409;
}

/* Whom the new certificate replaces is told as a courtesy: an authority that
 * does not know the old one, or has seen it replaced, must not keep us from a
 * new one (RFC 9773 5). */
static int
begin_order(struct work *w)
{
	int rc = post_order(w, w->issue->replaces != NULL);

	if (rc == -1 && w->issue->replaces != NULL &&
	    dislikes_replaces(w->error)) {
		*w->error = (struct acme_error){ 0 };
		rc = post_order(w, false);
	}
	if (rc == -1)
		return -1;
	if (w->reply.location[0] == '\0')
		return acme_error_set(w->error, ACME_FAULT_UNREACHABLE,
		    "it does not say where the order is");
	memcpy(w->url, w->reply.location, sizeof w->url);
	return read_order(w);
}

static int
order_failed(struct work *w)
{
	const struct acme_problem *p = &w->order.problem;

	w->progress.lost = true;
	snprintf(w->error->type, sizeof w->error->type, "%s", p->type);
	return acme_error_set(w->error, ACME_FAULT_REFUSED,
	    "the order failed%s%s%s%s", p->type[0] != '\0' ? ": " : "", p->type,
	    p->detail[0] != '\0' ? ": " : "", p->detail);
}

static int
resume_order(struct work *w)
{
	snprintf(w->url, sizeof w->url, "%s", w->issue->resume);
	if (post(w, w->url, "") == -1) {
		w->progress.lost = w->error->fault == ACME_FAULT_REFUSED;
		return -1;
	}
	if (read_order(w) == -1)
		return -1;
	return w->order.status == ACME_INVALID ? order_failed(w) : 0;
}

/* ---- authorizations */

static int
look_at_authorization(struct work *w, const char *url)
{
	struct fail why = { 0 };

	if (post(w, url, "") == -1)
		return -1;
	return take(w,
	    acme_answer_authorization(
		buf_slice(&w->reply.body), &w->authorization, &why),
	    &why);
}

/* The challenge to answer: of the preferred kind, else of one that may be used;
 * NULL: none. */
static const struct acme_challenge *
choose(const struct work *w)
{
	const struct acme_authorization *a = &w->authorization;
	const struct acme_challenge *found = NULL;

	for (size_t i = 0; i < a->count; i++) {
		const struct acme_challenge *c = &a->challenges[i];

		if ((w->issue->kinds & (unsigned)c->kind) == 0 ||
		    c->status == ACME_INVALID)
			continue;
		if (found == NULL || c->kind == w->issue->prefer)
			found = c;
	}
	return found;
}

/* Why the authority does not believe us; its words say where it looked. */
static int
challenge_failed(struct work *w)
{
	const struct acme_problem *p = &w->authorization.problem;

	const unsigned used = w->progress.used;
	const char *what = used == ACME_HTTP_01 ? "http-01 challenge"
	    : used == ACME_TLS_ALPN_01          ? "tls-alpn-01 challenge"
						: "authorization";

	snprintf(w->error->type, sizeof w->error->type, "%s", p->type);
	return acme_error_set(w->error, ACME_FAULT_CHALLENGE,
	    "the %s failed%s%s%s%s", what, p->type[0] != '\0' ? ": " : "",
	    p->type, p->detail[0] != '\0' ? ": " : "", p->detail);
}

static int
await_authorization(struct work *w, const char *url)
{
	w->pause_ms = LOOK_FIRST_MS;
	for (;;) {
		if (pause_look(w) == -1 || look_at_authorization(w, url) == -1)
			return -1;
		switch (w->authorization.status) {
		case ACME_VALID:
			return 0;
		case ACME_INVALID:
			return challenge_failed(w);
		case ACME_PENDING:
		case ACME_READY:
		case ACME_PROCESSING:
			break;
		}
	}
}

static int
answer(struct work *w, const char *url, const struct acme_challenge *c)
{
	const struct acme_answerer *to = &w->issue->answerer;
	char text[ACME_AUTHORIZATION_TEXT];
	struct fail why = { 0 };
	int rc;

	w->progress.used = (unsigned)c->kind;
	acme_client_authorize(w->client, c->token, text);
	if (to->show(to->ctx, c->kind, c->token, text, &why) == -1)
		return acme_error_set(
		    w->error, ACME_FAULT_OURS, "%s", why.text);
	/* some refuse to hear of one twice that they look at already */
	rc = c->status == ACME_PENDING ? post(w, c->url, "{}") : 0;
	if (rc == 0)
		rc = await_authorization(w, url);
	to->hide(to->ctx);
	return rc;
}

static int
authorize(struct work *w, const char *url)
{
	const struct acme_challenge *c;

	if (look_at_authorization(w, url) == -1)
		return -1;
	if (w->authorization.status == ACME_VALID)
		return 0; /* proven some time ago */
	c = choose(w);
	if (w->authorization.status != ACME_PENDING)
		return challenge_failed(w);
	if (c == NULL)
		return acme_error_set(w->error, ACME_FAULT_REFUSED,
		    "it offers none of the challenges that can be answered "
		    "here%s",
		    (w->issue->kinds & ACME_HTTP_01) == 0
			? " (http-01 needs -http-port)"
			: "");
	return answer(w, url, c);
}

/* ---- the certificate */

/* Looks at the order until it has come as far as that. */
static int
await_order(struct work *w, enum acme_status least)
{
	static_assert(ACME_PENDING < ACME_READY &&
		ACME_READY < ACME_PROCESSING && ACME_PROCESSING < ACME_VALID &&
		ACME_VALID < ACME_INVALID,
	    "an order's statuses follow each other");

	w->pause_ms = LOOK_FIRST_MS;
	while (w->order.status < least)
		if (pause_look(w) == -1 || post(w, w->url, "") == -1 ||
		    read_order(w) == -1)
			return -1;
	return w->order.status == ACME_INVALID ? order_failed(w) : 0;
}

/* Owned: free. NULL when memory is short or OpenSSL fails. */
static char *
finalize_payload(const struct acme_issue *issue)
{
	struct buf der;
	char text[CSR_MAX];
	json_t *object = NULL;

	buf_init(&der, CSR_MAX / 2);
	if (acme_csr_make(issue->key, issue->name, issue->is_ip, &der) == 0 &&
	    encode_base64url(text, sizeof text, buf_slice(&der)) == 0)
		object = json_pack("{s:s}", "csr", text);
	buf_clear(&der);
	return acme_json_dump(object);
}

static int
finalize(struct work *w)
{
	const struct acme_answerer *to = &w->issue->answerer;
	struct fail why = { 0 };
	char *payload;
	int rc;

	if (to->keep != NULL && to->keep(to->ctx, w->url, &why) == -1)
		return acme_error_set(
		    w->error, ACME_FAULT_OURS, "%s", why.text);
	payload = finalize_payload(w->issue);
	if (payload == NULL)
		return acme_error_set(w->error, ACME_FAULT_OURS,
		    "the certificate request cannot be made");
	rc = post(w, w->order.finalize, payload);
	free(payload);
	if (rc == -1) {
		/* another key may please it more */
		w->progress.lost = w->error->fault == ACME_FAULT_REFUSED;
		return -1;
	}
	/* some answer before they have begun: it is still "ready" then */
	return read_order(w);
}

static int
fetch_chain(struct work *w, struct buf *pem)
{
	struct slice body;

	if (w->order.certificate[0] == '\0')
		return acme_error_set(w->error, ACME_FAULT_UNREACHABLE,
		    "it does not say where the certificate is");
	if (post(w, w->order.certificate, "") == -1) {
		w->progress.lost = w->error->fault == ACME_FAULT_REFUSED;
		return -1;
	}
	body = buf_slice(&w->reply.body);
	return buf_append(pem, body.p, body.n) == 0 ? 0 : no_memory(w);
}

static int
prove(struct work *w)
{
	const struct acme_order first = w->order;

	for (size_t i = 0; first.status == ACME_PENDING && i < first.count; i++)
		if (authorize(w, first.authorizations[i]) == -1)
			return -1;
	return await_order(w, ACME_READY);
}

/* From the request on the authority may issue, and counts that. Where nobody
 * can resume the order, it is not to be tried again as soon as one that is
 * away. */
static int
fetch_issued(struct work *w, struct buf *pem)
{
	if ((w->order.status != ACME_READY || finalize(w) == 0) &&
	    await_order(w, ACME_VALID) == 0 && fetch_chain(w, pem) == 0)
		return 0;
	if (w->issue->answerer.keep == NULL &&
	    w->error->fault == ACME_FAULT_UNREACHABLE)
		w->error->fault = ACME_FAULT_REFUSED;
	return -1;
}

static int
run(struct work *w, struct buf *pem)
{
	const bool resumes = w->issue->resume != NULL;

	if ((resumes ? resume_order(w) : begin_order(w)) == -1 ||
	    prove(w) == -1)
		return -1;
	/* valid before we have asked: somebody else's doing */
	if (!resumes && w->order.status == ACME_VALID)
		return acme_error_set(w->error, ACME_FAULT_UNREACHABLE,
		    "the order is out of step");
	return fetch_issued(w, pem);
}

int
acme_issue(struct acme_client *c, const struct acme_issue *issue,
    struct buf *pem, struct acme_progress *progress, struct acme_error *error)
{
	struct work *w = calloc(1, sizeof *w);
	int rc;

	*progress = (struct acme_progress){ 0 };
	if (w == NULL)
		return acme_error_set(error, ACME_FAULT_OURS, "out of memory");
	w->client = c;
	w->issue = issue;
	w->error = error;
	acme_reply_init(&w->reply);
	rc = run(w, pem);
	*progress = w->progress;
	acme_reply_clear(&w->reply);
	free(w);
	return rc;
}
