/*
 * doctor_relay: the relay that runs, and how it was started.
 *
 * Its process is found by its control socket, its arguments and variables in
 * /proc. Life: { 0 } -> doctor_relay_find -> doctor_relay_read ->
 * doctor_relay_clear. Threads: the main thread's, before others run.
 */
#ifndef DERPKIT_DOCTOR_RELAY_H
#define DERPKIT_DOCTOR_RELAY_H

#include "buf.h"
#include "doctor_rights.h"
#include "fail.h"
#include "netaddr.h"

#include <stdbool.h>
#include <sys/types.h>

#define DOCTOR_RELAY_WORDS_MAX 512

struct doctor_relay {
	pid_t pid;                      /* 0: none was found */
	struct doctor_rights_user user; /* whose it is */
	struct buf text;
	char *words[DOCTOR_RELAY_WORDS_MAX + 1]; /* of text; NULL at the end */
	int word_count;
	bool has_variables; /* they could be read */
	struct buf left; /* names of those that are not for us, each with NUL */
	/* where sockets are bound that the service manager gave it, by the
	 * names that these have; port 0: none */
	struct netaddr given_https, given_http, given_stun;
	bool is_elsewhere; /* one was found where we do not see its network */
	int error;         /* errno of what kept us from asking there */
};

/* Asks who listens on the socket. -1 and the reason: nobody does, or the relay
 * is elsewhere: in another container. */
int doctor_relay_find(
    struct doctor_relay *r, const char *socket_path, struct fail *why);

/* Reads its arguments, the program's name first, and makes the variables that a
 * relay reads, where they may be read, those of this process. They are what the
 * process says of itself. -1 and the reason. */
int doctor_relay_read(struct doctor_relay *r, struct fail *why);

/* Whether it has a variable of that name, which was left out. */
bool doctor_relay_left(const struct doctor_relay *r, const char *name);

/* Fine on { 0 }. */
void doctor_relay_clear(struct doctor_relay *r);

#endif
