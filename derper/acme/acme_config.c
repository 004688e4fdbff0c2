/* acme_config: see acme_config.h. */
#include "acme_config.h"

#include "encode.h"
#include "fetch_config.h"
#include "netaddr.h"

#include <assert.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_TEXT_MAX 1024 /* bytes of a file with an account's key */

/* In lower case and without a dot at the end, as the certificate will have it,
 * and as Go's autocert names its files. False: no authority knows such names.
 */
static bool
set_name(struct acme_config *acme, const char *hostname)
{
	size_t n = 0;

	for (; n < sizeof acme->name - 1 && hostname[n] != '\0'; n++) {
		const char c = hostname[n];
		const bool is_upper = c >= 'A' && c <= 'Z';

		if (!is_upper && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') && strchr("-._", c) == NULL)
			break;
		acme->name[n] = is_upper ? (char)(c - 'A' + 'a') : c;
	}
	if (hostname[n] != '\0')
		return false;
	if (n > 0 && acme->name[n - 1] == '.')
		n--;
	acme->name[n] = '\0';
	return n > 0;
}

/* As authorities compare it and write it to certificates (RFC 8738 3). */
static bool
set_address(struct acme_config *acme, const char *hostname)
{
	struct netaddr ip;

	static_assert(NETADDR_TEXT <= sizeof acme->name, "it fits");
	if (netaddr_parse_ip(&ip, slice_str(hostname)) == -1)
		return false;
	netaddr_format_ip(&ip, acme->name);
	return true;
}

/* A public authority knows no single labels, and none with an underscore. */
static bool
is_public(const struct acme_config *acme)
{
	return acme->is_ip ||
	    (strchr(acme->name, '.') != NULL && acme->name[0] != '.' &&
		strchr(acme->name, '_') == NULL);
}

static bool
has_eab_key(const struct acme_config *acme)
{
	return acme->eab_key[0] != '\0' || acme->eab_key_file[0] != '\0';
}

/* Base64 of either alphabet, as authorities hand it out. */
static int
set_secret(struct acme_config *acme, struct slice text, const char *from,
    struct fail *why)
{
	if (decode_base64url(acme->secret, sizeof acme->secret,
		&acme->secret_len, text) == 0 ||
	    decode_base64(acme->secret, sizeof acme->secret, &acme->secret_len,
		text) == 0)
		return 0;
	return fail_set(why, "%s is not base64", from);
}

/* Where process lists and unit files do not show it. */
static int
read_secret(struct acme_config *acme, struct fail *why)
{
	const char *path = acme->eab_key_file;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t text[KEY_TEXT_MAX];
	struct stat st;
	ssize_t n = -1;
	int rc;

	if (fd == -1)
		return fail_errno(why, "-acme-eab-key-file: %s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, sizeof text);
	close(fd);
	if (n < 0 || n == sizeof text)
		return fail_set(
		    why, "-acme-eab-key-file: %s: not a file with a key", path);
	rc = set_secret(acme, slice_trim(slice_of(text, (size_t)n)), path, why);
	sodium_memzero(text, sizeof text);
	return rc;
}

static int
derive_secret(struct acme_config *acme, struct fail *why)
{
	if (acme->eab_key_file[0] != '\0')
		return read_secret(acme, why);
	if (acme->eab_key[0] != '\0')
		return set_secret(
		    acme, slice_str(acme->eab_key), "-acme-eab-key", why);
	return 0;
}

static int
check_gcp(const struct acme_config *acme, const struct acme_config_host *host,
    struct fail *why)
{
	static const char form[] = "-certmode gcp needs %s";

	if (acme->eab_kid[0] == '\0')
		return fail_set(why, form, "-acme-eab-kid");
	if (!has_eab_key(acme))
		return fail_set(why, form, "-acme-eab-key");
	if (acme->email[0] == '\0')
		return fail_set(why, form, "-acme-email");
	if (acme->ip_certs)
		return fail_set(
		    why, "-acme-ip-certs needs -certmode letsencrypt");
	if (host->is_ip)
		return fail_set(why, form, "a -hostname that is a DNS name");
	return 0;
}

/* DIFFERS: upstream orders a certificate for whatever address a connection was
 * made to, beside that of the host name; behind NAT that is one that no
 * authority can reach. Ours is for the address that is the host name. */
static int
check_ip(const struct acme_config *acme, const struct acme_config_host *host,
    struct fail *why)
{
	if (acme->ip_certs && !host->is_ip)
		return fail_set(why,
		    "-acme-ip-certs: give the relay's public IP address as "
		    "-hostname");
	if (host->is_ip && !acme->ip_certs)
		return fail_set(why,
		    "-hostname %s is an IP address: use -acme-ip-certs for a "
		    "certificate of Let's Encrypt, or -certmode manual",
		    host->hostname);
	if (host->is_ip && !host->has_http_port)
		return fail_set(why,
		    "-acme-ip-certs needs -http-port: the address is proven "
		    "there");
	return 0;
}

static int
check_binding(const struct acme_config *acme, struct fail *why)
{
	if ((acme->eab_kid[0] == '\0') == has_eab_key(acme))
		return fail_set(
		    why, "-acme-eab-kid and -acme-eab-key go together");
	if (acme->eab_key[0] != '\0' && acme->eab_key_file[0] != '\0')
		return fail_set(why,
		    "-acme-eab-key and -acme-eab-key-file: give one of them");
	return 0;
}

static int
check_files(const struct acme_config *acme, struct fail *why)
{
	struct fail inner = { 0 };
	bool has_path;

	if (acme->directory[0] != '\0' &&
	    fetch_config_check_url(acme->directory, &has_path, &inner) == -1)
		return fail_set(why, "-acme-directory: %s", inner.text);
	if (acme->ca_file[0] != '\0' &&
	    fetch_config_check_roots(acme->ca_file, &inner) == -1)
		return fail_set(why, "-acme-ca: %s", inner.text);
	return 0;
}

int
acme_config_derive(struct acme_config *acme,
    const struct acme_config_host *host, struct fail *why)
{
	const bool gcp = strcmp(host->mode, "gcp") == 0;

	acme->used = true;
	acme->is_ip = host->is_ip;
	acme->has_http_port = host->has_http_port;
	acme->url = acme->directory[0] != '\0' ? acme->directory
	    : gcp                              ? ACME_CONFIG_GCP
					       : ACME_CONFIG_LETSENCRYPT;
	/* a name that is not ours is not asked of a public authority */
	acme->waits_for_name = host->is_default && acme->directory[0] == '\0';
	if ((gcp && check_gcp(acme, host, why) == -1) ||
	    check_ip(acme, host, why) == -1 || check_binding(acme, why) == -1 ||
	    check_files(acme, why) == -1)
		return -1;
	/* as upstream, which refuses the handshakes only */
	if (!(host->is_ip ? set_address(acme, host->hostname)
			  : set_name(acme, host->hostname))) {
		snprintf(acme->name, sizeof acme->name, "unusable");
		acme->waits_for_name = true;
	} else if (acme->directory[0] == '\0' && !is_public(acme)) {
		acme->waits_for_name = true;
	}
	return derive_secret(acme, why);
}

void
acme_config_wipe(struct acme_config *acme)
{
	sodium_memzero(acme->secret, sizeof acme->secret);
	acme->secret_len = 0;
}
