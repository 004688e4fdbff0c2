/* fetch: see fetch.h. Redirects are followed here and not by libcurl, so that
 * each hop gets its own proxy and "no response" means: none from the last. */
#include "fetch.h"

#include "buf.h"
#include "clock.h"
#include "fetch_body.h"
#include "fetch_fault.h"
#include "fetch_short.h"
#include "num.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_REQUESTS_MAX 10  /* along redirects; Go's net/http client.go */
#define FETCH_EXEMPT_MAX 65536 /* bytes of NO_PROXY and our own addition */
#define RETRY_AFTER_MAX_S 86400
#define FETCH_USER_AGENT "Go-http-client/1.1" /* Go's net/http request.go */
/* what Go's x/net/http/httpproxy never sends through a proxy */
#define FETCH_LOOPBACK "localhost,127.0.0.0/8,::1"

struct fetch_client {
	pthread_mutex_t lock;
	size_t idle_count; /* locked by lock */
	size_t max_idle;   /* immutable */
	CURL *idle[];      /* locked by lock; with their connections */
};

/* One request of the chain. */
struct hop {
	const struct fetch_request *request;
	struct fetch_response *response;
	CURL *curl;
	struct curl_slist *headers; /* owned */
	struct fetch_body body;
	bool is_post;
	bool head_done; /* the head of a final response is complete */
	struct fetch_short lack;
	char error[CURL_ERROR_SIZE];
};

static CURL *client_take(struct fetch_client *c);
static void client_give(struct fetch_client *c, CURL *curl);
static enum fetch_result follow(struct hop *hop, struct fail *why);

int
fetch_global_init(void)
{
	return fetch_short_init();
}

struct fetch_client *
fetch_client_new(size_t max_idle)
{
	struct fetch_client *c =
	    calloc(1, sizeof *c + max_idle * sizeof c->idle[0]);

	if (c == NULL)
		return NULL;
	c->max_idle = max_idle;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
fetch_client_free(struct fetch_client *c)
{
	if (c == NULL)
		return;
	while (c->idle_count > 0)
		curl_easy_cleanup(c->idle[--c->idle_count]);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static CURL *
client_take(struct fetch_client *c)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->idle_count > 0)
		curl = c->idle[--c->idle_count];
	pthread_mutex_unlock(&c->lock);
	return curl != NULL ? curl : curl_easy_init();
}

static void
client_give(struct fetch_client *c, CURL *curl)
{
	curl_easy_reset(curl); /* keeps the connections */
	pthread_mutex_lock(&c->lock);
	if (c->idle_count < c->max_idle) {
		c->idle[c->idle_count++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (curl != NULL)
		curl_easy_cleanup(curl);
}

/* Go's http.StatusText for what admission servers and proxies answer. */
static const char *
phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} table[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Request Entity Too Large" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].status == status)
			return table[i].phrase;
	return "";
}

/* "HTTP/1.1 403 Forbidden" to status and status_line. */
static void
read_status_line(struct hop *hop, struct slice line)
{
	struct fetch_response *response = hop->response;
	struct slice version, rest, code, text;
	unsigned status = 0;
	const char *known;

	slice_cut(line, ' ', &version, &rest);
	slice_cut(slice_trim(rest), ' ', &code, &text);
	for (struct reader r = { .rest = code }; r.rest.n > 0;) {
		uint8_t digit = reader_u8(&r);

		if (digit >= '0' && digit <= '9' && status < 1000)
			status = status * 10 + (unsigned)(digit - '0');
	}
	text = slice_trim(text);
	known = phrase(status);
	if (text.n == 0)
		text = slice_str(known);
	response->status = status;
	snprintf(response->status_line, sizeof response->status_line,
	    "%03u %.*s", status, (int)(text.n < 100 ? text.n : 100),
	    (const char *)text.p);
}

/* A value that is sent back some day: whole or not at all. */
static void
keep_value(char *to, size_t cap, struct slice value)
{
	to[0] = '\0';
	if (value.n >= cap || memchr(value.p, '\0', value.n) != NULL)
		return;
	memcpy(to, value.p, value.n);
	to[value.n] = '\0';
}

int64_t
fetch_date_s(const char *text)
{
	const int64_t at_s = (int64_t)curl_getdate(text, NULL);

	return at_s > 0 ? at_s : 0;
}

/* "Retry-After: 120" or a date. RFC 9110 10.2.3. */
static void
read_retry_after(struct fetch_response *response, struct slice value)
{
	uint64_t seconds;
	char date[64];
	int64_t left_s;

	if (num_parse_decimal(value, UINT64_MAX, &seconds) == 0) {
		response->retry_after_s = seconds < RETRY_AFTER_MAX_S
		    ? (unsigned)seconds
		    : RETRY_AFTER_MAX_S;
		return;
	}
	keep_value(date, sizeof date, value);
	left_s = fetch_date_s(date) - clock_wall_s();
	if (left_s > 0)
		response->retry_after_s = left_s < RETRY_AFTER_MAX_S
		    ? (unsigned)left_s
		    : RETRY_AFTER_MAX_S;
}

static void
read_field(struct hop *hop, struct slice line)
{
	struct fetch_response *response = hop->response;
	struct slice name, value;

	if (!slice_cut(line, ':', &name, &value))
		return;
	name = slice_trim(name);
	value = slice_trim(value);
	for (size_t i = 0; i < hop->request->field_count; i++) {
		const struct fetch_field *field = &hop->request->fields[i];

		if (slice_is_nocase(name, field->name))
			keep_value(field->to, field->cap, value);
	}
	if (slice_is_nocase(name, "Retry-After"))
		read_retry_after(response, value);
	else if (slice_is_nocase(name, "Content-Encoding"))
		fetch_body_code(&hop->body, value);
	else if (slice_is_nocase(name, "ETag"))
		keep_value(response->etag, sizeof response->etag, value);
	else if (slice_is_nocase(name, "Last-Modified"))
		keep_value(response->last_modified,
		    sizeof response->last_modified, value);
}

static size_t
on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct hop *hop = ctx;
	struct slice line = slice_trim(slice_of(p, size * n));

	if (slice_starts(line, "HTTP/")) {
		read_status_line(hop, line);
		fetch_body_begin(&hop->body); /* fields are of this head */
	} else if (line.n == 0 && hop->response->status >= 200)
		hop->head_done = true; /* not the end of "100 Continue" */
	else
		read_field(hop, line);
	return size * n;
}

/* Keeps up to body_max bytes; more end the transfer. */
static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct hop *hop = ctx;

	return fetch_body_add(&hop->body, slice_of(p, size * n)) ? size * n : 0;
}

static int
on_progress(void *ctx, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up)
{
	const struct hop *hop = ctx;

	(void)down_total, (void)down, (void)up_total, (void)up;
	return atomic_load(hop->request->stop);
}

/* Adds a header line; -1 when memory is short. */
static int
add_header(struct hop *hop, const char *line)
{
	struct curl_slist *longer = curl_slist_append(hop->headers, line);

	if (longer == NULL)
		return -1;
	hop->headers = longer;
	return 0;
}

static int
make_headers(struct hop *hop)
{
	const char *const *line = hop->request->headers;

	if (add_header(hop, "Accept-Encoding: gzip") == -1 ||
	    add_header(hop, "Accept:") == -1 ||
	    add_header(hop, "Expect:") == -1)
		return -1;
	for (; line != NULL && *line != NULL; line++)
		if (add_header(hop, *line) == -1)
			return -1;
	return 0;
}

/* What goes without a proxy: what the environment says and, as with Go, the
 * loopback. -1 when memory is short. */
static int
set_exempt(CURL *curl)
{
	const char *none = getenv("NO_PROXY");
	struct buf exempt;
	int rc;

	if (none == NULL || none[0] == '\0')
		none = getenv("no_proxy");
	if (none == NULL)
		none = "";
	buf_init(&exempt, FETCH_EXEMPT_MAX);
	/* alone it means everything, in a list nothing */
	if (strcmp(none, "*") == 0)
		rc = buf_append(&exempt, none, 1);
	else
		rc = buf_printf(&exempt, FETCH_LOOPBACK ",%s", none);
	if (rc == 0)
		rc = buf_append(&exempt, "", 1);
	if (rc == 0)
		curl_easy_setopt(
		    curl, CURLOPT_NOPROXY, (const char *)buf_slice(&exempt).p);
	buf_clear(&exempt);
	return rc;
}

/* As Go does, HTTP_PROXY counts too, except in a CGI program, where a client
 * could have set it. libcurl reads the other variables itself. */
static void
set_proxy(const struct hop *hop, const char *url)
{
	const char *proxy = getenv("HTTP_PROXY");

	if (hop->request->unix_socket != NULL)
		proxy = "";
	else if (proxy == NULL || proxy[0] == '\0' ||
	    getenv("REQUEST_METHOD") != NULL ||
	    strncasecmp(url, "http:", 5) != 0)
		proxy = NULL;
	curl_easy_setopt(hop->curl, CURLOPT_PROXY, proxy);
}

/* The roots named by the request, or by Go's environment variables, or the
 * system's. */
static void
set_roots(CURL *curl, const struct fetch_request *request)
{
	const char *file = getenv("SSL_CERT_FILE");
	const char *dir = getenv("SSL_CERT_DIR");

	if (request->ca_file != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
		return;
	}
	if (file != NULL && file[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, file);
	if (dir != NULL && dir[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAPATH, dir);
}

static void
set_method(const struct hop *hop)
{
	const struct slice *post = hop->request->post;

	if (!hop->is_post) {
		curl_easy_setopt(hop->curl, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(hop->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(
	    hop->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->n);
	curl_easy_setopt(hop->curl, CURLOPT_POSTFIELDS, post->p);
}

/* Sets everything that stays the same along redirects. */
static int
set_options(struct hop *hop)
{
	const struct fetch_request *request = hop->request;
	CURL *curl = hop->curl;

	/* an option whose copy fails is not set; it shows there */
	fetch_short_begin(&hop->lack, curl);
	if (make_headers(hop) == -1)
		return -1;
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, hop->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, FETCH_USER_AGENT);
	curl_easy_setopt(
	    curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, hop->error);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, hop);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, hop);
	/* no SIGALRM, no SIGPIPE: other threads have their own business */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (request->stop != NULL) {
		/* the thread that resolves a name, which cannot be ended, is
		 * left to itself instead of waited for */
		curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, hop);
	}
	set_roots(curl, request);
	return set_exempt(curl);
}

/* The result of a transfer, with what its body has to say. */
static CURLcode
judge_body(struct hop *hop, CURLcode code)
{
	const char *fault = fetch_body_fault(&hop->body);

	hop->response->body_cut = hop->body.is_cut;
	if (fault == NULL || (code != CURLE_OK && !hop->body.is_bad))
		return code;
	snprintf(hop->error, sizeof hop->error, "%s", fault);
	return CURLE_BAD_CONTENT_ENCODING;
}

/* Makes one request with what is left of the time. */
static CURLcode
perform(struct hop *hop, const char *url, uint64_t deadline_ms)
{
	const uint64_t now_ms = clock_now_ms();
	struct fetch_response *response = hop->response;

	hop->head_done = false;
	hop->error[0] = '\0';
	response->status = 0;
	response->status_line[0] = '\0';
	response->body_cut = false;
	response->retry_after_s = 0;
	response->etag[0] = response->last_modified[0] = '\0';
	for (size_t i = 0; i < hop->request->field_count; i++)
		hop->request->fields[i].to[0] = '\0';
	fetch_body_begin(&hop->body);
	if (now_ms >= deadline_ms)
		return CURLE_OPERATION_TIMEDOUT;
	curl_easy_setopt(hop->curl, CURLOPT_URL, url);
	set_method(hop);
	set_proxy(hop, url);
	curl_easy_setopt(
	    hop->curl, CURLOPT_TIMEOUT_MS, (long)(deadline_ms - now_ms));
	return judge_body(hop, curl_easy_perform(hop->curl));
}

/* The absolute URL that the response sends us to, or NULL: owned by libcurl. */
static const char *
redirect_of(const struct hop *hop)
{
	char *to = NULL;

	if (hop->head_done)
		curl_easy_getinfo(hop->curl, CURLINFO_REDIRECT_URL, &to);
	return to;
}

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

/* There is no whole response: whose fault is it? */
static enum fetch_result
judge_failure(const struct hop *hop, CURLcode code, struct fail *why)
{
	const struct fetch_fault fault = {
		.curl = hop->curl,
		.code = code,
		.text = hop->error,
		.unix_socket = hop->request->unix_socket,
	};

	if (hop->body.no_memory || code == CURLE_OUT_OF_MEMORY ||
	    code == CURLE_FAILED_INIT ||
	    (!hop->head_done && fetch_short_seen(&hop->lack, code, why))) {
		fail_set(why, "out of memory"); /* unless there is a reason */
		return FETCH_SHORT;
	}
	fetch_fault_explain(&fault, why);
	if (hop->head_done)
		return FETCH_BROKEN;
	return fetch_fault_is_trust(&fault) ? FETCH_UNTRUSTED
					    : FETCH_UNREACHABLE;
}

static enum fetch_result
follow(struct hop *hop, struct fail *why)
{
	const uint64_t deadline_ms = clock_now_ms() + hop->request->timeout_ms;
	const char *url = hop->request->url;
	CURLcode code;

	for (int n = 1;; n++) {
		/* a redirect's text ends with the request that it leads to */
		const bool from_https = is_https(url);
		const char *to;

		code = perform(hop, url, deadline_ms);
		to = redirect_of(hop);
		if (to == NULL || hop->request->no_redirects)
			break;
		if (from_https && !is_https(to)) {
			fail_set(why,
			    "the redirect from https to %.200s is not followed",
			    to);
			return FETCH_UNTRUSTED;
		}
		if (hop->request->has_secret) {
			fail_set(why,
			    "the redirect to %.200s is not followed with a "
			    "secret (is that the right URL?)",
			    to);
			return FETCH_UNTRUSTED;
		}
		if (n == FETCH_REQUESTS_MAX) {
			fail_set(why, "stopped after %d redirects", n);
			return FETCH_UNREACHABLE;
		}
		if (hop->response->status < 307)
			hop->is_post = false;
		url = to; /* libcurl's, until the next request begins */
	}
	if (hop->head_done && (code == CURLE_OK || hop->response->body_cut))
		return FETCH_OK;
	return judge_failure(hop, code, why);
}

/* Copies the body that was read to the response. */
static enum fetch_result
pass_body_on(struct hop *hop, struct fail *why)
{
	const struct slice body = buf_slice(&hop->body.text);

	if (body.n == 0)
		return FETCH_OK;
	hop->response->body = malloc(body.n);
	if (hop->response->body == NULL) {
		fail_set(why, "out of memory");
		return FETCH_SHORT;
	}
	memcpy(hop->response->body, body.p, body.n);
	hop->response->body_len = body.n;
	return FETCH_OK;
}

enum fetch_result
fetch(struct fetch_client *c, const struct fetch_request *request,
    struct fetch_response *response, struct fail *why)
{
	struct hop hop = {
		.request = request,
		.response = response,
		.is_post = request->post != NULL,
		.curl = client_take(c),
	};
	/* our own shortage must not look like the other side's absence, for
	 * which some let everybody in */
	enum fetch_result result = FETCH_SHORT;

	memset(response, 0, sizeof *response);
	fetch_body_init(&hop.body, request->body_max);
	if (hop.curl == NULL || set_options(&hop) == -1)
		fail_set(why, "out of memory");
	else
		result = follow(&hop, why);
	if (result == FETCH_OK)
		result = pass_body_on(&hop, why);
	fetch_body_clear(&hop.body);
	if (hop.curl != NULL)
		client_give(c, hop.curl);
	curl_slist_free_all(hop.headers);
	return result;
}

void
fetch_response_clear(struct fetch_response *response)
{
	free(response->body);
	response->body = NULL;
	response->body_len = 0;
}
