/* tls_answer: see tls_answer.h. */
#include "tls_answer.h"

#include <string.h>

#define CONTENT_TYPE_FIRST 20 /* change_cipher_spec */
#define CONTENT_TYPE_LAST 24  /* heartbeat, RFC 6520 */
#define VERSION_MAJOR 3       /* of SSL 3.0 and everything after it */

void
tls_answer_keep(struct tls_answer *a, struct slice bytes)
{
	const size_t room = sizeof a->first - a->n;
	const size_t n = bytes.n < room ? bytes.n : room;

	if (n > 0)
		memcpy(a->first + a->n, bytes.p, n);
	a->n += n;
}

static bool
starts_nocase(struct slice text, const char *with)
{
	const size_t n = strlen(with);

	return text.n >= n && slice_is_nocase(slice_of(text.p, n), with);
}

/* Some servers read a ClientHello as a request of HTTP/0.9, and send a page
 * without a head. */
static bool
is_http(struct slice text)
{
	return slice_starts(text, "HTTP/") || starts_nocase(text, "<html") ||
	    starts_nocase(text, "<!doctype html");
}

static bool
is_record(struct slice bytes)
{
	struct reader r = { .rest = bytes };
	const uint8_t type = reader_u8(&r), major = reader_u8(&r);

	return type >= CONTENT_TYPE_FIRST && type <= CONTENT_TYPE_LAST &&
	    (r.failed || major == VERSION_MAJOR);
}

enum tls_answer_kind
tls_answer_kind(const struct tls_answer *a)
{
	const struct slice bytes = slice_of(a->first, a->n);

	if (bytes.n == 0)
		return TLS_ANSWER_NONE;
	if (is_record(bytes))
		return TLS_ANSWER_TLS;
	return is_http(bytes) ? TLS_ANSWER_HTTP : TLS_ANSWER_OTHER;
}
