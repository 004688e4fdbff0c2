/*
 * status_ask: a question about the status, and its answer.
 *
 * Whoever asks embeds it, posts it to the status (status_post), and gets it
 * back by `done`. Life: made by the asker -> status_post, which takes it ->
 * done, which takes it -> status_ask_free. Threads: of one at a time.
 */
#ifndef DERPKIT_STATUS_ASK_H
#define DERPKIT_STATUS_ASK_H

#include "bytes.h"
#include "mailbox.h"
#include "status_query.h"

struct status_traffic;

struct status_ask {
	struct message message; /* first member */
	struct status_ask *next;
	struct status_query query;
	/* of STATUS_QUERY_TRAFFIC, from the first answer on; owned */
	struct status_traffic *traffic;
	/* Called on the thread of the status, with the answer set. */
	void (*done)(struct status_ask *ask);
	/* the answer */
	unsigned code;    /* 200; 503: *text is why */
	const char *type; /* Content-Type */
	char *text;       /* owned */
	size_t len;
};

/* Frees it with the answer. It begins the memory that the asker allocated. */
void status_ask_free(struct status_ask *ask);

/* The answer as http_server_answer wants it; borrowed. */
struct slice status_ask_body(const struct status_ask *ask);

#endif
