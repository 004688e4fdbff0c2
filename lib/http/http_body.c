/* http_body: see http_body.h. */
#include "http_body.h"

#include "num.h"

/* One walk over chunks: to measure, or to copy. */
struct chunks {
	struct reader r;
	size_t whole; /* bytes of r at the beginning */
	size_t max;   /* bytes of body that are accepted */
	size_t len;   /* bytes of body so far */
	size_t framing;
	struct writer *out; /* NULL: measure only */
};

static enum http_body_result walk(struct chunks *c, size_t *need);

static struct slice
header(const struct http1_request *req, const char *name)
{
	return http1_header(req->headers, req->header_count, name);
}

bool
http_body_follows(const struct http1_request *req)
{
	const struct slice length = header(req, "Content-Length");

	return header(req, "Transfer-Encoding").p != NULL ||
	    (length.p != NULL && !slice_is(length, "0"));
}

static enum http_body_result
find_length(
    struct slice text, struct slice in, size_t max, struct http_body *body)
{
	uint64_t n;

	if (text.p == NULL)
		n = 0;
	else if (num_parse_decimal(text, INT64_MAX, &n) == -1)
		return HTTP_BODY_BAD;
	if (n > max)
		return HTTP_BODY_TOO_LONG;
	body->need = body->len = (size_t)n;
	if (in.n < body->len)
		return HTTP_BODY_MORE;
	body->wire = slice_of(in.p, body->len);
	return HTTP_BODY_OK;
}

enum http_body_result
http_body_find(const struct http1_request *req, struct slice in, size_t max,
    struct http_body *body)
{
	struct chunks c = { .r = { .rest = in }, .whole = in.n, .max = max };
	enum http_body_result result;

	*body = (struct http_body){
		.chunked = header(req, "Transfer-Encoding").p != NULL
	};
	if (!body->chunked)
		return find_length(
		    header(req, "Content-Length"), in, max, body);
	result = walk(&c, &body->need);
	if (result != HTTP_BODY_OK)
		return result;
	body->len = c.len;
	body->wire = slice_of(in.p, in.n - c.r.rest.n);
	return HTTP_BODY_OK;
}

void
http_body_copy(const struct http_body *body, struct writer *w)
{
	struct chunks c = { .r = { .rest = body->wire },
		.whole = body->wire.n,
		.max = body->len,
		.out = w };
	size_t need;

	if (body->chunked)
		(void)walk(&c, &need);
	else
		writer_bytes(w, body->wire.p, body->wire.n);
}

/* Takes a line that ends in CRLF, without it. */
static enum http_body_result
take_line(struct chunks *c, struct slice *line)
{
	struct slice tail, before;
	const bool whole = slice_cut(c->r.rest, '\n', line, &tail);

	c->framing += line->n + 1;
	if (c->framing > HTTP_BODY_FRAMING_MAX)
		return HTTP_BODY_TOO_LONG;
	if (!whole)
		return HTTP_BODY_MORE;
	/* the first CR must be the one before the LF (section 2.2) */
	if (!slice_cut(*line, '\r', &before, &tail) || tail.n > 0)
		return HTTP_BODY_BAD;
	(void)reader_take(&c->r, line->n + 1);
	*line = before;
	return HTTP_BODY_OK;
}

/* chunk-size [chunk-ext]: the size at the front of the line. */
static enum http_body_result
parse_size(const struct chunks *c, struct slice line, size_t *size)
{
	struct slice text, extension;
	struct reader r;

	slice_cut(line, ';', &text, &extension);
	r = (struct reader){ .rest = slice_trim(text) };
	*size = 0;
	if (r.rest.n == 0 || r.rest.p != line.p)
		return HTTP_BODY_BAD;
	while (r.rest.n > 0) {
		const int digit = num_hex_digit(reader_u8(&r));

		if (digit == -1)
			return HTTP_BODY_BAD;
		*size = *size * 16 + (size_t)digit;
		if (*size > c->max - c->len)
			return HTTP_BODY_TOO_LONG;
	}
	return HTTP_BODY_OK;
}

/* Trailers until the blank line. */
static enum http_body_result
skip_trailers(struct chunks *c)
{
	enum http_body_result result;
	struct slice line;

	do
		result = take_line(c, &line);
	while (result == HTTP_BODY_OK && line.n > 0);
	return result;
}

/* The bytes of a chunk and the line end after them. */
static enum http_body_result
take_chunk(struct chunks *c, size_t size)
{
	struct slice data;

	if (c->r.rest.n < size + 2)
		return HTTP_BODY_MORE;
	data = reader_take(&c->r, size);
	if (!slice_is(reader_take(&c->r, 2), "\r\n"))
		return HTTP_BODY_BAD;
	c->framing += 2;
	c->len += size;
	if (c->out != NULL)
		writer_bytes(c->out, data.p, data.n);
	return HTTP_BODY_OK;
}

static enum http_body_result
walk(struct chunks *c, size_t *need)
{
	enum http_body_result result;
	struct slice line;
	size_t size;

	for (;;) {
		/* at least one byte more than there is now */
		*need = c->whole + 1;
		result = take_line(c, &line);
		if (result != HTTP_BODY_OK)
			return result;
		result = parse_size(c, line, &size);
		if (result != HTTP_BODY_OK)
			return result;
		if (size == 0)
			return skip_trailers(c);
		*need = c->whole - c->r.rest.n + size + 2;
		result = take_chunk(c, size);
		if (result != HTTP_BODY_OK)
			return result;
	}
}
