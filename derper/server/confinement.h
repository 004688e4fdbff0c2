/*
 * confinement: the relay's use of the sandbox: which files serving still needs.
 *
 * Those are what is read again when it changes, certificate and node lists, and
 * the roots of the admission URL; what is written is the folder of ordered
 * certificates and that of the last good node lists. Where a file is a link,
 * the folder that it leads to is allowed as well, so that the tools that
 * replace such files (certbot's live/ leads to archive/) go on working.
 * Threads: the main thread, before others run.
 */
#ifndef DERPKIT_CONFINEMENT_H
#define DERPKIT_CONFINEMENT_H

#include "config.h"
#include "fail.h"

struct certs;
struct verify_config;

/* Gives up all rights but those, as far as the config wants it, and logs what
 * is in force. certs is NULL without TLS. What cannot be read any more is
 * logged. -1 and the reason only when memory is short. */
int confinement_enter(const struct config *config,
    const struct verify_config *admission, const struct certs *certs,
    struct fail *why);

/* Whether the files of a configuration that is read later are among those that
 * may be read. -1 and the reason when one is not. */
int confinement_check(const struct verify_config *admission, struct fail *why);

#endif
