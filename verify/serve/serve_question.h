/*
 * serve_question: one question on its way to the engine and back.
 *
 * Threads: loop-owned, but for the moment in which a thread of the engine puts
 * the answer into it and sends it as a message.
 */
#ifndef DERPKIT_SERVE_QUESTION_H
#define DERPKIT_SERVE_QUESTION_H

#include "serve_state.h"

/* Answers the request that the connection is handling, now or later. client is
 * unset when it is not known. */
void serve_question_ask(struct serve_state *state,
    struct http_service_conn *conn, const struct derp_key *key,
    const struct netaddr *client);

#endif
