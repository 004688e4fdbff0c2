/*
 * fake_ca: a certificate authority that answers acme_client without a network,
 * as a struct of knobs says, and fails the test when a request is malformed.
 */
#ifndef DERPKIT_FAKE_CA_H
#define DERPKIT_FAKE_CA_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "acme_issue.h"
#include "check.h"
#include "encode.h"

#define CA "https://ca.example"
#define FAKE_CHALLENGES                                        \
	"{\"type\":\"dns-persist-01\",\"url\":\"" CA           \
	"/p\",\"status\":\"pending\"},"                        \
	"{\"type\":\"http-01\",\"url\":\"" CA                  \
	"/chall-h\",\"token\":\"th\",\"status\":\"pending\"}," \
	"{\"type\":\"tls-alpn-01\",\"url\":\"" CA              \
	"/chall-t\",\"token\":\"tt\",\"status\":\"pending\"}"

struct fake_ca {
	/* knobs */
	int reject_nonces; /* so many requests */
	bool offline;      /* nothing is answered */
	bool has_account;  /* newAccount finds one */
	bool binding_required;
	const char *no_account; /* NULL: "accountDoesNotExist" */
	bool no_chain;          /* what was issued cannot be fetched */
	bool lose_finalize;     /* it is taken, but no answer comes */
	bool order_gone;        /* no order is known any more */
	bool leads_to_http;     /* for nonces */
	bool challenge_begun;   /* it looks for the proof unasked */
	int64_t date_s;         /* of answers; 0: not said */
	/* what must not be empty when it is told to look; NULL: shown */
	const char *answer_seen;
	/* makes the chain for a request; NULL: "CHAIN" */
	const char *(*sign)(const char *csr);
	bool refuse_replaces;
	int pending_looks; /* at the authorization before it is decided */
	bool challenge_fails;
	bool already_valid;   /* the authorization */
	int processing_looks; /* at the order */
	unsigned retry_after_s;
	unsigned order_status; /* HTTP's of newOrder; 0: 201 */
	const char *order_problem;
	const char *challenges; /* NULL: FAKE_CHALLENGES */
	uint64_t wait_limit_ms; /* waiting longer is stopped; 0: never */
	/* what was seen */
	char log[4096];     /* paths asked for, one after the other */
	char payload[4096]; /* of the last newAccount or newOrder */
	char shown[512];    /* "KIND TOKEN AUTHORIZATION" */
	bool hidden;
	uint64_t waited_ms;
	/* state */
	unsigned serial;
	char nonce[32]; /* the one that is good */
	bool answered, finalized;
	unsigned orders; /* that were made */
	unsigned keeps;  /* that were remembered */
	char csr[2048];
	const struct acme_key *account;
};

static inline void
fake_answer(struct fake_ca *ca, struct acme_reply *reply, unsigned status,
    const char *body)
{
	reply->status = status;
	reply->retry_after_s = ca->retry_after_s;
	reply->date_s = ca->date_s;
	snprintf(ca->nonce, sizeof ca->nonce, "nonce%u", ++ca->serial);
	snprintf(reply->nonce, sizeof reply->nonce, "%s", ca->nonce);
	check_int(buf_append(&reply->body, body, strlen(body)), 0);
}

static inline void
fake_problem(struct fake_ca *ca, struct acme_reply *reply, unsigned status,
    const char *type)
{
	char body[256];

	snprintf(body, sizeof body,
	    "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"said\"}",
	    type);
	fake_answer(ca, reply, status, body);
}

static inline void
fake_decode(json_t *jws, const char *name, char *to, size_t cap)
{
	const char *text = json_string_value(json_object_get(jws, name));
	size_t n;

	check(text != NULL);
	check_int(
	    decode_base64url((uint8_t *)to, cap - 1, &n, slice_str(text)), 0);
	to[n] = '\0';
}

/* Checks what is signed; false: the nonce is not good. */
static inline bool
fake_open(struct fake_ca *ca, const char *url, struct slice post, char *payload,
    size_t cap)
{
	json_t *jws = json_loadb((const char *)post.p, post.n, 0, NULL);
	char text[2048];
	json_t *head;
	bool good;

	fake_decode(jws, "protected", text, sizeof text);
	fake_decode(jws, "payload", payload, cap);
	head = json_loads(text, 0, NULL);
	check_text(json_string_value(json_object_get(head, "url")), url);
	check_text(json_string_value(json_object_get(head, "alg")), "ES256");
	if (strstr(url, "/acct") != NULL &&
	    json_object_get(head, "kid") == NULL)
		check(json_is_object(json_object_get(head, "jwk")));
	else
		check_text(
		    json_string_value(json_object_get(head, "kid")), CA "/me");
	good = strcmp(json_string_value(json_object_get(head, "nonce")),
		   ca->nonce) == 0;
	ca->nonce[0] = '\0';
	json_decref(head);
	json_decref(jws);
	return good;
}

static inline void
fake_directory(struct fake_ca *ca, struct acme_reply *reply)
{
	char body[512];

	snprintf(body, sizeof body,
	    "{\"newNonce\":\"%s/nonce\",\"newAccount\":\"" CA
	    "/acct\",\"newOrder\":\"" CA "/order\",\"meta\":{"
	    "\"externalAccountRequired\":%s}}",
	    ca->leads_to_http ? "http://ca.example" : CA,
	    ca->binding_required ? "true" : "false");
	fake_answer(ca, reply, 200, body);
	reply->nonce[0] = '\0'; /* directories bring none */
	ca->nonce[0] = '\0';
}

static inline void
fake_account(struct fake_ca *ca, const char *payload, struct acme_reply *reply)
{
	if (strstr(payload, "onlyReturnExisting") != NULL && !ca->has_account) {
		fake_problem(ca, reply, 400,
		    ca->no_account != NULL ? ca->no_account
					   : "accountDoesNotExist");
		return;
	}
	snprintf(ca->payload, sizeof ca->payload, "%s", payload);
	fake_answer(ca, reply, ca->has_account ? 200 : 201, "{}");
	snprintf(reply->location, sizeof reply->location, CA "/me");
}

static inline void
fake_order(struct fake_ca *ca, struct acme_reply *reply, unsigned status)
{
	const char *name = !ca->answered && !ca->already_valid ? "pending"
	    : !ca->finalized                                   ? "ready"
	    : ca->processing_looks-- > 0                       ? "processing"
							       : "valid";
	char body[512];

	snprintf(body, sizeof body,
	    "{\"status\":\"%s\",\"authorizations\":[\"" CA
	    "/authz\"],\"finalize\":\"" CA "/finalize\"%s}",
	    name,
	    strcmp(name, "valid") == 0 ? ",\"certificate\":\"" CA "/cert\""
				       : "");
	fake_answer(ca, reply, status, body);
	snprintf(reply->location, sizeof reply->location, CA "/order/1");
}

static inline void
fake_new_order(
    struct fake_ca *ca, const char *payload, struct acme_reply *reply)
{
	snprintf(ca->payload, sizeof ca->payload, "%s", payload);
	ca->orders++;
	if (ca->order_status != 0)
		fake_problem(ca, reply, ca->order_status, ca->order_problem);
	else if (ca->refuse_replaces && strstr(payload, "replaces") != NULL)
		fake_problem(ca, reply, 409, "alreadyReplaced");
	else
		fake_order(ca, reply, 201);
}

static inline void
fake_authorization(struct fake_ca *ca, struct acme_reply *reply)
{
	const char *status;
	char body[2048];

	if (ca->challenge_begun && ca->shown[0] != '\0')
		ca->answered = true;
	status = ca->already_valid                     ? "valid"
	    : !ca->answered || ca->pending_looks-- > 0 ? "pending"
	    : ca->challenge_fails                      ? "invalid"
						       : "valid";
	snprintf(body, sizeof body, "{\"status\":\"%s\",\"challenges\":[%s%s]}",
	    status, ca->challenges != NULL ? ca->challenges : FAKE_CHALLENGES,
	    strcmp(status, "invalid") == 0
		? ",{\"type\":\"x\",\"error\":{\"type\":\"urn:ietf:params:"
		  "acme:error:connection\",\"detail\":\"timeout\"}}"
		: "");
	fake_answer(ca, reply, 200, body);
}

/* An opened request. */
static inline int
fake_post(struct fake_ca *ca, const char *path, const char *payload,
    struct acme_reply *reply, struct acme_error *error)
{
	if (strcmp(path, "/acct") == 0) {
		fake_account(ca, payload, reply);
	} else if (strcmp(path, "/order") == 0) {
		fake_new_order(ca, payload, reply);
	} else if (strcmp(path, "/order/1") == 0 && ca->order_gone) {
		fake_problem(ca, reply,
		    ca->order_status != 0 ? ca->order_status : 404,
		    "malformed");
	} else if (strcmp(path, "/order/1") == 0) {
		check_text(payload, "");
		fake_order(ca, reply, 200);
	} else if (strcmp(path, "/authz") == 0) {
		check_text(payload, "");
		fake_authorization(ca, reply);
	} else if (strncmp(path, "/chall-", 7) == 0) {
		check_text(payload, "{}");
		if (ca->answer_seen != NULL)
			check(ca->answer_seen[0] != '\0');
		else
			check(ca->shown[0] != '\0' && !ca->hidden);
		ca->answered = true;
		fake_answer(ca, reply, 200, "{\"status\":\"pending\"}");
	} else if (strcmp(path, "/finalize") == 0) {
		check_contains(payload, "{\"csr\":\"");
		snprintf(ca->csr, sizeof ca->csr, "%.*s",
		    (int)strcspn(payload + 8, "\""), payload + 8);
		ca->finalized = true;
		if (ca->lose_finalize)
			return acme_error_set(
			    error, ACME_FAULT_UNREACHABLE, "timed out");
		fake_order(ca, reply, 200);
	} else if (ca->no_chain) {
		fake_problem(ca, reply, 503, "serverInternal");
	} else {
		check_text(path, "/cert");
		fake_answer(ca, reply, 200,
		    ca->sign != NULL ? ca->sign(ca->csr) : "CHAIN");
	}
	return 0;
}

static inline int
fake_send(void *ctx, const char *url, const struct slice *post,
    struct acme_reply *reply, struct acme_error *error)
{
	struct fake_ca *ca = ctx;
	const char *path = url + strlen(CA);
	char payload[4096] = "";
	size_t n = strlen(ca->log);

	check(strncmp(url, CA, strlen(CA)) == 0);
	snprintf(ca->log + n, sizeof ca->log - n, "%s ", path);
	if (ca->offline)
		return acme_error_set(
		    error, ACME_FAULT_UNREACHABLE, "connection refused");
	if (post == NULL && strcmp(path, "/dir") == 0) {
		fake_directory(ca, reply);
		return 0;
	}
	if (post == NULL) {
		check_text(path, "/nonce");
		fake_answer(ca, reply, 204, "");
		return 0;
	}
	if (!fake_open(ca, url, *post, payload, sizeof payload) ||
	    ca->reject_nonces-- > 0) {
		fake_problem(ca, reply, 400, "badNonce");
		return 0;
	}
	return fake_post(ca, path, payload, reply, error);
}

static inline int
fake_wait(void *ctx, uint64_t ms)
{
	struct fake_ca *ca = ctx;

	ca->waited_ms += ms;
	return ca->wait_limit_ms != 0 && ca->waited_ms > ca->wait_limit_ms ? -1
									   : 0;
}

static inline int
fake_show(void *ctx, enum acme_kind kind, const char *token,
    const char *key_authorization, struct fail *why)
{
	struct fake_ca *ca = ctx;

	(void)why;
	snprintf(ca->shown, sizeof ca->shown, "%s %s %s",
	    kind == ACME_HTTP_01 ? "http" : "alpn", token, key_authorization);
	ca->hidden = false;
	return 0;
}

static inline int
fake_keep(void *ctx, const char *order, struct fail *why)
{
	struct fake_ca *ca = ctx;

	(void)why;
	check_text(order, CA "/order/1");
	check(!ca->finalized || ca->lose_finalize);
	ca->keeps++;
	return 0;
}

static inline void
fake_hide(void *ctx)
{
	struct fake_ca *ca = ctx;

	ca->hidden = true;
}

#endif
