/*
 * acme_service: orders the relay's certificate when it is time, on a thread of
 * its own.
 *
 * The files are what it has in common with the rest: what it writes is read by
 * certs.h as any other change there. An order that fails is tried again later
 * and later, also by another relay with this folder or after a restart; one
 * that was issued but not fetched is taken up again. The certificate that is in
 * force stays. All that it does is in the log. Life: acme_service_start ->
 * acme_service_wake ... -> acme_service_stop. Threads: the main thread's; it
 * has one of its own, which inherits the signals that are blocked and the
 * rights that are left.
 */
#ifndef DERPKIT_ACME_SERVICE_H
#define DERPKIT_ACME_SERVICE_H

#include "acme_counts.h"
#include "fail.h"

struct acme_answers;
struct acme_config;
struct acme_folder;
struct acme_service;

/* Begins. All borrowed until acme_service_stop. Returns owned; NULL and the
 * reason. */
struct acme_service *acme_service_start(const struct acme_config *config,
    const struct acme_folder *folder, struct acme_answers *answers,
    struct acme_counts *counts, struct fail *why);

/* Waits no longer after a failure, unless the authority has been asked too
 * often or has said how long to stay away. NULL is fine. */
void acme_service_wake(struct acme_service *s);

/* Ends it, within a second, and frees it. NULL is fine. */
void acme_service_stop(struct acme_service *s);

#endif
