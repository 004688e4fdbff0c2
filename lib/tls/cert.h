/*
 * cert: certificates: load, check, make, fingerprint.
 *
 * Blocking (files); called at start-up, on reload and by tools. Threads: any,
 * no shared state. Source: derp-relay behaviour of tailscale
 * cmd/derper/cert.go.
 */
#ifndef DERPKIT_CERT_H
#define DERPKIT_CERT_H

#include "bytes.h"
#include "fail.h"
#include "netaddr.h"
#include "pin.h"

#define CERT_PIN_TEXT (PIN_HEX + 1) /* with NUL */
#define CERT_NAMED_MAX 1024         /* bytes of DER of cert_make_named */

#define CERT_NAMES_MAX 400
#define CERT_NAME_MAX 128
#define CERT_DATE_TEXT 32 /* with NUL */
/* How long a self-signed certificate is valid. Its pin is in region maps, and
 * all clients are cut off when it ends: DIFFERS: the Go derper's lives for one
 * year; its clients look at the dates only. */
#define CERT_SELF_SIGNED_YEARS 10

/* What is known of a certificate, and of the file that it is in. */
struct cert_info {
	char sha256[CERT_PIN_TEXT]; /* lower-case hex of SHA-256 over the DER
				       of the leaf */
	/* printable: what it is valid for ("a.example, 192.0.2.1"; "" for no
	 * subject alternative name at all), its subject's and its issuer's
	 * common name ("" without); cut where they are too long */
	char names[CERT_NAMES_MAX], subject[CERT_NAME_MAX],
	    issuer[CERT_NAME_MAX];
	bool self_signed;
	bool rsa;
	int64_t not_before_s, not_after_s; /* seconds since 1970 */
	unsigned count;                    /* certificates in the file */
};

/* How much of its time a certificate has left. */
enum cert_age {
	CERT_VALID,
	CERT_NOT_YET,  /* not valid yet */
	CERT_EXPIRING, /* within 30 days or, if that is less, a third of its
			  life */
	CERT_EXPIRED,
};

enum cert_age cert_age(const struct cert_info *info, int64_t now_s);

struct x509_st; /* OpenSSL's X509 */

/* What is known of a certificate that is in memory; count is 1. */
int cert_read_info(
    struct cert_info *info, struct x509_st *leaf, struct fail *why);

/* Reads the leaf of a PEM file. */
int cert_load_info(
    struct cert_info *info, const char *cert_file, struct fail *why);

/* Whether the leaf of a PEM file is valid for the host name, by the rules of
 * cert_check_pair. -1: it cannot be read. */
int cert_file_is_for(
    const char *cert_file, const char *hostname, bool *is_it, struct fail *why);

/* Loads certificate and key (NULL: there is none to check), checks that they
 * belong together and that the
 * leaf is valid for the host name by SAN (CN is not considered; an IP needs an
 * IP SAN). Expiry is not checked, as upstream does not. */
int cert_check_pair(const char *cert_file, const char *key_file,
    const char *hostname, struct fail *why);

/* Makes a P-256 key and a self-signed certificate for the address, valid
 * CERT_SELF_SIGNED_YEARS, and writes key_file (0600), then cert_file (0644),
 * each whole or not at all (newfile.h); one that is there keeps its mode, and
 * its owner where that can be kept. Missing parent folders are made 0700.
 * Refuses nothing that exists: the caller has looked. Cut between the two, with
 * an old certificate in place, it leaves a pair that cert_check_pair refuses.
 */
int cert_make_self_signed(const struct netaddr *ip, const char *cert_file,
    const char *key_file, struct fail *why);

/*
 * Makes a self-signed Ed25519 certificate that carries a name and belongs to no
 * key that is kept: the serial number, issuer = subject = CN common_name
 * (PrintableString, at most 64 + 7 characters), valid from `days` before now
 * until `days` after, one extension (basicConstraints, critical, empty). DER
 * goes to der, *n bytes.
 */
int cert_make_named(const char *common_name, long serial, unsigned days,
    uint8_t der[static CERT_NAMED_MAX], size_t *n, struct fail *why);

/* Writes "YYYY-MM-DD hh:mm UTC" of Unix seconds. Returns text. */
const char *cert_format_date(int64_t at_s, char text[static CERT_DATE_TEXT]);

#endif
