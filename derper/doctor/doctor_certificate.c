/* doctor_certificate: dates, chain and pin of the certificate. */
#include "doctor_checks.h"

#include "cert.h"
#include "clock.h"
#include "url_text.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

static const char name[] = "certificate";

/* All certificates of a PEM file; owned by the caller. */
static STACK_OF(X509) * read_chain(const char *path)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	FILE *f = fopen(path, "re");
	X509 *x;

	while (f != NULL && chain != NULL &&
	    (x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(chain, x) == 0)
			X509_free(x);
	if (f != NULL)
		fclose(f);
	return chain;
}

/* Whether clients with this machine's roots trust it, whatever its dates: an
 * error of OpenSSL's. */
static int
judge_chain(STACK_OF(X509) * chain)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (store != NULL && ctx != NULL && sk_X509_num(chain) > 0 &&
	    X509_STORE_set_default_paths(store) == 1 &&
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) ==
		1) {
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
		(void)X509_verify_cert(ctx);
		error = X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return error;
}

static void
look_at_chain(const struct doctor_subject *d, const char *file, unsigned count)
{
	STACK_OF(X509) *chain = read_chain(file);
	const int error =
	    chain != NULL ? judge_chain(chain) : X509_V_ERR_OUT_OF_MEM;

	sk_X509_pop_free(chain, X509_free);
	if (error == X509_V_OK)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "this machine's roots trust it");
	else
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    count == 1 ? "put the authority's intermediate "
				 "certificates into the file after the leaf "
				 "(certbot's fullchain.pem)"
			       : "clients need this authority's root, or a "
				 "certificate of a public one",
		    "this machine's roots do not trust it: %s%s",
		    X509_verify_cert_error_string(error),
		    count == 1 ? "; the file has the leaf alone" : "");
}

static void
look_at_dates(const struct doctor_subject *d, const struct cert_info *info)
{
	char from[CERT_DATE_TEXT], to[CERT_DATE_TEXT], now[CERT_DATE_TEXT];
	const int64_t now_s = clock_wall_s();

	cert_format_date(info->not_before_s, from);
	cert_format_date(info->not_after_s, to);
	cert_format_date(now_s, now);
	switch (cert_age(info, now_s)) {
	case CERT_VALID:
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "for %s, valid until %s", info->names, to);
		return;
	case CERT_NOT_YET:
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "set the clock, or get another certificate",
		    "clients refuse it: it is valid from %s, and it is %s now",
		    from, now);
		return;
	case CERT_EXPIRING:
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "renew it: the relay reads the new file by itself",
		    "for %s, it expires on %s", info->names, to);
		return;
	case CERT_EXPIRED:
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "renew it (-renew-self-signed for one of the relay's own "
		    "making): the relay reads the new file by itself",
		    "clients refuse it: it expired on %s", to);
		return;
	}
}

static void
look_at_missing(const struct doctor_subject *d)
{
	const struct acme_config *acme = &d->config->acme;

	if (certs_would_make(d->found->setup.certs.certs))
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "there is none for %s yet: the start makes one that signs "
		    "itself",
		    d->config->hostname);
	else if (acme->waits_for_name)
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "give the relay's own name as -hostname",
		    "none can be ordered for %s: TLS clients are refused",
		    d->config->hostname);
	else
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "see the relay's log for what its order became of",
		    "there is none for %s yet: TLS clients are refused until "
		    "one has come from %s",
		    acme->name, url_text_origin(acme->url).text);
}

void
doctor_certificate(const struct doctor_subject *d)
{
	const struct certs *certs = d->found->setup.certs.certs;
	struct cert_info info;

	if (!d->config->use_tls) {
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "plain HTTP is served");
		return;
	}
	if (certs == NULL)
		return; /* the start has told why */
	if (certs_would_make(certs) ||
	    cert_load_info(&info, certs_cert_file(certs), NULL) == -1) {
		look_at_missing(d);
		return;
	}
	look_at_dates(d, &info);
	if (info.self_signed)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "self-signed: in maps it needs certname: " PIN_PREFIX "%s",
		    info.sha256);
	else
		look_at_chain(d, certs_cert_file(certs), info.count);
}

void
doctor_certificate_pin(
    const struct check_facts *found, char pin[static DOCTOR_PIN])
{
	const struct certs *certs = found->setup.certs.certs;
	struct cert_info info;

	pin[0] = '\0';
	if (certs != NULL &&
	    cert_load_info(&info, certs_cert_file(certs), NULL) == 0)
		snprintf(pin, DOCTOR_PIN, "%s", info.sha256);
}
