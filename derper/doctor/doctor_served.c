/* doctor_served: whether the certificate that the relay serves is the file's.
 *
 * It looks at its files every second and keeps the old pair when the new one is
 * of no use, or cannot be read from where its sandbox lets it. */
#include "doctor_checks.h"

#include "clock.h"
#include "dial.h"
#include "doctor_address.h"
#include "relay_cert.h"

#include <string.h>
#include <unistd.h>

#define HANDSHAKE_MS 5000
#define RELOAD_MS 3000 /* within which it has read a new file */
#define PAUSE_US 200000

static const char name[] = "certificate";

/* Whether it takes who connects from here for a proxy: such a one has to tell
 * first for whom it speaks. The kernel takes the same address for both ends. */
static bool
wants_header(const struct doctor_subject *d)
{
	const struct netaddr from =
	    doctor_address_from_here(&d->found->setup.main_addr);

	for (size_t i = 0; i < d->config->proxy_from_count; i++)
		if (netaddr_in_prefix(&from, &d->config->proxy_from[i]))
			return true;
	return false;
}

/* What it serves to who connects from here. -1 and the reason. */
static int
read_served(
    const struct doctor_subject *d, struct cert_info *served, struct fail *why)
{
	const struct netaddr to =
	    doctor_address_from_here(&d->found->setup.main_addr);
	const struct acme_config *acme = &d->config->acme;
	char address[NETADDR_TEXT];
	struct relay_cert_facts facts;
	struct dial *dial;
	int rc;

	netaddr_format_ip(&to, address);
	dial = dial_open(
	    &(struct dial_config){ .address = address,
		.port = to.port,
		.tls = true,
		/* as it is spelled in what was ordered */
		.hostname = acme->used ? acme->name : d->config->hostname,
		.trust = DIAL_INSECURE },
	    clock_now_ms() + HANDSHAKE_MS, why);
	if (dial == NULL)
		return -1;
	rc = relay_cert_read(&facts, dial_chain(dial), why);
	*served = facts.leaf;
	dial_free(dial);
	return rc;
}

static void
tell_other(const struct doctor_subject *d, const char *file,
    const struct cert_info *served, const struct cert_info *kept)
{
	char old[CERT_DATE_TEXT], new[CERT_DATE_TEXT];

	cert_format_date(served->not_after_s, old);
	cert_format_date(kept->not_after_s, new);
	doctor_report_add(d->report, name, DOCTOR_ERROR,
	    "see the relay's log for why it did not take the file (its key, "
	    "its name, a folder that the relay's sandbox does not allow); a "
	    "restart takes it, and tells",
	    "the relay serves another certificate than that of %s: one that "
	    "is valid until %s, and the file's until %s",
	    file, old, new);
}

/* Both as they are when they agree, or when the relay has had the time to read
 * the file. -1 and the reason: one of them cannot be had. */
static int
compare(const struct doctor_subject *d, const char *file,
    struct cert_info *served, struct cert_info *kept, struct fail *why)
{
	const uint64_t end_ms = clock_now_ms() + RELOAD_MS;

	for (;;) {
		if (cert_load_info(kept, file, why) == -1 ||
		    read_served(d, served, why) == -1)
			return -1;
		if (strcmp(served->sha256, kept->sha256) == 0 ||
		    clock_now_ms() >= end_ms)
			return 0;
		(void)usleep(PAUSE_US);
	}
}

void
doctor_served(const struct doctor_subject *d)
{
	const struct certs *certs = d->found->setup.certs.certs;
	struct cert_info served, kept;
	struct fail why = { 0 };

	if (d->pid == 0 || !d->config->use_tls || certs == NULL ||
	    certs_would_make(certs) ||
	    cert_load_info(&kept, certs_cert_file(certs), NULL) == -1)
		return; /* others have told: there may be none yet */
	if (wants_header(d))
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "what the relay serves is not looked at: this machine "
		    "is a proxy to it (-proxy-protocol-from)");
	else if (compare(d, certs_cert_file(certs), &served, &kept, &why) == -1)
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "see the relay's log, and what has its port",
		    "what the relay serves cannot be seen: %s", why.text);
	else if (strcmp(served.sha256, kept.sha256) == 0)
		doctor_report_add(
		    d->report, name, DOCTOR_OK, NULL, "the relay serves it");
	else
		tell_other(d, certs_cert_file(certs), &served, &kept);
}
