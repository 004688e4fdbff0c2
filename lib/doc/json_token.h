/*
 * json_token: JSON text to tokens, as Go's encoding/json cuts them.
 *
 * The one JSON tokenizer: doc_json (documents with places) and lib/proto's
 * gojson (frames and admission) put their grammar on top of it. It knows
 * blanks, literals, numbers, strings and their escapes; it does not know which
 * token may follow which.
 *
 * Use: json_token_peek tells from its first byte which token is next, so that
 * the caller can reject one that is out of place before it is read;
 * json_token_take reads it. Nothing is allocated, because unauthenticated
 * clients send such texts.
 *
 * Source: RFC 8259; Go encoding/json, documented and observed behaviour.
 * Threads: plain values; tokens borrow from the text.
 */
#ifndef DERPKIT_JSON_TOKEN_H
#define DERPKIT_JSON_TOKEN_H

#include "bytes.h"

enum json_token_kind {
	JSON_TOKEN_NULL,
	JSON_TOKEN_FALSE,
	JSON_TOKEN_TRUE,
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_STRING,
	JSON_TOKEN_ARRAY,      /* [ */
	JSON_TOKEN_OBJECT,     /* { */
	JSON_TOKEN_ARRAY_END,  /* ] */
	JSON_TOKEN_OBJECT_END, /* } */
	JSON_TOKEN_COLON,
	JSON_TOKEN_COMMA,
	JSON_TOKEN_END,  /* the text ends */
	JSON_TOKEN_NONE, /* no token begins with this byte */
};

struct json_scan {
	struct slice text;    /* borrowed */
	size_t at;            /* byte offset of what is read next */
	bool comments;        /* comments count as blanks, as in HuJSON */
	const char *expected; /* after a failure: what should be at `at`, for
				 people; static */
};

struct json_token {
	enum json_token_kind kind;
	bool is_plain;     /* a string without escapes, in ASCII only: what is
			      between the quotes is its value */
	struct slice text; /* as written, with quotes; a number is its text */
};

/* A scanner at the start of the text, which is borrowed. */
struct json_scan json_token_scan(struct slice text);

/* Steps over blanks (and comments, when s->comments is set; one without end is
 * JSON_TOKEN_NONE) and tells from its first byte which token is next. */
enum json_token_kind json_token_peek(struct json_scan *s);

/* Reads the token that json_token_peek has announced. -1 when it is malformed:
 * s->at is then the first wrong byte and s->expected says what should be there.
 * JSON_TOKEN_END and JSON_TOKEN_NONE are malformed, too. */
int json_token_take(struct json_scan *s, struct json_token *t);

/* What is between the quotes of a string token, escapes and all. */
struct slice json_token_inside(const struct json_token *t);

/*
 * Takes the next code point off *rest, which starts as json_token_inside and
 * is not empty. Bytes that are not UTF-8 are U+FFFD, one each, and so is a
 * surrogate escape without its other half.
 */
uint32_t json_token_code(struct slice *rest);

/* The value of a string token as UTF-8. -1 when it does not fit; the value has
 * at most three bytes for each byte of the token's text. */
int json_token_string(const struct json_token *t, struct writer *w);

/* Bytes of that value. */
size_t json_token_string_len(const struct json_token *t);

#endif
