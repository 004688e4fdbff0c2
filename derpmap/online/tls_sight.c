/* tls_sight: see tls_sight.h. */
#include "tls_sight.h"

#include "dial.h"
#include "encode.h"

#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Seconds since 1970 of a certificate's time; 0 for one that is malformed. */
static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
has_names(const X509 *leaf)
{
	return X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
}

/* Whether the certificate is for the name, which may be an address. */
static bool
is_for(X509 *leaf, const char *name)
{
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, slice_str(name)) == 0)
		return X509_check_ip_asc(leaf, name, 0) == 1;
	return X509_check_host(leaf, name, strlen(name),
		   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

static bool
is_metacert(const X509 *cert)
{
	char name[DIAL_CN_MAX];

	dial_common_name(cert, name);
	return strncmp(name, DIAL_META_PREFIX, strlen(DIAL_META_PREFIX)) == 0;
}

static void
look_at(struct tls_sight *s, const struct dial *d,
    const struct tls_sight_target *target)
{
	struct stack_st_X509 *chain = dial_chain(d);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	X509 *leaf;

	if (chain == NULL || sk_X509_num(chain) == 0)
		return;
	leaf = sk_X509_value(chain, 0);
	s->has_cert = X509_digest(leaf, EVP_sha256(), digest, &n) == 1;
	encode_hex(s->sha256, slice_of(digest, n));
	for (int i = 0; i < sk_X509_num(chain); i++)
		s->count += i == 0 || !is_metacert(sk_X509_value(chain, i));
	s->not_before_s = seconds_of(X509_get0_notBefore(leaf));
	s->not_after_s = seconds_of(X509_get0_notAfter(leaf));
	s->has_names = has_names(leaf);
	s->fits = is_for(leaf,
	    target->cert_name != NULL ? target->cert_name : target->hostname);
	s->self_signed = X509_NAME_cmp(X509_get_subject_name(leaf),
			     X509_get_issuer_name(leaf)) == 0;
}

/* As clients do it. */
static struct dial_config
client_config(
    const struct tls_sight_target *target, const char *to, uint16_t port)
{
	return (struct dial_config){
		.address = to,
		.port = port,
		.tls = true,
		.hostname = target->hostname,
		.cert_name = target->cert_name,
		.trust = target->pin != NULL ? DIAL_PIN : DIAL_ROOTS,
		.pin = target->pin,
	};
}

/* Looks at the certificate, taking any. Whether there was a connection. */
static bool
look_closer(struct tls_sight *s, struct dial_config config,
    const struct tls_sight_target *target)
{
	struct fail why = { .text = "" };
	struct dial *d;

	config.trust = DIAL_INSECURE;
	d = dial_open(&config, target->deadline_ms, &why);
	if (d != NULL)
		look_at(s, d, target);
	dial_free(d);
	return d != NULL;
}

/* Whether TCP comes about. */
static bool
can_connect(struct dial_config config, uint64_t deadline_ms, struct fail *why)
{
	struct dial *d;

	config.tls = false;
	d = dial_open(&config, deadline_ms, why);
	dial_free(d);
	return d != NULL;
}

/* One address; whether the others need not be tried. */
static bool
try_address(struct tls_sight *s, const struct host_names *names,
    const struct netaddr *address, const struct tls_sight_target *target)
{
	char to[HOST_NAMES_TEXT];
	uint16_t port;
	struct fail why = { .text = "" };
	struct dial_config config;
	struct dial *d;

	host_names_route(names, address, target->port, to, &port);
	netaddr_format_ip(address, s->address);
	config = client_config(target, to, port);
	if (!can_connect(config, target->deadline_ms, &why)) {
		snprintf(s->text, sizeof s->text, "%s", why.text);
		return false;
	}
	d = dial_open(&config, target->deadline_ms, &why);
	s->state = d != NULL ? TLS_ACCEPTED : TLS_REFUSED;
	if (d != NULL)
		look_at(s, d, target);
	dial_free(d);
	if (d != NULL)
		return true;
	snprintf(s->text, sizeof s->text, "%s", why.text);
	if (!look_closer(s, config, target)) {
		config.sni = "";
		s->needs_no_name = look_closer(s, config, target);
	}
	return true;
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
