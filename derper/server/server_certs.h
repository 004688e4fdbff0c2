/*
 * server_certs: the certificate that is served, and what orders it where that
 * is wanted.
 *
 * Life: server_certs_open -> server_certs_start -> server_certs_stop ->
 * server_certs_close, after the workers. Threads: the main thread.
 */
#ifndef DERPKIT_SERVER_CERTS_H
#define DERPKIT_SERVER_CERTS_H

#include "acme_counts.h"
#include "acme_folder.h"
#include "acme_page.h"
#include "certs.h"

/* All zero: nothing is open. */
struct server_certs {
	struct certs *certs; /* NULL: plain HTTP */
	struct acme_folder folder;
	struct acme_answers *answers; /* NULL: nothing is ordered */
	struct acme_service *service; /* likewise */
	struct acme_watch *watch;     /* likewise */
	struct acme_counts counts;
};

/* Loads or makes what the configuration, borrowed until the end, asks for; with
 * `try` makes nothing (certs_try). -1 and the reason. */
int server_certs_open(struct server_certs *s, const struct config *config,
    const struct derp_key *server, bool try, struct fail *why);

/* When the certificate ends, in seconds since 1970; 0: there is none. */
int64_t server_certs_expiry_s(const struct server_certs *s);

/* What the plain port shows to authorities. */
struct acme_page server_certs_page(
    const struct server_certs *s, const struct config *config);

/* Begins to order, when the ports are open on which the name is to be proven.
 * -1 and the reason. */
int server_certs_start(
    struct server_certs *s, const struct config *config, struct fail *why);
void server_certs_stop(struct server_certs *s);
void server_certs_close(struct server_certs *s);

#endif
