/* websocket_request: see websocket_request.h. */
#include "websocket_request.h"

#include "encode.h"
#include "quote.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* RFC 6455 section 1.3. */
static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#define KEY_BYTES 16 /* of Sec-WebSocket-Key, decoded */
#define KEY_TEXT 24
#define SHA1_BYTES 20

#define VIOLATION "WebSocket protocol violation: "
#define NO_SNIFF "X-Content-Type-Options: nosniff\r\n"

static struct slice
header(const struct http1_request *req, const char *name)
{
	return http1_header(req->headers, req->header_count, name);
}

/* Whether the i-th header has that name. */
static bool
is_header(const struct http1_request *req, size_t i, const char *name)
{
	return slice_is_nocase(req->headers[i].name, name);
}

/* Whether the token is in one of the headers of that name. */
static bool
has_token(const struct http1_request *req, const char *name, const char *token)
{
	for (size_t i = 0; i < req->header_count; i++)
		if (is_header(req, i, name) &&
		    http1_has_token(req->headers[i].value, token))
			return true;
	return false;
}

static bool
contains(struct slice s, const char *text)
{
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

bool
websocket_request_is(const struct http1_request *req)
{
	return slice_is_nocase(header(req, "Upgrade"), "websocket") &&
	    contains(header(req, "Sec-WebSocket-Protocol"), "derp");
}

__attribute__((format(printf, 4, 5))) static int
refuse(struct websocket_refusal *r, unsigned status, const char *headers,
    const char *fmt, ...)
{
	va_list args;

	r->status = status;
	r->headers = headers;
	va_start(args, fmt);
	(void)vsnprintf(r->text, sizeof r->text, fmt, args);
	va_end(args);
	return -1;
}

static int
judge_method(const struct http1_request *req, struct websocket_refusal *r)
{
	char shown[QUOTE_TEXT];

	if (req->minor < 1)
		return refuse(r, 426, NO_SNIFF,
		    VIOLATION "handshake request must be at least HTTP/1.1: "
			      "\"HTTP/1.0\"");
	if (!has_token(req, "Connection", "Upgrade"))
		return refuse(r, 426,
		    "Connection: Upgrade\r\nUpgrade: websocket\r\n" NO_SNIFF,
		    VIOLATION "Connection header %s does not contain Upgrade",
		    quote_text(shown, header(req, "Connection")));
	if (!slice_is(req->method, "GET"))
		return refuse(r, 405, NO_SNIFF,
		    VIOLATION "handshake request method is not GET but %s",
		    quote_text(shown, req->method));
	if (!slice_is(header(req, "Sec-WebSocket-Version"), "13"))
		return refuse(r, 400, "Sec-WebSocket-Version: 13\r\n" NO_SNIFF,
		    "unsupported WebSocket protocol version (only 13 is "
		    "supported): %s",
		    quote_text(shown, header(req, "Sec-WebSocket-Version")));
	return 0;
}

/* The one key. */
static int
judge_key(const struct http1_request *req, struct slice *key,
    struct websocket_refusal *r)
{
	char shown[QUOTE_TEXT];
	uint8_t bytes[KEY_BYTES];
	size_t count = 0, n;

	*key = header(req, "Sec-WebSocket-Key");
	for (size_t i = 0; i < req->header_count; i++)
		count += is_header(req, i, "Sec-WebSocket-Key");
	if (count == 0)
		return refuse(
		    r, 400, NO_SNIFF, VIOLATION "missing Sec-WebSocket-Key");
	if (count > 1)
		return refuse(r, 400, NO_SNIFF,
		    VIOLATION "multiple Sec-WebSocket-Key headers");
	if (decode_base64(bytes, sizeof bytes, &n, *key) == -1 ||
	    n != KEY_BYTES)
		return refuse(r, 400, NO_SNIFF,
		    VIOLATION "invalid Sec-WebSocket-Key %s, must be a 16 byte "
			      "base64 encoded string",
		    quote_text(shown, *key));
	return 0;
}

/* Whether Go's url.Parse reads the port, or there is none. */
static bool
good_port(struct slice port)
{
	for (size_t i = 0; i < port.n; i++)
		if (!isdigit(port.p[i]))
			return false;
	return true;
}

/* Whether Go's url.Parse reads the part after "//". */
static bool
good_authority(struct slice s)
{
	struct slice head, port = slice_of(NULL, 0);

	if (s.n > 0 && s.p[0] == '[')
		return slice_cut(s, ']', &head, &port) &&
		    (port.n == 0 ||
			(port.p[0] == ':' &&
			    good_port(slice_of(port.p + 1, port.n - 1))));
	if (memchr(s.p, ']', s.n) != NULL || memchr(s.p, '%', s.n) != NULL ||
	    memchr(s.p, ' ', s.n) != NULL)
		return false;
	(void)slice_cut(s, ':', &head, &port);
	return good_port(port);
}

/* Any origin may use the relay, as any client may: what is told from it is
 * that something else than a browser has written the header. */
static int
judge_origin(const struct http1_request *req, struct websocket_refusal *r)
{
	const struct slice origin = header(req, "Origin");
	struct slice scheme, rest, authority;
	char shown[QUOTE_TEXT];
	bool good;

	good = !slice_cut(origin, ':', &scheme, &rest) || scheme.n > 0;
	for (size_t i = 0; i < origin.n; i++)
		good = good && origin.p[i] >= ' ' && origin.p[i] != 0x7f;
	if (good && slice_starts(rest, "//")) {
		(void)slice_cut(
		    slice_of(rest.p + 2, rest.n - 2), '/', &authority, &rest);
		good = good_authority(authority);
	}
	return good
	    ? 0
	    : refuse(r, 403, NO_SNIFF, "failed to parse Origin header %s",
		  quote_text(shown, origin));
}

static int
make_accept(struct slice key, char accept[static WEBSOCKET_ACCEPT_TEXT])
{
	uint8_t text[KEY_TEXT + sizeof accept_guid], sha1[SHA1_BYTES];
	struct writer w = writer_of(text, sizeof text);

	writer_bytes(&w, key.p, key.n);
	writer_bytes(&w, accept_guid, sizeof accept_guid - 1);
	if (w.failed || EVP_Digest(w.p, w.n, sha1, NULL, EVP_sha1(), NULL) != 1)
		return -1;
	return encode_base64(
	    accept, WEBSOCKET_ACCEPT_TEXT, slice_of(sha1, sizeof sha1));
}

/* Finds "derp" among the protocols of a header, in any case. */
static bool
find_protocol(struct slice list, char protocol[static 5])
{
	struct slice token;
	bool more;

	do {
		more = slice_cut(list, ',', &token, &list);
		token = slice_trim(token);
		if (!slice_is_nocase(token, "derp"))
			continue;
		memcpy(protocol, token.p, token.n);
		protocol[token.n] = '\0';
		return true;
	} while (more);
	return false;
}

int
websocket_request_judge(const struct http1_request *req,
    struct websocket_handshake *handshake, struct websocket_refusal *refusal)
{
	struct slice key;

	if (judge_method(req, refusal) == -1 ||
	    judge_key(req, &key, refusal) == -1 ||
	    judge_origin(req, refusal) == -1)
		return -1;
	if (make_accept(key, handshake->accept) == -1)
		return refuse(refusal, 500, NO_SNIFF, "no SHA-1");
	handshake->protocol[0] = '\0';
	for (size_t i = 0; i < req->header_count; i++)
		if (is_header(req, i, "Sec-WebSocket-Protocol") &&
		    find_protocol(req->headers[i].value, handshake->protocol))
			break;
	return 0;
}

void
websocket_request_accept(
    struct writer *w, const struct websocket_handshake *handshake)
{
	writer_printf(w,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n",
	    handshake->accept);
	if (handshake->protocol[0] != '\0')
		writer_printf(
		    w, "Sec-WebSocket-Protocol: %s\r\n", handshake->protocol);
	writer_printf(w, "Upgrade: websocket\r\n\r\n");
}
