/*
 * status: the thread that knows what the relay is doing.
 *
 * It keeps the last hour (status_ring.h), collects what workers know of their
 * clients when somebody asks (status_collector.h), makes pages of that
 * (status_html.h, status_json.h), and answers on the control socket
 * (control.h). A worker spends time on its own clients only.
 *
 * Life: status_new -> status_start -> status_stop, when the workers' threads
 * have ended -> status_free, when all connections of the workers have, and
 * before their mailboxes. Threads: status_post from any; the rest from one.
 */
#ifndef DERPKIT_STATUS_H
#define DERPKIT_STATUS_H

#include "control.h"
#include "status_ask.h"
#include "status_facts.h"

/* Questions that wait for an answer; one more is answered with 503. */
#define STATUS_WAITING_MAX 64

struct status;

/* Everything is borrowed until status_free, but control_fd is taken, also on
 * failure; -1: there is no control socket. Returns owned; NULL and the reason.
 */
struct status *status_new(const struct status_relay *relay,
    const struct control_events *events, int control_fd, struct fail *why);
void status_free(struct status *s);

/* -1 and the reason when threads are short. */
int status_start(struct status *s, struct fail *why);
/* Does nothing unless it was started. */
void status_stop(struct status *s);

/* Takes the question. */
void status_post(struct status *s, struct status_ask *ask);

#endif
