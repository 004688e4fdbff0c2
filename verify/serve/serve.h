/*
 * serve: the admission server: from its configuration to its end.
 *
 * One thread runs the loop with all connections; the main thread waits for
 * signals and looks at files: SIGTERM and SIGINT end it in good order, SIGHUP
 * reads configuration, certificate, tokens and node lists again, which is also
 * done when they change. A bad new file keeps the old state and says so.
 * Threads: main.
 */
#ifndef DERPKIT_SERVE_H
#define DERPKIT_SERVE_H

#include "sd_listen.h"
#include "verify_config.h"

#include <sys/types.h>

#define SERVE_ADDRESSES_MAX 16

/* All is borrowed until serve_run returns. */
struct serve_config {
	const char *const *addresses; /* serve_listen.h */
	size_t address_count;
	/* sockets of the service manager: if there are any, they are served
	 * instead of the addresses */
	const struct sd_listen *given;
	mode_t listen_mode;    /* of unix sockets */
	const char *cert_file; /* PEM, with its chain; NULL: plain HTTP */
	const char *key_file;
	bool allow_plain;       /* also where others can read it */
	const char *token_file; /* NULL: everybody may ask */
	size_t connections_max, connections_per_address;
	uint64_t request_ms; /* to receive a request */
	uint64_t idle_ms;    /* between two requests */
	uint64_t answer_ms;  /* from question to answer; 0: at once */
	uint64_t drain_ms;   /* to answer what was asked before the end */
	bool quiet;          /* no log line for each question */
	const struct verify_config *verify; /* its notice is set here */
	const char *verify_file; /* it was read from; NULL: there is none */
	uint64_t ask_ms;         /* for a question, unless the file says it */
	const char *last_good;   /* folder, whatever the file says; NULL: as it
				    says */
};

/* Serves until a signal ends it: 0. -1 and the reason when it cannot start. */
int serve_run(const struct serve_config *config, struct fail *why);

#endif
