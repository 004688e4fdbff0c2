/* doctor_names: where the host name leads, and whether the relay is there. */
#include "doctor_checks.h"

#include "clock.h"
#include "dial.h"
#include "doctor_address.h"
#include "own_address.h"
#include "resolve.h"

#define RESOLVE_MS 5000
#define CONNECT_MS 3000

static const char name[] = "names";

static void
look_at_owner(const struct doctor_subject *d, const struct netaddr *addr,
    enum own_address own, const char *text)
{
	const char *host = d->config->hostname;

	/* a listener of one family is not found at an address of the other */
	if (!doctor_address_has_family(&d->found->setup.main_addr, addr->is_v4))
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "listen on both families (-a :PORT), or take the address "
		    "out of DNS",
		    "%s is %s, and the relay does not listen for that family",
		    host, text);
	else if (own == OWN_ADDRESS_YES)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%s is %s, an address of this machine", host, text);
	else if (own == OWN_ADDRESS_NO)
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "right if a router or the provider forwards that address "
		    "to this machine; else correct the DNS",
		    "%s is %s, which no interface of this machine has", host,
		    text);
	else
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "%s is %s: too few descriptors to tell whose that is", host,
		    text);
}

/* From here: a router may refuse what others can do. */
static void
look_at_reach(
    const struct doctor_subject *d, enum own_address own, const char *text)
{
	const uint16_t port = d->found->setup.main_addr.port;
	struct fail why = { 0 };
	struct dial *dial;

	if (d->pid == 0)
		return;
	dial = dial_open(&(struct dial_config){ .address = text, .port = port },
	    clock_now_ms() + CONNECT_MS, &why);
	if (dial != NULL)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "port %u of %s accepts connections", port, text);
	else
		doctor_report_add(d->report, name,
		    own == OWN_ADDRESS_YES ? DOCTOR_ERROR : DOCTOR_WARNING,
		    "open the port in firewalls and forward it; some routers "
		    "refuse connections from inside: try from elsewhere, with "
		    "derpmap probe",
		    "port %u of %s cannot be reached from here: %s", port, text,
		    why.text);
	dial_free(dial);
}

static void
look_at_answer(
    const struct doctor_subject *d, const struct resolve_answer *answer)
{
	char text[NETADDR_TEXT];

	for (size_t i = 0; i < answer->n; i++) {
		const enum own_address own = own_address_ask(&answer->v[i]);

		netaddr_format_ip(&answer->v[i], text);
		look_at_owner(d, &answer->v[i], own, text);
		look_at_reach(d, own, text);
	}
}

void
doctor_names(const struct doctor_subject *d)
{
	const char *host = d->config->hostname;
	struct resolve_answer answer = { .n = 0 };
	struct fail why = { 0 };

	if (!config_has_hostname(d->config)) {
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "no -hostname is given");
		return;
	}
	switch (
	    resolve_name(host, clock_now_ms() + RESOLVE_MS, &answer, &why)) {
	case RESOLVE_OK:
		look_at_answer(d, &answer);
		return;
	case RESOLVE_NONE:
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "make an A or AAAA record for it",
		    "clients cannot find %s: %s", host, why.text);
		return;
	case RESOLVE_FAILED:
	case RESOLVE_TIMEOUT:
	case RESOLVE_SHORTAGE:
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "see /etc/resolv.conf", "cannot look up %s: %s", host,
		    why.text);
		return;
	}
}
