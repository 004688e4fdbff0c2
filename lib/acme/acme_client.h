/*
 * acme_client: signed requests to a certificate authority, and an account
 * there.
 *
 * Nothing here opens a connection or knows a clock: a struct acme_transport
 * sends and waits. A nonce that the authority rejects is replaced and the
 * request sent again; a request that it cannot answer now is left to the
 * caller, who learns how long to stay away. An authority that is asked over
 * https is never asked without it, wherever its answers lead. Life:
 * acme_client_new ->
 * acme_client_open -> acme_client_post ... -> acme_client_free. Threads: used
 * by one at a time; blocks as the transport does. Source: RFC 8555 6 and 7.3.
 */
#ifndef DERPKIT_ACME_CLIENT_H
#define DERPKIT_ACME_CLIENT_H

#include "acme_answer.h"
#include "acme_jws.h"

#define ACME_NONCE_MAX 256

/* What the authority answered. */
struct acme_reply {
	unsigned status;
	char nonce[ACME_NONCE_MAX];  /* "": none, or not usable */
	char location[ACME_URL_MAX]; /* likewise */
	unsigned retry_after_s;      /* 0: not said */
	int64_t date_s;              /* the sender's clock; 0: not said */
	struct buf body;             /* owned: acme_reply_clear */
};

void acme_reply_init(struct acme_reply *reply);
void acme_reply_clear(struct acme_reply *reply);

struct acme_error;

/* Sends for the client. All functions block. */
struct acme_transport {
	void *ctx;
	/* A GET, or a POST of application/jose+json with the body at `post`.
	 * *reply is initialised and empty. -1 and *error when there is no whole
	 * answer. */
	int (*send)(void *ctx, const char *url, const struct slice *post,
	    struct acme_reply *reply, struct acme_error *error);
	/* -1 when it is to end before that. */
	int (*wait)(void *ctx, uint64_t ms);
};

enum acme_fault {
	ACME_FAULT_NONE,
	ACME_FAULT_UNREACHABLE, /* no answer, or one that tells of trouble of
				   its own (5xx, no nonce is good) */
	ACME_FAULT_LIMITED,     /* too many requests or orders */
	ACME_FAULT_REFUSED,     /* a problem that trying again will not mend */
	ACME_FAULT_CHALLENGE,   /* it did not find the proof where it looked */
	ACME_FAULT_OURS,        /* memory, OpenSSL, a file */
	ACME_FAULT_STOPPED,     /* told to end */
};
#define ACME_FAULT_COUNT (ACME_FAULT_STOPPED + 1)

/* Why something failed. */
struct acme_error {
	enum acme_fault fault;
	unsigned status;        /* of HTTP; 0: there was no answer */
	char type[64];          /* of the problem document; "": none */
	unsigned retry_after_s; /* what the authority asks for; 0: nothing */
	struct fail why;
};

/* Sets the fault, and the reason unless there is one. Always -1. */
__attribute__((format(printf, 3, 4))) int acme_error_set(
    struct acme_error *error, enum acme_fault fault, const char *fmt, ...);

/* All borrowed until acme_client_free. */
struct acme_client_config {
	struct acme_transport transport;
	const char *directory;       /* URL */
	const char *email;           /* "": no contact */
	struct acme_binding binding; /* kid "": none */
	const struct acme_key *account;
};

struct acme_client;

/* Returns owned; NULL when memory is short. */
struct acme_client *acme_client_new(const struct acme_client_config *config);
void acme_client_free(struct acme_client *c);

/* Reads the directory and finds the account, or makes one. */
int acme_client_open(struct acme_client *c, struct acme_error *error);

/* The directory, once it is open; borrowed. */
const struct acme_directory *acme_client_directory(const struct acme_client *c);

/* What the authority's clock said in its last answer, in seconds since 1970; 0:
 * it has not said. */
int64_t acme_client_date_s(const struct acme_client *c);

/* The key authorization of a token: text[ACME_AUTHORIZATION_TEXT]. */
#define ACME_AUTHORIZATION_TEXT (ACME_TOKEN_MAX + 48)
void acme_client_authorize(const struct acme_client *c, const char *token,
    char text[static ACME_AUTHORIZATION_TEXT]);

/* Sends the payload (JSON; "" to fetch), as the account. *reply is initialised
 * by the caller, and has a status of 2xx on success. */
int acme_client_post(struct acme_client *c, const char *url,
    const char *payload, struct acme_reply *reply, struct acme_error *error);

/* Fetches what is public. Likewise. */
int acme_client_get(struct acme_client *c, const char *url,
    struct acme_reply *reply, struct acme_error *error);

/* Waits; fails when it is to end before that. */
int acme_client_wait(
    struct acme_client *c, uint64_t ms, struct acme_error *error);

#endif
