/* fetch_body: see fetch_body.h. */
#include "fetch_body.h"

#include <limits.h>

#define CHUNK 16384                  /* bytes decoded at a time */
#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib: a gzip head is expected */

void
fetch_body_init(struct fetch_body *b, size_t max)
{
	*b = (struct fetch_body){ .coding = FETCH_BODY_PLAIN };
	buf_init(&b->text, max);
}

void
fetch_body_clear(struct fetch_body *b)
{
	if (b->has_gzip)
		(void)inflateEnd(&b->gzip);
	b->has_gzip = false;
	buf_clear(&b->text);
}

void
fetch_body_begin(struct fetch_body *b)
{
	const size_t max = b->text.max;

	fetch_body_clear(b);
	fetch_body_init(b, max);
}

void
fetch_body_code(struct fetch_body *b, struct slice value)
{
	b->coding =
	    slice_is_nocase(value, "gzip") || slice_is_nocase(value, "x-gzip")
	    ? FETCH_BODY_GZIP
	    : FETCH_BODY_PLAIN;
}

/* Appends what fits. */
static bool
append(struct fetch_body *b, struct slice bytes)
{
	const size_t room = b->text.max - buf_len(&b->text);

	if (buf_append(&b->text, bytes.p, bytes.n < room ? bytes.n : room) ==
	    -1) {
		b->no_memory = true;
		return false;
	}
	b->is_cut = bytes.n > room;
	return !b->is_cut;
}

/* Gets ready for a member. */
static bool
begin_member(struct fetch_body *b)
{
	int status;

	if (b->has_gzip) {
		status = inflateReset(&b->gzip);
	} else {
		b->gzip = (z_stream){ .opaque = Z_NULL };
		status = inflateInit2(&b->gzip, GZIP_WINDOW);
		b->has_gzip = status == Z_OK;
	}
	b->no_memory = status != Z_OK;
	b->coding = FETCH_BODY_IN_GZIP;
	return status == Z_OK;
}

/* Decodes what there is, as far as the end of the member. */
static bool
decode_member(struct fetch_body *b)
{
	uint8_t chunk[CHUNK];
	int status;

	do {
		b->gzip.next_out = chunk;
		b->gzip.avail_out = sizeof chunk;
		status = inflate(&b->gzip, Z_NO_FLUSH);
		b->no_memory = status == Z_MEM_ERROR;
		/* Z_BUF_ERROR: there is nothing to do without more bytes */
		b->is_bad = status != Z_OK && status != Z_STREAM_END &&
		    status != Z_BUF_ERROR && status != Z_MEM_ERROR;
		if (b->no_memory || b->is_bad ||
		    !append(
			b, slice_of(chunk, sizeof chunk - b->gzip.avail_out)))
			return false;
	} while (status == Z_OK && b->gzip.avail_out == 0);
	if (status == Z_STREAM_END)
		b->coding = FETCH_BODY_GZIP_END;
	return true;
}

bool
fetch_body_add(struct fetch_body *b, struct slice bytes)
{
	if (b->coding == FETCH_BODY_PLAIN)
		return append(b, bytes);
	if (bytes.n > UINT_MAX)
		return false; /* libcurl gives 16 KiB */
	while (bytes.n > 0) {
		size_t left;

		if (b->coding != FETCH_BODY_IN_GZIP && !begin_member(b))
			return false;
		b->gzip.next_in = (z_const Bytef *)bytes.p;
		b->gzip.avail_in = (uInt)bytes.n;
		if (!decode_member(b))
			return false;
		left = b->gzip.avail_in;
		bytes = slice_of(bytes.p + (bytes.n - left), left);
	}
	return true;
}

const char *
fetch_body_fault(const struct fetch_body *b)
{
	if (b->is_bad)
		return "the answer is not gzip, though it says so";
	if (b->coding == FETCH_BODY_IN_GZIP && !b->is_cut)
		return "the answer ends within its gzip coding: it is not "
		       "whole";
	return NULL;
}
