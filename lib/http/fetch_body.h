/*
 * fetch_body: the body of a response as it arrives, up to a maximum, without
 * its gzip coding (RFC 1952).
 *
 * libcurl would decode it, too, and takes a coding that ends too early for the
 * whole: half of a list would be the list. zlib is what libcurl uses.
 *
 * Life: fetch_body_init -> (fetch_body_begin -> fetch_body_add... ->
 * fetch_body_fault) for each response -> fetch_body_clear. Threads: used by one
 * at a time.
 */
#ifndef DERPKIT_FETCH_BODY_H
#define DERPKIT_FETCH_BODY_H

#include "buf.h"

#include <stdbool.h>
#include <zlib.h>

enum fetch_body_coding {
	FETCH_BODY_PLAIN,
	FETCH_BODY_GZIP,     /* nothing of it has come yet */
	FETCH_BODY_IN_GZIP,  /* more must come */
	FETCH_BODY_GZIP_END, /* a member is complete; another may follow */
};

struct fetch_body {
	struct buf text;
	enum fetch_body_coding coding;
	z_stream gzip;
	bool has_gzip;  /* it is to be ended */
	bool is_cut;    /* longer than the maximum, and as long as that */
	bool no_memory; /* for it */
	bool is_bad;    /* not gzip, though it says so */
};

void fetch_body_init(struct fetch_body *b, size_t max);
void fetch_body_clear(struct fetch_body *b);

/* Forgets what there is. */
void fetch_body_begin(struct fetch_body *b);

/* Takes the value of a Content-Encoding field. Other codings than gzip stay as
 * they are, as with Go. */
void fetch_body_code(struct fetch_body *b, struct slice value);

/* Takes more of it. false: no more is wanted, see the members. */
bool fetch_body_add(struct fetch_body *b, struct slice bytes);

/* What is wrong with its coding when all has come; NULL: nothing. */
const char *fetch_body_fault(const struct fetch_body *b);

#endif
