/* start_report: see start_report.h. */
#include "start_report.h"

#include "buf.h"
#include "certs.h"
#include "log.h"
#include "url_text.h"
#include "verify_current.h"
#include "verify_describe.h"

#include <stdio.h>
#include <sys/stat.h>

#define SOURCES_TEXT_MAX 65536 /* of all sources in words */

/* "192.0.2.1:443", "[::]:443". */
struct address_text {
	char text[NETADDR_TEXT + 4];
};

static struct address_text
format_address(const struct netaddr *a)
{
	struct address_text t;
	char text[NETADDR_TEXT];

	netaddr_format(a, text);
	snprintf(t.text, sizeof t.text, "%s%s", a->is_set ? "" : "[::]", text);
	return t;
}

/* The lines of the Go derper, whose first comes before the port is open. */
static void
report_addresses(const struct start_report *r)
{
	log_info("derper: serving on %s%s", r->config->addr_text,
	    r->config->use_tls ? " with TLS" : "");
	if (r->stun != NULL)
		log_info("STUN server listening on %s",
		    format_address(r->stun).text);
	log_info("listening on %s (%s)%s%s", format_address(r->main).text,
	    r->certs != NULL ? "TLS" : "plain HTTP",
	    r->http != NULL ? " and " : "",
	    r->http != NULL ? format_address(r->http).text : "");
	/* the protocol has nothing against a recorded ClientInfo that is sent
	 * again: that is left to TLS */
	if (r->certs == NULL && !config_knows_cert_mode(r->config))
		log_warn("derper: -certmode %s is unknown and without effect "
			 "here: it is read where TLS is served",
		    r->config->cert_mode);
	if (r->certs == NULL && !netaddr_is_loopback(r->main))
		log_warn(
		    "derper: plain HTTP where others may reach it: whoever "
		    "sees a client log in can do so in its name later; "
		    "serve TLS (-certmode manual), or let only a TLS proxy "
		    "reach this port");
}

/* Who says whose a connection is: limits, logs and the debug pages believe it.
 */
static void
report_proxies(const struct config *c)
{
	const char *from = c->proxy_from_text;
	bool anybody = false;

	if (c->proxy_from_count == 0)
		return;
	for (size_t i = 0; i < c->proxy_from_count; i++)
		anybody = anybody ||
		    c->proxy_from[i].bits == (c->proxy_from[i].is_v4 ? 96 : 0);
	if (anybody)
		log_warn("derper: -proxy-protocol-from %s: whoever can connect "
			 "may claim any address, also this machine's own",
		    from);
	else
		log_info("PROXY headers name the clients of connections from "
			 "%s",
		    from);
}

/* The kind of source that has no flag of its own but upstream's. */
static void
report_tailscaled(const struct config *c)
{
	const char *path = c->socket[0] != '\0'
	    ? c->socket
	    : "/var/run/tailscale/tailscaled.sock";
	struct stat st;

	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		log_info("admission: nodes that tailscaled at %s knows", path);
	else
		log_warn("admission: nodes that tailscaled at %s knows; it is "
			 "not there now: nobody is admitted until it is",
		    path);
}

static void
report_deny_lists(const struct config *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->verify_deny.n; i++)
		count += c->verify_deny.v[i][0] != '\0';
	if (count > 0)
		log_info("admission: except the keys of %zu deny list%s", count,
		    count == 1 ? "" : "s");
}

/* A source that lists its nodes some time after the start. */
static void
report_listed_source(
    const struct verify_source_kind *kind, const char *argument)
{
	const char *label = kind->label != NULL ? kind->label : kind->name;

	log_info("admission: nodes that %s %s lists", label,
	    url_text_origin(argument).text);
}

/* What the flags of our own name; returns how many sources that are, and how
 * many of them are files, which were read before the start. */
static size_t
report_sources_of_flags(const struct config *c, size_t *files)
{
	const struct verify_source_kind *kind;
	size_t count = 0;

	*files = 0;
	for (size_t i = 0; (kind = verify_kinds_get(i)) != NULL; i++)
		for (size_t k = 0; k < c->verify_sources[i].n; k++) {
			const char *argument = c->verify_sources[i].v[k];

			if (argument[0] == '\0')
				continue;
			count++;
			if (kind->list_first)
				(*files)++;
			else
				report_listed_source(kind, argument);
		}
	return count;
}

static void
report_lists(const struct start_report *r)
{
	struct verify_counters counters;
	size_t files;
	const size_t count = report_sources_of_flags(r->config, &files);

	verify_current_get_counters(r->verify, &counters);
	/* the counter is of all sources: without others it is of the files */
	if (files > 0 && files == count)
		log_info("admission: %llu key%s of %zu node list%s",
		    (unsigned long long)counters.nodes_listed,
		    counters.nodes_listed == 1 ? "" : "s", files,
		    files == 1 ? "" : "s");
	else if (files > 0)
		log_info("admission: the keys of %zu node list%s", files,
		    files == 1 ? "" : "s");
	if (count > 1)
		log_info("admission: only those are admitted that all of these "
			 "have");
}

/* Those that an outage opens the relay by, however it came to be configured. */
static void
warn_outages(const struct verify_config *admission)
{
	for (size_t i = 0; i < admission->source_count; i++) {
		const struct verify_source_config *row = &admission->sources[i];
		const enum verify_outage outage =
		    row->outage != VERIFY_OUTAGE_DEFAULT ? row->outage
							 : row->kind->outage;

		if (outage == VERIFY_OUTAGE_OPEN)
			log_warn("admission: outage: open: while %s %s is "
				 "away, it admits EVERYBODY",
			    row->kind->name,
			    url_text_origin(row->argument).text);
	}
}

/* What the file means, and what flags add to it, in the words of derpverify
 * explain. */
static void
report_sources(const struct start_report *r)
{
	struct buf text;
	struct slice line, rest;

	log_info("admission: as %s says:", r->config->verify_config);
	buf_init(&text, SOURCES_TEXT_MAX);
	verify_describe(r->admission, &text);
	rest = buf_slice(&text);
	while (slice_cut(rest, '\n', &line, &rest))
		log_continue("%.*s", (int)line.n, (const char *)line.p);
	buf_clear(&text);
	warn_outages(r->admission);
}

static void
report_admission(const struct start_report *r)
{
	const struct config *c = r->config;

	if (r->verify == NULL) {
		log_warn("admission: everybody: this is an open relay; see "
			 "-verify-nodes, -verify-client-url and "
			 "-verify-clients");
		return;
	}
	if (c->verify_config[0] != '\0')
		report_sources(r);
	if (c->verify_clients)
		report_tailscaled(c);
	if (c->verify_url[0] != '\0')
		log_info("admission: nodes that %s allows; everybody%s while "
			 "it is unreachable",
		    url_text_origin(c->verify_url).text,
		    c->verify_url_fail_open ? "" : " is refused");
	report_lists(r);
	report_deny_lists(c);
}

void
start_report(const struct start_report *report)
{
	log_info("derper: version " DERPKIT_VERSION);
	report_addresses(report);
	report_proxies(report->config);
	if (report->certs != NULL)
		certs_report(report->certs);
	report_admission(report);
}
