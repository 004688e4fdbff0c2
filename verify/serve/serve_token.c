/* serve_token: see serve_token.h. */
#include "serve_token.h"

#include "encode.h"
#include "infile.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 16384 /* bytes */
#define HASH crypto_generichash_BYTES

struct serve_tokens {
	uint8_t hashes[SERVE_TOKENS_MAX][HASH];
	size_t count;
};

static bool
is_token_byte(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
	    (b >= '0' && b <= '9') || (b != '\0' && strchr("-._~", b) != NULL);
}

/* What may be in a header and in a path as it is. */
static int
check_token(struct slice token, struct fail *why)
{
	struct reader r = { .rest = token };

	if (token.n < SERVE_TOKEN_BYTES_MIN || token.n > SERVE_TOKEN_BYTES_MAX)
		return fail_set(why,
		    "a token has %zu characters; it must have %d to %d "
		    "(openssl rand -hex 32 makes one)",
		    token.n, SERVE_TOKEN_BYTES_MIN, SERVE_TOKEN_BYTES_MAX);
	while (r.rest.n > 0)
		if (!is_token_byte(reader_u8(&r)))
			return fail_set(why,
			    "a token has characters other than letters, "
			    "digits and -._~");
	return 0;
}

static void
hash(uint8_t out[static HASH], struct slice token)
{
	crypto_generichash(out, HASH, token.p, token.n, NULL, 0);
}

static int
add_token(struct serve_tokens *t, struct slice token, struct fail *why)
{
	if (check_token(token, why) == -1)
		return -1;
	if (t->count == SERVE_TOKENS_MAX)
		return fail_set(why, "more than %d tokens", SERVE_TOKENS_MAX);
	hash(t->hashes[t->count++], token);
	return 0;
}

static int
add_lines(struct serve_tokens *t, struct slice text, struct fail *why)
{
	struct slice line;

	while (text.n > 0) {
		slice_cut(text, '\n', &line, &text);
		line = slice_trim(line);
		if (line.n > 0 && !slice_starts(line, "#") &&
		    add_token(t, line, why) == -1)
			return -1;
	}
	return t->count > 0 ? 0 : fail_set(why, "there is not one token in it");
}

/* Frees the text, which has secrets. */
static void
wipe(struct buf *text)
{
	if (text->p != NULL)
		sodium_memzero(text->p, text->cap);
	buf_clear(text);
}

struct serve_tokens *
serve_tokens_load(const char *path, struct fail *why)
{
	struct serve_tokens *t = calloc(1, sizeof *t);
	struct fail inner = { 0 };
	struct buf text;

	if (t == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	if (infile_read(&text, path, FILE_MAX, why) == -1)
		goto failed;
	if (add_lines(t, buf_slice(&text), &inner) == -1) {
		fail_set(why, "%s: %s", path, inner.text);
		goto failed;
	}
	wipe(&text);
	return t;

failed:
	wipe(&text);
	free(t);
	return NULL;
}

void
serve_tokens_free(struct serve_tokens *t)
{
	free(t);
}

/* Takes the same time whichever of them it is, and for none. */
static bool
matches(const struct serve_tokens *t, struct slice candidate)
{
	uint8_t hashed[HASH];
	int found = 0;

	hash(hashed, candidate);
	for (size_t i = 0; i < t->count; i++)
		found |= sodium_memcmp(t->hashes[i], hashed, HASH) == 0;
	return found != 0;
}

/* The password of Basic credentials; empty when there is none. */
static struct slice
password(struct slice encoded, uint8_t *bytes, size_t cap)
{
	struct slice user, after = slice_of(NULL, 0);
	size_t n;

	if (decode_base64(bytes, cap, &n, encoded) == 0)
		slice_cut(slice_of(bytes, n), ':', &user, &after);
	return after;
}

bool
serve_tokens_accept(
    const struct serve_tokens *t, const struct http1_request *req)
{
	uint8_t bytes[2 * SERVE_TOKEN_BYTES_MAX];
	struct reader path = { .rest = req->path };
	struct slice scheme, rest;
	bool found = false;

	slice_cut(
	    http1_header(req->headers, req->header_count, "Authorization"), ' ',
	    &scheme, &rest);
	rest = slice_trim(rest);
	if (slice_is_nocase(scheme, "Bearer"))
		found = matches(t, rest);
	else if (slice_is_nocase(scheme, "Basic"))
		found = matches(t, password(rest, bytes, sizeof bytes));
	sodium_memzero(bytes, sizeof bytes);
	if (!found && slice_starts(req->path, SERVE_TOKEN_PATH)) {
		(void)reader_take(&path, strlen(SERVE_TOKEN_PATH));
		found = matches(t, path.rest);
	}
	return found;
}
