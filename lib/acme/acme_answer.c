/* acme_answer: see acme_answer.h. */
#include "acme_answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "acme_json.h"
#include "quote.h"

#define ERROR_PREFIX "urn:ietf:params:acme:error:"

/* *top is owned; NULL unless it is read. */
static enum acme_reading
load(struct slice body, json_t **top, struct fail *why)
{
	char text[QUOTE_TEXT];

	if (acme_json_load(body, top) == ACME_READ_SHORT) {
		fail_set(why, "out of memory");
		return ACME_READ_SHORT;
	}
	if (json_is_object(*top))
		return ACME_READ;
	fail_set(
	    why, "the answer is not a JSON object: %s", quote_text(text, body));
	json_decref(*top);
	*top = NULL;
	return ACME_READ_BAD;
}

static bool
is_url(const char *text)
{
	if (strncmp(text, "https://", 8) != 0 &&
	    strncmp(text, "http://", 7) != 0)
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~' || *text == '"' ||
		    *text == '\\')
			return false;
	return true;
}

/* A URL of the answer; a missing one is an error unless it is optional. */
static int
get_url(const json_t *object, const char *name, bool optional,
    char to[static ACME_URL_MAX], struct fail *why)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);

	to[0] = '\0';
	if (optional && (value == NULL || json_is_null(value)))
		return 0;
	if (text == NULL || !is_url(text) || strlen(text) >= ACME_URL_MAX)
		return fail_set(why, "the answer has no usable \"%s\"", name);
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

enum acme_reading
acme_answer_directory(
    struct slice body, struct acme_directory *d, struct fail *why)
{
	json_t *top;
	const enum acme_reading reading = load(body, &top, why);
	const json_t *meta = json_object_get(top, "meta");
	int rc = -1;

	*d = (struct acme_directory){ 0 };
	if (top == NULL)
		return reading;
	d->binding_required =
	    json_is_true(json_object_get(meta, "externalAccountRequired"));
	d->short_lived = json_object_get(json_object_get(meta, "profiles"),
			     "shortlived") != NULL;
	if (get_url(top, "newNonce", false, d->new_nonce, why) == 0 &&
	    get_url(top, "newAccount", false, d->new_account, why) == 0 &&
	    get_url(top, "newOrder", false, d->new_order, why) == 0)
		rc = get_url(top, "renewalInfo", true, d->renewal_info, why);
	json_decref(top);
	return rc == 0 ? ACME_READ : ACME_READ_BAD;
}

/* "expired", "revoked", "deactivated" and what is not known yet cannot become
 * valid either. */
static enum acme_status
status_of(const json_t *object)
{
	static const char *const names[] = {
		[ACME_PENDING] = "pending",
		[ACME_READY] = "ready",
		[ACME_PROCESSING] = "processing",
		[ACME_VALID] = "valid",
	};
	const char *text = json_string_value(json_object_get(object, "status"));

	for (unsigned i = 0; text != NULL && i < ACME_INVALID; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum acme_status)i;
	return ACME_INVALID;
}

static void
copy_printable(char *to, size_t cap, const char *text)
{
	struct writer w = writer_of(to, cap - 1);

	if (text != NULL)
		quote_put(&w, slice_str(text));
	to[w.n] = '\0';
}

static void
read_problem(const json_t *object, struct acme_problem *problem)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *detail =
	    json_string_value(json_object_get(object, "detail"));
	const json_t *parts = json_object_get(object, "subproblems");

	*problem = (struct acme_problem){ 0 };
	if (type != NULL &&
	    strncmp(type, ERROR_PREFIX, sizeof ERROR_PREFIX - 1) == 0)
		type += sizeof ERROR_PREFIX - 1;
	if (detail == NULL && json_array_size(parts) > 0)
		detail = json_string_value(
		    json_object_get(json_array_get(parts, 0), "detail"));
	copy_printable(problem->type, sizeof problem->type, type);
	copy_printable(problem->detail, sizeof problem->detail, detail);
}

enum acme_reading
acme_answer_problem(struct slice body, struct acme_problem *problem)
{
	json_t *top;
	const enum acme_reading reading = load(body, &top, NULL);

	read_problem(top, problem);
	json_decref(top);
	return reading;
}

enum acme_reading
acme_answer_order(struct slice body, struct acme_order *order, struct fail *why)
{
	json_t *top;
	const enum acme_reading reading = load(body, &top, why);
	const json_t *all = json_object_get(top, "authorizations");
	int rc = -1;

	*order = (struct acme_order){ 0 };
	if (top == NULL)
		return reading;
	order->status = status_of(top);
	read_problem(json_object_get(top, "error"), &order->problem);
	if (json_array_size(all) > ACME_AUTHORIZATIONS_MAX) {
		fail_set(why, "the answer has %zu authorizations",
		    json_array_size(all));
		goto end;
	}
	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *text = json_string_value(json_array_get(all, i));

		if (text == NULL || !is_url(text) ||
		    strlen(text) >= ACME_URL_MAX) {
			fail_set(
			    why, "the answer has no usable \"authorizations\"");
			goto end;
		}
		memcpy(order->authorizations[order->count++], text,
		    strlen(text) + 1);
	}
	if (get_url(top, "finalize", false, order->finalize, why) == 0)
		rc = get_url(top, "certificate", true, order->certificate, why);
end:
	json_decref(top);
	return rc == 0 ? ACME_READ : ACME_READ_BAD;
}

static bool
is_token(const char *text)
{
	const size_t n = text != NULL ? strlen(text) : 0;

	return n > 0 && n < ACME_TOKEN_MAX &&
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-_") == n;
}

/* 0 for a type that is not known. */
static unsigned
kind_of(const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));

	if (type == NULL)
		return 0;
	if (strcmp(type, "http-01") == 0)
		return ACME_HTTP_01;
	return strcmp(type, "tls-alpn-01") == 0 ? ACME_TLS_ALPN_01 : 0;
}

static void
read_challenge(const json_t *object, struct acme_authorization *a)
{
	const char *token = json_string_value(json_object_get(object, "token"));
	const unsigned kind = kind_of(object);
	struct acme_challenge *c = &a->challenges[a->count];

	if (json_object_get(object, "error") != NULL)
		read_problem(json_object_get(object, "error"), &a->problem);
	if (kind == 0 || a->count == ACME_CHALLENGES_MAX ||
	    get_url(object, "url", false, c->url, NULL) == -1 ||
	    !is_token(token))
		return;
	c->kind = (enum acme_kind)kind;
	c->status = status_of(object);
	memcpy(c->token, token, strlen(token) + 1);
	a->count++;
}

enum acme_reading
acme_answer_authorization(
    struct slice body, struct acme_authorization *a, struct fail *why)
{
	json_t *top;
	const enum acme_reading reading = load(body, &top, why);
	const json_t *all = json_object_get(top, "challenges");

	*a = (struct acme_authorization){ 0 };
	if (top == NULL)
		return reading;
	a->status = status_of(top);
	for (size_t i = 0; i < json_array_size(all); i++)
		read_challenge(json_array_get(all, i), a);
	json_decref(top);
	return ACME_READ;
}

/* So many digits at *text, which moves on; -1 otherwise. */
static int
read_number(const char **text, size_t digits, int *to)
{
	*to = 0;
	for (; digits > 0; digits--) {
		const char c = *(*text)++;

		if (c < '0' || c > '9')
			return -1;
		*to = *to * 10 + (c - '0');
	}
	return 0;
}

/* "2025-01-02T04:00:00Z", with a fraction or an offset maybe: RFC 3339. */
static int
read_time(const char *text, int64_t *to_s)
{
	static const char marks[] = "--T::";
	static const size_t digits[] = { 4, 2, 2, 2, 2, 2 };
	struct tm tm = { 0 };
	int *const fields[] = { &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec };
	int hours = 0, minutes = 0, sign = 0;

	for (size_t i = 0; i < 6; i++) {
		if (read_number(&text, digits[i], fields[i]) == -1)
			return -1;
		if (i < 5 && *text++ != marks[i])
			return -1;
	}
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (*text == '+' || *text == '-') {
		sign = *text++ == '+' ? 1 : -1;
		if (read_number(&text, 2, &hours) == -1 || *text++ != ':' ||
		    read_number(&text, 2, &minutes) == -1)
			return -1;
	} else if (*text++ != 'Z') {
		return -1;
	}
	if (*text != '\0')
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*to_s = (int64_t)timegm(&tm) - sign * (hours * 3600 + minutes * 60);
	return 0;
}

enum acme_reading
acme_answer_window(
    struct slice body, struct acme_window *window, struct fail *why)
{
	json_t *top;
	enum acme_reading reading = load(body, &top, why);
	const json_t *object = json_object_get(top, "suggestedWindow");
	const char *from = json_string_value(json_object_get(object, "start"));
	const char *to = json_string_value(json_object_get(object, "end"));

	*window = (struct acme_window){ 0 };
	if (top != NULL &&
	    (from == NULL || to == NULL ||
		read_time(from, &window->from_s) == -1 ||
		read_time(to, &window->to_s) == -1 ||
		window->from_s >= window->to_s)) {
		fail_set(why, "the answer has no usable \"suggestedWindow\"");
		reading = ACME_READ_BAD;
	}
	json_decref(top);
	return reading;
}
