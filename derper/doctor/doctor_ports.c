/* doctor_ports: who has the relay's ports. */
#include "doctor_checks.h"

#include "port_owner.h"

#include <stdio.h>

static const char name[] = "ports";

struct port {
	enum server_setup_part part;
	const struct netaddr *addr;
	const char *flag;
};

static const char *
kind_of(const struct port *p)
{
	return p->part == SERVER_SETUP_STUN_PORT ? "udp" : "tcp";
}

/* A relay runs: the port should be its own. */
static void
look_at_running(const struct doctor_subject *d, const struct port *p,
    const struct port_owner *o)
{
	if (!o->is_taken)
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "restart the relay with the flags that you mean",
		    "%s %u: the relay that runs (process %d) does not listen "
		    "there",
		    kind_of(p), p->addr->port, (int)d->pid);
	else if (o->pid == d->pid)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%s %u: the relay listens (process %d)", kind_of(p),
		    p->addr->port, (int)o->pid);
	else if (o->pid == 0)
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "run this as root to see by whom",
		    "%s %u is taken, hopefully by the relay", kind_of(p),
		    p->addr->port);
	else
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "stop that program, or one of two relays",
		    "%s %u belongs to %s (process %d), not to the relay "
		    "(process %d)",
		    kind_of(p), p->addr->port, o->name, (int)o->pid,
		    (int)d->pid);
}

static const char *
reason_of(const struct doctor_subject *d, enum server_setup_part part)
{
	const struct check_facts_notes *errors = &d->found->errors;

	for (size_t i = 0; i < errors->n; i++)
		if (errors->v[i].about == (unsigned)part)
			return errors->v[i].text;
	return NULL;
}

static void
look_at_free(const struct doctor_subject *d, const struct port *p,
    const struct port_owner *o)
{
	const char *reason = reason_of(d, p->part);
	char advice[128];

	snprintf(advice, sizeof advice,
	    "stop that program, or choose another port: %s", p->flag);
	if (reason == NULL)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%s %u is free", kind_of(p), p->addr->port);
	else if (o->is_taken && o->pid != 0)
		doctor_report_add(d->report, name, DOCTOR_ERROR, advice,
		    "%s; it is %s (process %d)", reason, o->name, (int)o->pid);
	else
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    o->is_taken ? advice : NULL, "%s", reason);
}

static void
look_at(const struct doctor_subject *d, const struct port *p)
{
	struct port_owner owner;

	port_owner_find(
	    &owner, p->part == SERVER_SETUP_STUN_PORT, p->addr->port, d->pid);
	if (d->pid != 0)
		look_at_running(d, p, &owner);
	else
		look_at_free(d, p, &owner);
}

void
doctor_ports(const struct doctor_subject *d)
{
	const struct server_setup *s = &d->found->setup;

	look_at(
	    d, &(struct port){ SERVER_SETUP_MAIN_PORT, &s->main_addr, "-a" });
	if (s->use_http)
		look_at(d,
		    &(struct port){
			SERVER_SETUP_HTTP_PORT, &s->http_addr, "-http-port" });
	if (s->use_stun)
		look_at(d,
		    &(struct port){
			SERVER_SETUP_STUN_PORT, &s->stun_addr, "-stun-port" });
}
