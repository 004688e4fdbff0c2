/*
 * acme_watch: looks for answers to challenges that others put into the folder,
 * while a certificate is ordered there, on a thread of its own.
 *
 * The kernel tells of new files at once; those of a network filesystem, of
 * which it knows nothing, are seen within ACME_WATCH_LOOK_MS. Life:
 * acme_watch_start -> acme_watch_stop, before the answers' end. Threads: the
 * main thread's.
 */
#ifndef DERPKIT_ACME_WATCH_H
#define DERPKIT_ACME_WATCH_H

#include "acme_answers.h"

#define ACME_WATCH_LOOK_MS 500

struct acme_watch;

/* Both are borrowed until acme_watch_stop. Returns owned; NULL and the reason.
 */
struct acme_watch *acme_watch_start(const struct acme_folder *folder,
    struct acme_answers *answers, struct fail *why);
/* NULL is fine. */
void acme_watch_stop(struct acme_watch *w);

#endif
