/*
 * records: the client's end of TLS 1.3 once the handshake is over, cheaper
 * than an SSL object.
 *
 * The load tool would otherwise be the limit before a relay that takes over
 * its records. Sequences: records_new -> records_secret for every line of the
 * key log -> records_start when the handshake is done -> records_open,
 * records_seal ... -> records_free. Threads: one wire's.
 * Source: RFC 8446 §4.6.3, §5, §7.
 */
#ifndef DERPKIT_RECORDS_H
#define DERPKIT_RECORDS_H

#include "tls_record.h"

#include <openssl/ssl.h>

struct records;

/* Returns owned. */
struct records *records_new(void);
/* Wipes. NULL is fine. */
void records_free(struct records *r);

/* A line of OpenSSL's key log (NSS format). */
void records_secret(struct records *r, const char *line);

/* Takes over from ssl, which has just finished and read nothing beyond. False:
 * it is not TLS 1.3, or a cipher that we do not know: go on with ssl. */
bool records_start(struct records *r, const SSL *ssl);

enum records_status {
	RECORDS_OK,  /* what is left of *in is part of a record */
	RECORDS_EOF, /* the relay has closed */
	RECORDS_BAD, /* *why tells */
};

/* Opens all whole records of *in; application bytes go to plain, which must
 * have room for all of *in, answers to wire. */
enum records_status records_open(struct records *r, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why);

/* Seals at most TLS_RECORD_CONTENT_MAX bytes. -1: no room, or no memory. */
int records_seal(struct records *r, struct slice bytes, struct writer *wire);

#endif
