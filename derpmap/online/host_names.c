/* host_names: see host_names.h. */
#include "host_names.h"

#include "num.h"
#include "resolve.h"

#include <stdio.h>
#include <string.h>

/* --- the options --- */

/* NAME:ADDRESS[,ADDRESS...] */
static bool
split_resolve(const char *option, struct slice *name, struct slice *addresses)
{
	return slice_cut(slice_str(option), ':', name, addresses) &&
	    name->n > 0;
}

struct route {
	struct netaddr from;
	struct slice host;
	uint16_t port;
};

static bool
parse_port(struct slice text, uint16_t *port)
{
	uint64_t n;

	if (num_parse_decimal(text, UINT16_MAX, &n) == -1 || n == 0)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* Cuts an address, in brackets when it is IPv6, and the colon after it. */
static bool
cut_address(struct slice *text, struct slice *address)
{
	const uint8_t *end;

	if (!slice_starts(*text, "["))
		return slice_cut(*text, ':', address, text);
	end = memchr(text->p, ']', text->n);
	if (end == NULL)
		return false;
	*address = slice_of(text->p + 1, (size_t)(end - text->p) - 1);
	*text = slice_of(end + 1, text->n - address->n - 2);
	if (!slice_starts(*text, ":"))
		return false;
	*text = slice_of(text->p + 1, text->n - 1);
	return true;
}

/* ADDRESS:PORT:HOST:PORT */
static bool
parse_route(const char *option, struct route *r)
{
	struct slice text = slice_str(option), address, port;

	return cut_address(&text, &address) &&
	    netaddr_parse_ip(&r->from, address) == 0 &&
	    slice_cut(text, ':', &port, &text) &&
	    parse_port(port, &r->from.port) && cut_address(&text, &r->host) &&
	    r->host.n > 0 && r->host.n < HOST_NAMES_TEXT &&
	    parse_port(text, &r->port);
}

/* The addresses of a list with commas. False: one of them is not one. */
static bool
parse_addresses(struct slice list, struct host_addresses *to)
{
	struct slice one;

	to->n = 0;
	if (list.n == 0)
		return true;
	do {
		struct slice rest = slice_str("");

		slice_cut(list, ',', &one, &rest);
		list = rest;
		if (to->n == HOST_NAMES_ADDRESSES ||
		    netaddr_parse_ip(&to->v[to->n], one) == -1)
			return false;
		to->n++;
	} while (list.n > 0);
	return true;
}

int
host_names_check(const struct host_names *names, struct fail *why)
{
	struct host_addresses addresses;
	struct slice name, list;
	struct route r;

	for (size_t i = 0; i < names->resolve_count; i++)
		if (!split_resolve(names->resolve[i], &name, &list) ||
		    !parse_addresses(list, &addresses))
			return fail_set(why,
			    "--resolve %s is not NAME:[ADDRESS[,ADDRESS...]]",
			    names->resolve[i]);
	for (size_t i = 0; i < names->connect_to_count; i++)
		if (!parse_route(names->connect_to[i], &r))
			return fail_set(why,
			    "--connect-to %s is not ADDRESS:PORT:HOST:PORT",
			    names->connect_to[i]);
	return 0;
}

/* --- names --- */

static void
add_family(struct host_addresses *found, const struct resolve_answer *answer,
    bool is_v4)
{
	for (size_t i = 0; i < answer->n; i++)
		if (answer->v[i].is_v4 == is_v4 &&
		    found->n < HOST_NAMES_ADDRESSES)
			found->v[found->n++] = answer->v[i];
}

static void
ask_system(struct host_addresses *found, const char *name, uint64_t deadline_ms)
{
	struct resolve_answer answer = { .n = 0 };
	struct fail why = { .text = "" };
	enum resolve_status status =
	    resolve_name(name, deadline_ms, &answer, &why);

	found->is_unknown = status == RESOLVE_NONE;
	if (status == RESOLVE_OK) {
		add_family(found, &answer, true);
		add_family(found, &answer, false);
	} else {
		snprintf(found->error, sizeof found->error, "%.*s",
		    HOST_NAMES_TEXT - 1, why.text);
	}
}

void
host_names_look_up(struct host_addresses *found, const struct host_names *names,
    const char *name, uint64_t deadline_ms)
{
	struct slice other, list;

	*found = (struct host_addresses){ .n = 0 };
	for (size_t i = 0; i < names->resolve_count; i++)
		if (split_resolve(names->resolve[i], &other, &list) &&
		    slice_is_nocase(other, name)) {
			parse_addresses(list, found);
			found->is_unknown = found->n == 0;
			if (found->is_unknown)
				snprintf(found->error, sizeof found->error,
				    "--resolve gives none");
			return;
		}
	ask_system(found, name, deadline_ms);
}

void
host_names_route(const struct host_names *names, const struct netaddr *address,
    uint16_t port, char host[static HOST_NAMES_TEXT], uint16_t *host_port)
{
	struct route r;

	for (size_t i = 0; i < names->connect_to_count; i++)
		if (parse_route(names->connect_to[i], &r) &&
		    r.from.port == port &&
		    memcmp(r.from.ip, address->ip, sizeof r.from.ip) == 0) {
			snprintf(host, HOST_NAMES_TEXT, "%.*s", (int)r.host.n,
			    (const char *)r.host.p);
			*host_port = r.port;
			return;
		}
	netaddr_format_ip(address, host);
	*host_port = port;
}
