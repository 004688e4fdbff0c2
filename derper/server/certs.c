/* certs: see certs.h. */
#include "certs.h"

#include "acme_folder.h"
#include "cert.h"
#include "clock.h"
#include "filestamp.h"
#include "keyfile.h"
#include "log.h"
#include "metacert.h"
#include "newfile.h"
#include "url_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define DAY_S (24 * 60 * 60)
#define DAY_MS ((uint64_t)DAY_S * 1000)

struct certs {
	const struct config *config;     /* borrowed */
	struct tls_challenge *challenge; /* borrowed */
	char stem[256];
	char cert_file[PATH_BYTES], key_file[PATH_BYTES];
	uint8_t meta[METACERT_MAX];
	size_t meta_len;
	struct tls_context *ctx;  /* owned */
	struct filestamp seen[2]; /* of the files as last tried */
	bool only_try;            /* nothing is written */
	bool would_make;          /* a self-signed pair, were it not for that */
	bool half_seen;           /* one of two files may have been replaced */
	uint64_t reminded_ms;     /* when the dates were last told */
};

static bool
missing(const char *file)
{
	return access(file, F_OK) == -1 && errno == ENOENT;
}

static bool
is_ordered(const struct certs *certs)
{
	return certs->config->acme.used;
}

/* What the certificate is for. */
static const char *
name_of(const struct certs *certs)
{
	return is_ordered(certs) ? certs->config->acme.name
				 : certs->config->hostname;
}

/* Puts right what a crash has left, before it is read, and says at the start
 * what would otherwise show when a certificate is to be written, weeks from
 * now. */
static void
prepare_folder(const struct acme_folder *folder, bool only_try)
{
	struct fail why = { 0 };
	bool is_busy = false;
	struct stat st;
	const int fd = only_try ? -1 : acme_folder_lock(folder, &is_busy, &why);

	if (fd != -1) {
		(void)acme_folder_recover(folder, &why);
		close(fd);
	}
	if (access(folder->dir, W_OK) == -1 && !(only_try && errno == ENOENT))
		fail_errno(&why, "%s", folder->dir);
	if (!is_busy && why.text[0] != '\0')
		log_warn(
		    "acme: what is ordered cannot be written: %s", why.text);
	if (stat(folder->dir, &st) == 0 && (st.st_mode & 0022) != 0)
		log_warn("acme: %s can be written by other users, who can "
			 "replace what is in it: chmod 0700 it",
		    folder->dir);
}

static int
set_ordered_names(struct certs *certs, struct fail *why)
{
	const struct acme_config *acme = &certs->config->acme;
	struct acme_folder folder;

	if (acme_folder_init(&folder, certs->config->cert_dir, acme->name,
		acme->is_ip, why) == -1)
		return -1;
	snprintf(certs->stem, sizeof certs->stem, "%s", acme->name);
	static_assert(PATH_BYTES == ACME_FOLDER_PATH, "one is copied whole");
	memcpy(certs->cert_file, folder.cert, PATH_BYTES);
	memcpy(certs->key_file, folder.key, PATH_BYTES);
	if ((certs->only_try ? acme_folder_try(&folder, why)
			     : acme_folder_make(&folder, why)) == -1)
		return -1;
	if (!acme->waits_for_name)
		prepare_folder(&folder, certs->only_try);
	return 0;
}

static int
set_names(struct certs *certs, struct fail *why)
{
	const char *name = certs->config->hostname;
	const char *dir = certs->config->cert_dir;
	size_t n = 0;

	for (; *name != '\0' && n < sizeof certs->stem - 1; name++)
		if ((*name >= 'a' && *name <= 'z') ||
		    (*name >= 'A' && *name <= 'Z') ||
		    (*name >= '0' && *name <= '9') || *name == '.' ||
		    *name == '-')
			certs->stem[n++] = *name;
	certs->stem[n] = '\0';
	if ((size_t)snprintf(certs->cert_file, PATH_BYTES, "%s/%s.crt", dir,
		certs->stem) >= PATH_BYTES ||
	    (size_t)snprintf(certs->key_file, PATH_BYTES, "%s/%s.key", dir,
		certs->stem) >= PATH_BYTES)
		return fail_set(why, "-certdir is too long");
	return 0;
}

/* Whether one of the files has changed since it was last tried. */
static bool
changed(struct certs *certs)
{
	struct filestamp now[2] = { filestamp_of(certs->cert_file),
		filestamp_of(certs->key_file) };
	bool same = filestamp_eq(&now[0], &certs->seen[0]) &&
	    filestamp_eq(&now[1], &certs->seen[1]);

	certs->seen[0] = now[0];
	certs->seen[1] = now[1];
	return !same;
}

/* Reads the pair into a new context. */
static struct tls_context *
load(struct certs *certs, struct fail *why)
{
	const struct config *config = certs->config;
	struct tls_server_config tls = {
		.cert_file = certs->cert_file,
		.key_file = certs->key_file,
		.sni = config->hostname_is_ip ? NULL : name_of(certs),
		.sni_any_case = is_ordered(certs),
		.challenge = certs->challenge,
		.extra_cert = slice_of(certs->meta, certs->meta_len),
		.records = config->tls_records,
	};

	if (cert_check_pair(
		certs->cert_file, certs->key_file, name_of(certs), why) == -1)
		return NULL;
	return tls_context_new(&tls, why);
}

/* A context that serves nobody but an authority that looks for a proof. */
static struct tls_context *
load_nothing(struct certs *certs, struct fail *why)
{
	return tls_context_new(
	    &(struct tls_server_config){ .challenge = certs->challenge,
		.records = certs->config->tls_records },
	    why);
}

static int
make_if_missing(struct certs *certs, struct fail *why)
{
	struct netaddr ip;

	if (is_ordered(certs) || !certs->config->hostname_is_ip ||
	    (!missing(certs->cert_file) && !missing(certs->key_file)))
		return 0;
	if (netaddr_parse_ip(&ip, slice_str(certs->config->hostname)) == -1)
		return fail_set(why, "not an IP address");
	if (certs->only_try) {
		certs->would_make = true;
		return newfile_try(certs->key_file, why);
	}
	return cert_make_self_signed(
	    &ip, certs->cert_file, certs->key_file, why);
}

/* The line that operators copy the pin from. DIFFERS: upstream prints it for
 * every IP host name, also when an authority signed the certificate, which will
 * renew it in a few days and break the pin. */
static void
log_pin(const struct certs *certs)
{
	const char *ip = certs->config->hostname;
	struct cert_info info;

	if (!certs->config->hostname_is_ip ||
	    cert_load_info(&info, certs->cert_file, NULL) == -1 ||
	    !info.self_signed)
		return;
	log_info("Using self-signed certificate for IP address \"%s\". "
		 "Configure it in DERPMap using: "
		 "(https://tailscale.com/s/custom-derp)",
	    ip);
	log_continue("  {\"Name\":\"custom\",\"RegionID\":900,\"HostName\":"
		     "\"%s\",\"CertName\":\"" PIN_PREFIX "%s\"}",
	    ip, info.sha256);
}

/* certbot's names are a hint away from ours. */
static void
hint_at_names(const struct certs *certs, struct fail *why)
{
	const char *dir = certs->config->cert_dir;
	struct fail inner = *why;
	char chain[PATH_BYTES];

	if (is_ordered(certs) || !missing(certs->cert_file) ||
	    (size_t)snprintf(chain, sizeof chain, "%s/fullchain.pem", dir) >=
		sizeof chain ||
	    missing(chain))
		return;
	*why = (struct fail){ 0 };
	fail_set(why,
	    "%s (%s/ has certbot's names: make links %s.crt to fullchain.pem "
	    "and %s.key to privkey.pem)",
	    inner.text, dir, certs->stem, certs->stem);
}

static struct certs *
open_certs(const struct config *config, const struct derp_key *server,
    struct tls_challenge *challenge, bool only_try, struct fail *why)
{
	struct certs *certs = calloc(1, sizeof *certs);
	struct fail inner = { 0 };

	if (certs == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	certs->config = config;
	certs->challenge = challenge;
	certs->only_try = only_try;
	if ((is_ordered(certs) ? set_ordered_names(certs, &inner)
			       : set_names(certs, &inner)) == -1 ||
	    metacert_make(server, certs->meta, &certs->meta_len, &inner) ==
		-1 ||
	    make_if_missing(certs, &inner) == -1)
		goto failed;
	(void)changed(certs);
	certs->ctx = certs->would_make ? NULL : load(certs, &inner);
	if (certs->ctx == NULL && (is_ordered(certs) || certs->would_make))
		certs->ctx = load_nothing(certs, &inner);
	if (certs->ctx == NULL)
		goto failed;
	log_pin(certs);
	return certs;

failed:
	hint_at_names(certs, &inner);
	fail_set(why,
	    "can not start cert provider: can not load x509 key pair for "
	    "hostname \"%s\": %s",
	    certs->stem, inner.text);
	certs_close(certs);
	return NULL;
}

struct certs *
certs_open(const struct config *config, const struct derp_key *server,
    struct tls_challenge *challenge, struct fail *why)
{
	return open_certs(config, server, challenge, false, why);
}

struct certs *
certs_try(const struct config *config, const struct derp_key *server,
    struct tls_challenge *challenge, struct fail *why)
{
	return open_certs(config, server, challenge, true, why);
}

bool
certs_would_make(const struct certs *certs)
{
	return certs->would_make;
}

void
certs_close(struct certs *certs)
{
	if (certs == NULL)
		return;
	tls_context_release(certs->ctx);
	free(certs);
}

int
certs_renew(const struct config *config, char pin[static CERTS_PIN_TEXT],
    struct fail *why)
{
	struct certs certs = { .config = config };
	struct cert_info info;
	struct netaddr ip;

	if (netaddr_parse_ip(&ip, slice_str(config->hostname)) == -1)
		return fail_set(why,
		    "-renew-self-signed: -hostname %s is not an IP address",
		    config->hostname);
	if (set_names(&certs, why) == -1)
		return -1;
	if (!missing(certs.cert_file)) {
		if (cert_load_info(&info, certs.cert_file, why) == -1)
			return -1;
		if (!info.self_signed)
			return fail_set(why,
			    "-renew-self-signed: %s is signed by \"%s\", which "
			    "has to renew it",
			    certs.cert_file, info.issuer);
	}
	if (cert_make_self_signed(&ip, certs.cert_file, certs.key_file, why) ==
		-1 ||
	    cert_load_info(&info, certs.cert_file, why) == -1)
		return -1;
	snprintf(pin, CERTS_PIN_TEXT, PIN_PREFIX "%s", info.sha256);
	return 0;
}

/* Clients refuse a certificate outside its dates. */
static void
warn_age(const struct certs *certs, const struct cert_info *info)
{
	const int64_t now_s = clock_wall_s();
	const char *file = certs->cert_file;
	char from[CERT_DATE_TEXT], to[CERT_DATE_TEXT];

	cert_format_date(info->not_before_s, from);
	cert_format_date(info->not_after_s, to);
	switch (cert_age(info, now_s)) {
	case CERT_VALID:
		return;
	case CERT_NOT_YET:
		log_warn("certificate %s is not valid before %s: clients "
			 "refuse it until then (is the clock right?)",
		    file, from);
		return;
	case CERT_EXPIRING:
		log_warn("certificate %s expires in %lld days, on %s: renew it",
		    file, (long long)((info->not_after_s - now_s) / DAY_S), to);
		return;
	case CERT_EXPIRED:
		log_warn("certificate %s expired on %s: clients refuse it; "
			 "renew it",
		    file, to);
		return;
	}
}

/* Who is to give us a certificate, and what there is until then. */
static void
report_order(const struct certs *certs)
{
	const struct acme_config *acme = &certs->config->acme;
	const bool none = missing(certs->cert_file);
	const struct url_text from = url_text_origin(acme->url);

	if (acme->waits_for_name)
		log_warn("certificate: -hostname is %s, for which none can be "
			 "ordered: TLS clients are refused; give this relay's "
			 "name as -hostname (international ones in their xn-- "
			 "form)",
		    certs->config->hostname);
	else if (none)
		log_warn("certificate: there is none for %s yet: TLS clients "
			 "are refused until one has come from %s",
		    acme->name, from.text);
	else
		log_info("certificate: kept in %s, and renewed by %s",
		    certs->cert_file, from.text);
}

void
certs_report(const struct certs *certs)
{
	struct cert_info info;
	char to[CERT_DATE_TEXT];

	if (is_ordered(certs))
		report_order(certs);
	if (cert_load_info(&info, certs->cert_file, NULL) == -1)
		return;
	cert_format_date(info.not_after_s, to);
	log_info("certificate: for %s, %s%s%s, expires %s", info.names,
	    info.self_signed ? "self-signed" : "issued by \"",
	    info.self_signed ? "" : info.issuer, info.self_signed ? "" : "\"",
	    to);
	if (info.rsa)
		log_info("certificate: its key is RSA: each login costs the "
			 "relay about ten times as much CPU for the signature "
			 "as with ECDSA P-256");
	keyfile_warn_readable(certs->key_file);
	warn_age(certs, &info);
}

void
certs_remind(struct certs *certs, uint64_t now_ms)
{
	struct cert_info info;

	if (certs->reminded_ms == 0)
		certs->reminded_ms = now_ms;
	if (now_ms - certs->reminded_ms < DAY_MS)
		return;
	certs->reminded_ms = now_ms;
	if (cert_load_info(&info, certs->cert_file, NULL) == 0)
		warn_age(certs, &info);
}

const char *
certs_cert_file(const struct certs *certs)
{
	return certs->cert_file;
}

const char *
certs_key_file(const struct certs *certs)
{
	return certs->key_file;
}

int64_t
certs_expiry_s(const struct certs *certs)
{
	struct cert_info info;

	return cert_load_info(&info, certs->cert_file, NULL) == 0
	    ? info.not_after_s
	    : 0;
}

struct tls_context *
certs_context(const struct certs *certs)
{
	return certs->ctx;
}

bool
certs_poll(struct certs *certs, bool force)
{
	struct fail why = { 0 };
	struct tls_context *ctx;

	if (!changed(certs) && !force)
		return false;
	if (is_ordered(certs) && missing(certs->cert_file))
		return false; /* it has not come yet */
	ctx = load(certs, &why);
	if (ctx == NULL && is_ordered(certs) && !certs->half_seen) {
		/* key and certificate of an address come one after the other,
		 * and a look between the two must not alarm anybody */
		memset(certs->seen, 0, sizeof certs->seen);
		certs->half_seen = true;
		return false;
	}
	certs->half_seen = false;
	if (ctx == NULL) {
		log_error("certificate reload failed, keeping the old one: %s",
		    why.text);
		return false;
	}
	tls_context_release(certs->ctx);
	certs->ctx = ctx;
	log_info("certificate reloaded from %s", certs->cert_file);
	log_pin(certs); /* the maps of clients need the new one */
	return true;
}
