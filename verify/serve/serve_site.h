/*
 * serve_site: what the admission server answers: POST /verify, /metrics,
 * /healthz.
 *
 * A question goes to the engine; its answer comes back by message, and nothing
 * waits for it. Every decision has an answer of the same status, headers and
 * length; with answer_ms also at the same time. When no source could tell, the
 * status is 503, and the body denies. Threads: loop-owned. Source: headscale
 * hscontrol/handlers.go (VerifyHandler).
 */
#ifndef DERPKIT_SERVE_SITE_H
#define DERPKIT_SERVE_SITE_H

#include "serve_state.h"

/* For http_service_config; ctx is the state. */
struct http_service_handler serve_site_handler(struct serve_state *state);

/* Other tokens from now on; takes them. */
void serve_site_use_tokens(
    struct serve_state *state, struct serve_tokens *tokens);

#endif
