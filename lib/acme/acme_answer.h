/*
 * acme_answer: what a certificate authority answers: JSON to structs.
 *
 * Members and challenge types that are not known are ignored, and so is a
 * challenge without a usable URL or token (the alphabet is that of RFC 8555
 * 8.3): another may do. Other texts that are too long for their place, and URLs
 * that are not http or https, make an answer unusable. Threads: pure
 * functions. Source: RFC 8555 7.1, RFC 9773 (renewal information).
 */
#ifndef DERPKIT_ACME_ANSWER_H
#define DERPKIT_ACME_ANSWER_H

#include "acme_reading.h"
#include "bytes.h"
#include "fail.h"

#define ACME_URL_MAX 1024
#define ACME_TOKEN_MAX 256
#define ACME_BODY_MAX 262144 /* bytes of any answer that are read */
#define ACME_AUTHORIZATIONS_MAX 4
#define ACME_CHALLENGES_MAX 4 /* of those types that are known */

struct acme_directory {
	char new_nonce[ACME_URL_MAX], new_account[ACME_URL_MAX],
	    new_order[ACME_URL_MAX];
	char renewal_info[ACME_URL_MAX]; /* "": not offered */
	bool binding_required;           /* accounts need an external binding */
	bool short_lived;                /* has the profile "shortlived" */
};

enum acme_status {
	ACME_PENDING,
	ACME_READY,
	ACME_PROCESSING,
	ACME_VALID,
	ACME_INVALID, /* and whatever else cannot become valid */
};

/* Of a failure; printable. */
struct acme_problem {
	char type[64]; /* without "urn:ietf:params:acme:error:"; "": none */
	char detail[256];
};

enum acme_kind { ACME_HTTP_01 = 1, ACME_TLS_ALPN_01 = 2 }; /* bits */

struct acme_challenge {
	enum acme_kind kind;
	enum acme_status status;
	char url[ACME_URL_MAX];
	char token[ACME_TOKEN_MAX];
};

struct acme_authorization {
	enum acme_status status;
	struct acme_challenge challenges[ACME_CHALLENGES_MAX];
	size_t count;
	struct acme_problem problem; /* of the challenge that failed */
};

struct acme_order {
	enum acme_status status;
	char authorizations[ACME_AUTHORIZATIONS_MAX][ACME_URL_MAX];
	size_t count;
	char finalize[ACME_URL_MAX];
	char certificate[ACME_URL_MAX]; /* "": not there yet */
	struct acme_problem problem;
};

/* When the authority would like a certificate to be renewed, in seconds since
 * 1970: from_s < to_s. */
struct acme_window {
	int64_t from_s, to_s;
};

/* Why it is not read, when it is not, is in *why. */
enum acme_reading acme_answer_directory(
    struct slice body, struct acme_directory *d, struct fail *why);
enum acme_reading acme_answer_order(
    struct slice body, struct acme_order *order, struct fail *why);
enum acme_reading acme_answer_authorization(
    struct slice body, struct acme_authorization *a, struct fail *why);
enum acme_reading acme_answer_window(
    struct slice body, struct acme_window *window, struct fail *why);

/* A problem document (RFC 7807); what is none leaves *problem empty. */
enum acme_reading acme_answer_problem(
    struct slice body, struct acme_problem *problem);

#endif
