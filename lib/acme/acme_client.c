/* acme_client: see acme_client.h. */
#include "acme_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acme_json.h"

#define NONCES_MAX 10  /* that may be rejected for one request */
#define BODY_MAX 65536 /* bytes of a request */

struct acme_client {
	struct acme_client_config config;
	struct acme_directory directory;
	char nonce[ACME_NONCE_MAX];
	char kid[ACME_URL_MAX]; /* "": no account yet */
	int64_t date_s;         /* of the last answer that had one */
};

void
acme_reply_init(struct acme_reply *reply)
{
	*reply = (struct acme_reply){ 0 };
	buf_init(&reply->body, ACME_BODY_MAX);
}

void
acme_reply_clear(struct acme_reply *reply)
{
	buf_clear(&reply->body);
}

int
acme_error_set(
    struct acme_error *error, enum acme_fault fault, const char *fmt, ...)
{
	char text[FAIL_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	error->fault = fault;
	return fail_set(&error->why, "%s", text);
}

struct acme_client *
acme_client_new(const struct acme_client_config *config)
{
	struct acme_client *c = calloc(1, sizeof *c);

	if (c != NULL)
		c->config = *config;
	return c;
}

void
acme_client_free(struct acme_client *c)
{
	free(c);
}

const struct acme_directory *
acme_client_directory(const struct acme_client *c)
{
	return &c->directory;
}

int64_t
acme_client_date_s(const struct acme_client *c)
{
	return c->date_s;
}

void
acme_client_authorize(const struct acme_client *c, const char *token,
    char text[static ACME_AUTHORIZATION_TEXT])
{
	snprintf(text, ACME_AUTHORIZATION_TEXT, "%s.%s", token,
	    acme_key_thumbprint(c->config.account));
}

static int
no_memory(struct acme_error *error)
{
	return acme_error_set(error, ACME_FAULT_OURS, "out of memory");
}

/* What an answer that is not a success says. */
static int
set_problem(struct acme_error *error, const struct acme_reply *reply)
{
	struct acme_problem problem;
	enum acme_fault fault = ACME_FAULT_REFUSED;
	enum acme_reading reading;

	reading = acme_answer_problem(buf_slice(&reply->body), &problem);
	error->status = reply->status;
	error->retry_after_s = reply->retry_after_s;
	if (reply->status == 429 || strcmp(problem.type, "rateLimited") == 0)
		fault = ACME_FAULT_LIMITED;
	else if (reply->status >= 500 || strcmp(problem.type, "badNonce") == 0)
		fault = ACME_FAULT_UNREACHABLE;
	else if (reading == ACME_READ_SHORT)
		return no_memory(error); /* what it is about is not known */
	snprintf(error->type, sizeof error->type, "%s", problem.type);
	return acme_error_set(error, fault, "it answers %u%s%s%s%s",
	    reply->status, problem.type[0] != '\0' ? " " : "", problem.type,
	    problem.detail[0] != '\0' ? ": " : "", problem.detail);
}

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

static int
send_once(struct acme_client *c, const char *url, const struct slice *post,
    struct acme_reply *reply, struct acme_error *error)
{
	const struct acme_transport *t = &c->config.transport;

	acme_reply_clear(reply);
	acme_reply_init(reply);
	if (is_https(c->config.directory) && !is_https(url))
		return acme_error_set(error, ACME_FAULT_UNREACHABLE,
		    "it leads from https to http");
	if (t->send(t->ctx, url, post, reply, error) == -1)
		return -1;
	if (reply->date_s != 0)
		c->date_s = reply->date_s;
	if (reply->nonce[0] != '\0')
		memcpy(c->nonce, reply->nonce, sizeof c->nonce);
	return 0;
}

int
acme_client_get(struct acme_client *c, const char *url,
    struct acme_reply *reply, struct acme_error *error)
{
	if (send_once(c, url, NULL, reply, error) == -1)
		return -1;
	return reply->status / 100 == 2 ? 0 : set_problem(error, reply);
}

/* Each nonce is good for one request (RFC 8555 7.2). */
static int
need_nonce(
    struct acme_client *c, struct acme_reply *reply, struct acme_error *error)
{
	if (c->nonce[0] != '\0')
		return 0;
	if (acme_client_get(c, c->directory.new_nonce, reply, error) == -1)
		return -1;
	if (c->nonce[0] != '\0')
		return 0;
	return acme_error_set(
	    error, ACME_FAULT_UNREACHABLE, "it gives no nonce");
}

static int
send_signed(struct acme_client *c, const char *url, const char *payload,
    struct acme_reply *reply, struct acme_error *error)
{
	const struct acme_jws jws = { .key = c->config.account,
		.kid = c->kid[0] != '\0' ? c->kid : NULL,
		.nonce = c->nonce,
		.url = url,
		.payload = payload };
	struct slice post;
	struct buf body;
	int rc;

	buf_init(&body, BODY_MAX);
	rc = acme_jws_sign(&jws, &body);
	c->nonce[0] = '\0';
	post = buf_slice(&body);
	if (rc == -1)
		acme_error_set(
		    error, ACME_FAULT_OURS, "a request cannot be signed");
	else
		rc = send_once(c, url, &post, reply, error);
	buf_clear(&body);
	return rc;
}

/* A proxy between may lose nonces, and the authority forgets old ones. */
static int
find_bad_nonce(
    const struct acme_reply *reply, bool *found, struct acme_error *error)
{
	struct acme_problem problem;

	*found = false;
	if (reply->status != 400)
		return 0;
	if (acme_answer_problem(buf_slice(&reply->body), &problem) ==
	    ACME_READ_SHORT)
		return no_memory(error);
	*found = strcmp(problem.type, "badNonce") == 0;
	return 0;
}

int
acme_client_post(struct acme_client *c, const char *url, const char *payload,
    struct acme_reply *reply, struct acme_error *error)
{
	bool rejected = true;

	for (int n = 1; rejected && n <= NONCES_MAX; n++)
		if (need_nonce(c, reply, error) == -1 ||
		    send_signed(c, url, payload, reply, error) == -1 ||
		    find_bad_nonce(reply, &rejected, error) == -1)
			return -1;
	return reply->status / 100 == 2 ? 0 : set_problem(error, reply);
}

int
acme_client_wait(struct acme_client *c, uint64_t ms, struct acme_error *error)
{
	const struct acme_transport *t = &c->config.transport;

	if (t->wait(t->ctx, ms) == 0)
		return 0;
	return acme_error_set(error, ACME_FAULT_STOPPED, "told to end");
}

/* ---- the account */

/* The binding as a JSON value, owned; NULL when it cannot be made. */
static json_t *
make_binding(const struct acme_client *c)
{
	struct buf text;
	json_t *object = NULL;

	buf_init(&text, BODY_MAX);
	if (acme_jws_bind(&c->config.binding, c->config.account,
		c->directory.new_account, &text) == 0)
		(void)acme_json_load(buf_slice(&text), &object);
	buf_clear(&text);
	return object;
}

/* What newAccount is sent; owned: free. NULL when memory is short. */
static char *
account_payload(const struct acme_client *c)
{
	json_t *object = json_pack("{s:b}", "termsOfServiceAgreed", 1);
	int rc = object != NULL ? 0 : -1;

	if (rc == 0 && c->config.email[0] != '\0')
		rc = json_object_set_new(object, "contact",
		    json_pack("[s+]", "mailto:", c->config.email));
	if (rc == 0 && c->config.binding.kid[0] != '\0')
		rc = json_object_set_new(
		    object, "externalAccountBinding", make_binding(c));
	if (rc == 0)
		return acme_json_dump(object);
	json_decref(object);
	return NULL;
}

static int
keep_account(struct acme_client *c, const struct acme_reply *reply,
    struct acme_error *error)
{
	if (reply->location[0] == '\0')
		return acme_error_set(error, ACME_FAULT_UNREACHABLE,
		    "it does not say where the account is");
	memcpy(c->kid, reply->location, sizeof c->kid);
	return 0;
}

/* An account that is there is asked for first: a binding may be good for one
 * use only. Some look at contact and binding before they say that there is no
 * account, so whatever they refuse, one is made. */
static int
find_account(struct acme_client *c, struct acme_reply *reply, bool *found,
    struct acme_error *error)
{
	*found = acme_client_post(c, c->directory.new_account,
		     "{\"onlyReturnExisting\":true}", reply, error) == 0;
	if (*found)
		return keep_account(c, reply, error);
	if (error->fault != ACME_FAULT_REFUSED)
		return -1;
	*error = (struct acme_error){ 0 };
	return 0;
}

static int
make_account(
    struct acme_client *c, struct acme_reply *reply, struct acme_error *error)
{
	char *payload;
	int rc;

	if (c->directory.binding_required && c->config.binding.kid[0] == '\0')
		return acme_error_set(error, ACME_FAULT_REFUSED,
		    "it makes accounts only for those that it has given a key "
		    "to: see -acme-eab-kid and -acme-eab-key");
	payload = account_payload(c);
	if (payload == NULL)
		return no_memory(error);
	rc = acme_client_post(
	    c, c->directory.new_account, payload, reply, error);
	free(payload);
	return rc == 0 ? keep_account(c, reply, error) : -1;
}

static int
read_directory(
    struct acme_client *c, struct acme_reply *reply, struct acme_error *error)
{
	struct fail why = { 0 };

	if (acme_client_get(c, c->config.directory, reply, error) == -1)
		return -1;
	switch (acme_answer_directory(
	    buf_slice(&reply->body), &c->directory, &why)) {
	case ACME_READ:
		return 0;
	case ACME_READ_SHORT:
		return no_memory(error);
	case ACME_READ_BAD:
		break;
	}
	return acme_error_set(error, ACME_FAULT_UNREACHABLE,
	    "it does not answer as an ACME directory: %s", why.text);
}

int
acme_client_open(struct acme_client *c, struct acme_error *error)
{
	struct acme_reply reply;
	bool found = false;
	int rc;

	acme_reply_init(&reply);
	rc = read_directory(c, &reply, error);
	if (rc == 0)
		rc = find_account(c, &reply, &found, error);
	if (rc == 0 && !found)
		rc = make_account(c, &reply, error);
	acme_reply_clear(&reply);
	return rc;
}
