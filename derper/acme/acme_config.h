/*
 * acme_config: what -certmode letsencrypt and gcp need to order a certificate.
 *
 * Life: the flags fill it -> acme_config_derive, which reads a file; immutable
 * afterwards -> acme_config_wipe. Source: tailscale cmd/derper/cert.go,
 * ipcert.go.
 */
#ifndef DERPKIT_ACME_CONFIG_H
#define DERPKIT_ACME_CONFIG_H

#include "fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACME_CONFIG_LETSENCRYPT "https://acme-v02.api.letsencrypt.org/directory"
#define ACME_CONFIG_GCP "https://dv.acme-v02.api.pki.goog/directory"
#define ACME_CONFIG_NAME_MAX 254   /* bytes of a host name, with NUL */
#define ACME_CONFIG_SECRET_MAX 512 /* bytes of an external account's key */

struct acme_config {
	/* flags; texts are borrowed, "" when not given */
	const char *email, *eab_kid, *eab_key;
	const char *eab_key_file;        /* ours */
	const char *directory, *ca_file; /* ours */
	bool ip_certs;
	/* derived; only with `used` */
	bool used;                       /* certificates are ordered */
	bool waits_for_name;             /* nobody has said what ours is, or it
					    is none that can be ordered */
	char name[ACME_CONFIG_NAME_MAX]; /* as ordered: lower case, or an
					    address in its shortest form */
	bool is_ip;
	bool has_http_port;                     /* http-01 can be answered */
	const char *url;                        /* of the directory */
	uint8_t secret[ACME_CONFIG_SECRET_MAX]; /* of eab_key, or its file */
	size_t secret_len;
};

/* What of the relay it depends on; borrowed for the call. */
struct acme_config_host {
	const char *mode; /* "letsencrypt" or "gcp" */
	const char *hostname;
	bool is_default; /* nobody has given it */
	bool is_ip;
	bool has_http_port;
};

/* -1 and the reason when the flags do not go together. */
int acme_config_derive(struct acme_config *acme,
    const struct acme_config_host *host, struct fail *why);

/* Wipes the external account's key, when nothing is ordered any more; until
 * then each order may have to make the account anew. Fine on { 0 }. */
void acme_config_wipe(struct acme_config *acme);

#endif
