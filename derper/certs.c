/* certs: see certs.h. */
#include "certs.h"

#include "cert.h"
#include "log.h"
#include "metacert.h"
#include "pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* What tells that a file was replaced or rewritten. */
struct stamp {
	ino_t inode;
	off_t size;
	struct timespec mtime;
};

struct certs {
	const struct config *config; /* borrowed */
	char stem[256];
	char cert_file[PATH_BYTES], key_file[PATH_BYTES];
	uint8_t meta[METACERT_MAX];
	size_t meta_len;
	struct tls_context *ctx; /* owned */
	struct stamp seen[2];    /* of the files as last tried */
};

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

static struct stamp
stamp_of(const char *file)
{
	struct stat st;

	if (stat(file, &st) == -1)
		return (struct stamp){ 0 };
	return (struct stamp){ st.st_ino, st.st_size, st.st_mtim };
}

static bool
stamp_eq(const struct stamp *a, const struct stamp *b)
{
	return a->inode == b->inode && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* Whether one of the files has changed since it was last tried. */
static bool
changed(struct certs *certs)
{
	struct stamp now[2] = { stamp_of(certs->cert_file),
		stamp_of(certs->key_file) };
	bool same = stamp_eq(&now[0], &certs->seen[0]) &&
	    stamp_eq(&now[1], &certs->seen[1]);

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
		.sni = config->hostname_is_ip ? NULL : config->hostname,
		.extra_cert = slice_of(certs->meta, certs->meta_len),
		.records = config->tls_records,
	};

	if (cert_check_pair(
		certs->cert_file, certs->key_file, config->hostname, why) == -1)
		return NULL;
	return tls_context_new(&tls, why);
}

static bool
missing(const char *file)
{
	return access(file, F_OK) == -1 && errno == ENOENT;
}

static int
make_if_missing(struct certs *certs, struct fail *why)
{
	struct netaddr ip;

	if (!certs->config->hostname_is_ip ||
	    (!missing(certs->cert_file) && !missing(certs->key_file)))
		return 0;
	if (netaddr_parse_ip(&ip, slice_str(certs->config->hostname)) == -1)
		return fail_set(why, "not an IP address");
	return cert_make_self_signed(
	    &ip, certs->cert_file, certs->key_file, why);
}

/* The line that operators copy the pin from. Upstream prints it for every IP
 * host name, also when the certificate came from somewhere else. */
static void
log_pin(const struct certs *certs)
{
	const char *ip = certs->config->hostname;
	struct cert_info info;

	if (!certs->config->hostname_is_ip ||
	    cert_load_info(&info, certs->cert_file, NULL) == -1)
		return;
	log_info("Using self-signed certificate for IP address \"%s\". "
		 "Configure it in DERPMap using: "
		 "(https://tailscale.com/s/custom-derp)",
	    ip);
	log_continue("  {\"Name\":\"custom\",\"RegionID\":900,\"HostName\":"
		     "\"%s\",\"CertName\":\"" PIN_PREFIX "%s\"}",
	    ip, info.sha256);
}

struct certs *
certs_open(const struct config *config, const struct derp_key *server,
    struct fail *why)
{
	struct certs *certs = calloc(1, sizeof *certs);
	struct fail inner = { 0 };

	if (certs == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	certs->config = config;
	if (set_names(certs, &inner) == -1 ||
	    metacert_make(server, certs->meta, &certs->meta_len, &inner) ==
		-1 ||
	    make_if_missing(certs, &inner) == -1)
		goto failed;
	(void)changed(certs);
	certs->ctx = load(certs, &inner);
	if (certs->ctx == NULL)
		goto failed;
	log_pin(certs);
	return certs;

failed:
	fail_set(why,
	    "can not start cert provider: can not load x509 key pair for "
	    "hostname \"%s\": %s",
	    certs->stem, inner.text);
	certs_close(certs);
	return NULL;
}

void
certs_close(struct certs *certs)
{
	if (certs == NULL)
		return;
	tls_context_release(certs->ctx);
	free(certs);
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
	ctx = load(certs, &why);
	if (ctx == NULL) {
		log_error("certificate reload failed, keeping the old one: %s",
		    why.text);
		return false;
	}
	tls_context_release(certs->ctx);
	certs->ctx = ctx;
	log_info("certificate reloaded from %s", certs->cert_file);
	return true;
}
