/* probe_http: see probe_http.h. */
#include "probe_http.h"

#include "clock.h"
#include "exchange.h"
#include "quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SKEW_MAX_S 60  /* certificates are seldom closer to their dates */
#define DATE_LENGTH 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

int64_t
probe_http_date(struct slice text)
{
	char date[DATE_LENGTH + 1];
	struct tm tm = { 0 };
	const char *end;

	if (text.n != DATE_LENGTH)
		return -1;
	memcpy(date, text.p, text.n);
	date[text.n] = '\0';
	end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	return (int64_t)timegm(&tm);
}

static struct slice
header(const struct exchange_response *res, const char *name)
{
	return http1_header(res->head.headers, res->head.header_count, name);
}

/* A header's value, escaped and cut. */
static void
keep(char *to, size_t cap, struct slice value)
{
	struct writer w = writer_of(to, cap - 1);

	if (value.p != NULL)
		quote_put(&w, value);
	to[w.n] = '\0';
}

/* "404 Not Found", and what the body begins with. */
static void
describe(char out[static PROBE_GOT_MAX], const struct exchange_response *res)
{
	const struct slice body = slice_trim(res->body);
	const struct slice server = header(res, "Server");

	snprintf(out, PROBE_GOT_MAX, "%u %.*s%s%.*s%s%.*s", res->head.status,
	    (int)(res->head.reason.n < 60 ? res->head.reason.n : 60),
	    (const char *)res->head.reason.p, server.p != NULL ? " from " : "",
	    (int)(server.n < 60 ? server.n : 60), (const char *)server.p,
	    body.n > 0 ? ": " : "", (int)(body.n < 120 ? body.n : 120),
	    (const char *)body.p);
}

/* --- latency check --- */

static void
note_clock(struct probe_visit *v, const struct exchange_response *res)
{
	const struct slice text = header(res, "Date");
	const int64_t theirs = text.p != NULL ? probe_http_date(text) : -1;

	if (theirs == -1)
		return;
	v->has_skew = true;
	v->skew_s = theirs - clock_wall_s();
	if (v->skew_s > SKEW_MAX_S || v->skew_s < -SKEW_MAX_S)
		probe_finding_add(&v->findings, PROBE_CLOCK_SKEW,
		    "the Date header of the relay",
		    "its clock is %lld s %s this machine's",
		    (long long)llabs(v->skew_s),
		    v->skew_s > 0 ? "ahead of" : "behind");
}

/* Relays send neither header; a Via, or a well-known server, is a proxy. */
static void
note_software(struct probe_visit *v, const struct exchange_response *res)
{
	keep(v->software, sizeof v->software, header(res, "Server"));
	keep(v->proxy_via, sizeof v->proxy_via, header(res, "Via"));
	if (v->proxy_via[0] != '\0' || v->software[0] != '\0')
		probe_finding_add(&v->findings, PROBE_PROXY_BETWEEN,
		    "the headers of an answer", "%s%s%s%s",
		    v->software[0] != '\0' ? "Server: " : "", v->software,
		    v->proxy_via[0] != '\0' ? " Via: " : "", v->proxy_via);
}

static void
judge_latency(struct probe_visit *v, const struct exchange_response *res)
{
	struct probe_result *step = &v->steps[PROBE_STEP_LATENCY];
	const char *tried = "GET /derp/latency-check";
	char got[PROBE_GOT_MAX];

	step->time_us = res->time_us;
	if (res->head.status != 200) {
		describe(got, res);
		probe_finding_add(
		    &v->findings, PROBE_LATENCY_FAILED, tried, "%s", got);
		step->state = PROBE_ODD;
		return;
	}
	step->state = PROBE_GOOD;
	if (!slice_is(header(res, "Access-Control-Allow-Origin"), "*"))
		probe_finding_add(&v->findings, PROBE_LATENCY_NO_CORS, tried,
		    "200 without that header");
}

void
probe_http_latency(const struct probe_context *c, struct dial *d)
{
	static const char *const headers[] = { "Connection: close", NULL };
	struct probe_visit *v = c->visit;
	char host[PROBE_HOST_MAX];
	const struct exchange_request request = {
		.method = "GET",
		.target = "/derp/latency-check",
		.host = host,
		.headers = headers,
	};
	struct exchange_response *res = malloc(sizeof *res);
	struct fail why = { 0 };

	probe_visit_host(v->node, host);
	if (res == NULL)
		return;
	if (exchange(d, &request, probe_visit_deadline(c, PROBE_CONNECT_MS),
		res, &why) == EXCHANGE_OK) {
		note_clock(v, res);
		note_software(v, res);
		judge_latency(v, res);
	} else if (!probe_visit_is_over(c)) {
		probe_finding_add(&v->findings, PROBE_LATENCY_FAILED,
		    "GET /derp/latency-check", "%s", why.text);
		v->steps[PROBE_STEP_LATENCY].state = PROBE_ODD;
	}
	free(res);
}

/* --- the upgrade --- */

static void
judge_upgrade(struct probe_visit *v, const struct exchange_response *res,
    const char *reason)
{
	const char *tried = "GET /derp with Upgrade: DERP";
	char got[PROBE_GOT_MAX];

	describe(got, res);
	if (res->head.status == 101)
		probe_finding_add(
		    &v->findings, PROBE_NOT_DERP, tried, "%s", reason);
	else if (res->head.status == 426)
		probe_finding_add(
		    &v->findings, PROBE_UPGRADE_EATEN, tried, "%s", got);
	else
		probe_finding_add(
		    &v->findings, PROBE_UPGRADE_REFUSED, tried, "%s", got);
}

void
probe_http_upgrade(
    const struct probe_context *c, struct dial *d, const char *reason)
{
	static const char *const headers[] = { "Connection: Upgrade",
		"Upgrade: DERP", NULL };
	struct probe_visit *v = c->visit;
	char host[PROBE_HOST_MAX];
	const struct exchange_request request = {
		.method = "GET",
		.target = "/derp",
		.host = host,
		.headers = headers,
	};
	struct exchange_response *res = malloc(sizeof *res);
	struct fail why = { 0 };
	enum exchange_result result;

	probe_visit_host(v->node, host);
	if (res == NULL)
		return;
	result = exchange(
	    d, &request, probe_visit_deadline(c, PROBE_CONNECT_MS), res, &why);
	if (result == EXCHANGE_OK)
		judge_upgrade(v, res, reason);
	else if (result == EXCHANGE_NOT_HTTP)
		probe_finding_add(&v->findings, PROBE_NOT_DERP,
		    "GET /derp with Upgrade: DERP", "%s", why.text);
	else if (result == EXCHANGE_TOO_LONG)
		probe_finding_add(&v->findings, PROBE_HEADERS_LONG,
		    "GET /derp with Upgrade: DERP", "%s", why.text);
	else if (!probe_visit_is_over(c))
		probe_finding_add(&v->findings, PROBE_UPGRADE_SILENT,
		    "GET /derp with Upgrade: DERP", "%s", why.text);
	free(res);
}

/* --- captive portal check --- */

/* The challenge of clients: "ts_" and the host, here the address. */
static void
judge_portal(struct probe_visit *v, const struct exchange_response *res,
    const char *tried, const char *challenge)
{
	const struct slice answer = header(res, "X-Tailscale-Response");
	const unsigned status = res->head.status;
	struct probe_result *step = &v->steps[PROBE_STEP_PORTAL];
	const struct slice location = header(res, "Location");
	char got[PROBE_GOT_MAX], expected[PROBE_HOST_MAX];

	step->time_us = res->time_us;
	step->state = PROBE_BAD;
	describe(got, res);
	snprintf(expected, sizeof expected, "response %s", challenge);
	if (status >= 300 && status < 400)
		probe_finding_add(&v->findings, PROBE_PORTAL_REDIRECT, tried,
		    "%u to %.*s", status,
		    (int)(location.n < 200 ? location.n : 200),
		    (const char *)location.p);
	else if (status != 204)
		probe_finding_add(
		    &v->findings, PROBE_PORTAL_STATUS, tried, "%s", got);
	else if (!slice_is(answer, expected))
		probe_finding_add(&v->findings, PROBE_PORTAL_CHALLENGE, tried,
		    "204, X-Tailscale-Response: %.*s",
		    answer.p != NULL ? (int)(answer.n < 200 ? answer.n : 200)
				     : (int)strlen("none"),
		    answer.p != NULL ? (const char *)answer.p : "none");
	else
		step->state = PROBE_GOOD;
}

static int
ask_portal(const struct probe_context *c, const char *tried,
    struct exchange_response *res, struct fail *why)
{
	struct probe_visit *v = c->visit;
	const uint64_t deadline_ms = probe_visit_deadline(c, PROBE_PORTAL_MS);
	struct netaddr to = v->address;
	char ip[NETADDR_TEXT], target[64], challenge[NETADDR_TEXT + 4];
	char header_text[NETADDR_TEXT + 40];
	const char *const headers[] = { header_text, "Connection: close",
		NULL };
	const struct exchange_request request = {
		.method = "GET",
		.target = target,
		.host = ip,
		.headers = headers,
	};
	struct dial_config config = { .address = ip };
	struct dial *d;
	int fd, error, result = -1;

	netaddr_format_ip(&to, ip);
	snprintf(target, sizeof target, "/generate_204?t=%lld",
	    (long long)clock_wall_s());
	snprintf(challenge, sizeof challenge, "ts_%s", ip);
	snprintf(header_text, sizeof header_text, "X-Tailscale-Challenge: %s",
	    challenge);
	to.port = c->config->portal_port;
	fd = dial_connect(&to, deadline_ms, &error, why);
	config.socket = &fd;
	d = fd != -1 ? dial_open(&config, deadline_ms, why) : NULL;
	if (d != NULL &&
	    exchange(d, &request, deadline_ms, res, why) == EXCHANGE_OK) {
		judge_portal(v, res, tried, challenge);
		result = 0;
	}
	dial_free(d);
	return result;
}

void
probe_http_portal(const struct probe_context *c)
{
	struct probe_visit *v = c->visit;
	struct exchange_response *res;
	struct fail why = { 0 };
	char tried[PROBE_WHERE_MAX];

	if (v->node->ipv4[0] == '\0') {
		probe_finding_add(&v->findings, PROBE_PORTAL_UNUSED,
		    "the node in the map", "canport80 without ipv4");
		return;
	}
	res = malloc(sizeof *res);
	if (res == NULL)
		return;
	probe_visit_where(
	    tried, v, "GET /generate_204 from", c->config->portal_port);
	if (ask_portal(c, tried, res, &why) == -1 && !probe_visit_is_over(c)) {
		probe_finding_add(
		    &v->findings, PROBE_PORTAL_CLOSED, tried, "%s", why.text);
		v->steps[PROBE_STEP_PORTAL].state = PROBE_ODD;
	}
	free(res);
}
