/* tls_sight: see tls_sight.h. */
#include "tls_sight.h"

#include "dial.h"

#include <stdio.h>

/* The name that clients look for; NULL: none, of an address they check the
 * chain only. */
static const char *
checked_name(const struct tls_sight_target *target)
{
	struct netaddr ip;

	if (target->cert_name != NULL)
		return target->cert_name;
	return netaddr_parse_ip(&ip, slice_str(target->hostname)) == 0
	    ? NULL
	    : target->hostname;
}

/* Judges what was served as clients do. */
static void
look_at(struct tls_sight *s, const struct dial *d,
    const struct tls_sight_target *target)
{
	const struct relay_cert_rule rule = {
		.roots = target->roots,
		.pin = target->pin,
		.name = checked_name(target),
		.now_s = target->now_s,
	};
	struct stack_st_X509 *chain = dial_chain(d);
	struct fail why = { .text = "" };

	s->has_cert = relay_cert_read(&s->cert, chain, NULL) == 0;
	s->fits = rule.name == NULL || relay_cert_is_for(chain, rule.name);
	if (relay_cert_judge(&rule, chain, &why) == RELAY_CERT_GOOD) {
		s->state = TLS_ACCEPTED;
		return;
	}
	s->state = TLS_REFUSED;
	snprintf(s->text, sizeof s->text, "certificate: %.380s", why.text);
}

/* TLS with the server name (NULL: the host's, "": none), over a socket that is
 * taken, or a connection of its own. */
static struct dial *
open_tls(struct dial_config config, const int *socket, const char *sni,
    uint64_t deadline_ms, struct fail *why)
{
	config.tls = true;
	config.sni = sni;
	config.socket = socket;
	return dial_open(&config, deadline_ms, why);
}

/* What TLS over the socket shows. */
static void
try_tls(struct tls_sight *s, const struct dial_config *config, int socket,
    const struct tls_sight_target *target)
{
	struct fail why = { .text = "" };
	struct dial *d =
	    open_tls(*config, &socket, NULL, target->deadline_ms, &why);

	if (d != NULL) {
		look_at(s, d, target);
	} else {
		s->state = TLS_REFUSED;
		snprintf(s->text, sizeof s->text, "%s", why.text);
		d = open_tls(*config, NULL, "", target->deadline_ms, NULL);
		s->needs_no_name = d != NULL;
	}
	dial_free(d);
}

/* One address; whether the others need not be tried. */
static bool
try_address(struct tls_sight *s, const struct host_names *names,
    const struct netaddr *address, const struct tls_sight_target *target)
{
	char to[HOST_NAMES_TEXT];
	struct dial_config config = {
		.address = to,
		.hostname = target->hostname,
		.trust = DIAL_INSECURE,
	};
	struct fail why = { .text = "" };
	struct dial *d;

	host_names_route(names, address, target->port, to, &config.port);
	netaddr_format_ip(address, s->address);
	d = dial_open(&config, target->deadline_ms, &why);
	if (d != NULL)
		try_tls(s, &config, dial_take_fd(d), target);
	else
		snprintf(s->text, sizeof s->text, "%s", why.text);
	dial_free(d);
	return s->state != TLS_UNREACHABLE;
}

void
tls_sight_look(struct tls_sight *s, const struct host_names *names,
    const struct netaddr *addresses, size_t count,
    const struct tls_sight_target *target)
{
	*s = (struct tls_sight){ .state = TLS_UNREACHABLE };
	for (size_t i = 0; i < count; i++)
		if (try_address(s, names, &addresses[i], target))
			return;
}
