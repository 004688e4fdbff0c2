/* proxy: see proxy.h. */
#include "proxy.h"

#include "encode.h"
#include "exchange.h"
#include "resolve.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
set_authorization(
    struct proxy *p, const char *user, const char *password, struct fail *why)
{
	const size_t prefix = strlen("Proxy-Authorization: Basic ");
	char both[256];
	const int n = snprintf(
	    both, sizeof both, "%s:%s", user, password != NULL ? password : "");

	if (n < 0 || (size_t)n >= sizeof both)
		return fail_set(why, "user and password are too long");
	snprintf(p->authorization, sizeof p->authorization,
	    "Proxy-Authorization: Basic ");
	return encode_base64(p->authorization + prefix,
	    sizeof p->authorization - prefix, slice_str(both));
}

static int
take_parts(struct proxy *p, CURLU *parts, struct fail *why)
{
	char *host = NULL, *port = NULL, *user = NULL, *password = NULL;
	int result = -1;
	int n;

	if (curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
		CURLUE_OK) {
		fail_set(why, "no host");
		goto free_parts;
	}
	curl_url_get(parts, CURLUPART_USER, &user, CURLU_URLDECODE);
	curl_url_get(parts, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
	if (host[0] == '[') { /* an IPv6 address in brackets */
		memmove(host, host + 1, strlen(host));
		host[strcspn(host, "]")] = '\0';
	}
	n = snprintf(p->host, sizeof p->host, "%s", host);
	if (n < 0 || (size_t)n >= sizeof p->host) {
		fail_set(why, "the host name is too long");
		goto free_parts;
	}
	p->port = (uint16_t)strtoul(port, NULL, 10);
	result = user != NULL ? set_authorization(p, user, password, why) : 0;
free_parts:
	curl_free(host);
	curl_free(port);
	curl_free(user);
	curl_free(password);
	return result;
}

int
proxy_parse(struct proxy *p, const char *url, struct fail *why)
{
	CURLU *parts = curl_url();
	int result;

	*p = (struct proxy){ 0 };
	if (parts == NULL)
		return fail_set(why, "out of memory, or no libcurl");
	if (strncmp(url, "http://", strlen("http://")) != 0 ||
	    curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
		result =
		    fail_set(why, "the proxy is not like http://HOST:PORT");
	else
		result = take_parts(p, parts, why);
	curl_url_cleanup(parts);
	return result;
}

/* Asks the proxy over the connection; 0 when it has connected. */
static int
ask(const struct proxy *p, struct dial *d, const char *target,
    uint64_t deadline_ms, struct fail *why)
{
	const char *const headers[] = {
		p->authorization[0] != '\0' ? p->authorization : NULL,
		NULL,
	};
	const struct exchange_request request = {
		.method = "CONNECT",
		.target = target,
		.host = target,
		.headers = headers,
	};
	struct exchange_response *res = malloc(sizeof *res);
	struct fail reason = { 0 };
	int result = 0;

	if (res == NULL)
		return fail_set(why, "out of memory");
	if (exchange(d, &request, deadline_ms, res, &reason) != EXCHANGE_OK)
		result = fail_set(why, "CONNECT %s: %s", target, reason.text);
	else if (res->head.status / 100 != 2)
		result = fail_set(why, "CONNECT %s: the proxy answered %u %.*s",
		    target, res->head.status, (int)res->head.reason.n,
		    (const char *)res->head.reason.p);
	free(res);
	return result;
}

/* A connection to the proxy itself. */
static struct dial *
dial_proxy(const struct proxy *p, uint64_t deadline_ms, struct fail *why)
{
	struct dial_config config = { .address = p->host, .port = p->port };
	struct resolve_answer answer;
	int fd = -1, error;

	if (resolve_name(p->host, deadline_ms, &answer, why) != RESOLVE_OK)
		return NULL;
	for (size_t i = 0; i < answer.n && fd == -1; i++) {
		answer.v[i].port = p->port;
		fd = dial_connect(&answer.v[i], deadline_ms, &error,
		    i + 1 == answer.n ? why : NULL);
	}
	if (fd == -1)
		return NULL;
	config.socket = &fd;
	return dial_open(&config, deadline_ms, why);
}

int
proxy_connect(const struct proxy *p, const char *host, uint16_t port,
    uint64_t deadline_ms, struct fail *why)
{
	struct fail reason = { 0 };
	struct dial *d = dial_proxy(p, deadline_ms, &reason);
	char target[300];
	int fd = -1;

	if (d == NULL)
		return fail_set(
		    why, "proxy %s:%u: %s", p->host, p->port, reason.text);
	snprintf(target, sizeof target,
	    strchr(host, ':') != NULL ? "[%.255s]:%u" : "%.255s:%u", host,
	    port);
	if (ask(p, d, target, deadline_ms, why) == 0)
		fd = dial_take_fd(d);
	dial_free(d);
	return fd;
}
