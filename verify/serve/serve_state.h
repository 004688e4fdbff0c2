/*
 * serve_state: what the parts of the admission server share.
 *
 * Threads: loop-owned.
 */
#ifndef DERPKIT_SERVE_STATE_H
#define DERPKIT_SERVE_STATE_H

#include "http_service.h"
#include "mailbox.h"
#include "serve_log.h"
#include "serve_token.h"
#include "verify_current.h"

/* What was answered, since the start. */
struct serve_counters {
	uint64_t allow, deny, unknown; /* of them fail_open */
	uint64_t fail_open;
	uint64_t bad_request, unauthorized, method, not_found;
	uint64_t gone; /* asked by a connection that has ended */
};

struct serve_state {
	/* immutable */
	struct loop *loop;             /* borrowed */
	struct mailbox *mailbox;       /* borrowed: the loop's */
	struct verify_current *verify; /* borrowed */
	uint64_t answer_ms;            /* from question to answer; 0: at once */
	/* for /metrics; set when the service has been made; borrowed */
	const struct http_service_counters *http;
	/* loop-owned */
	struct serve_tokens *tokens; /* owned; NULL: everybody may ask */
	struct serve_log log;
	struct serve_counters counters;
	bool stopping; /* /healthz says so */
};

#endif
