/*
 * serve_listen: the addresses of the admission server.
 *
 * "IP:PORT", "[IP6]:PORT", ":PORT" (all addresses) or "unix:PATH". Plain HTTP
 * is for loopback addresses and unix sockets: elsewhere a token could be read
 * and an answer replaced on the way. Threads: main.
 */
#ifndef DERPKIT_SERVE_LISTEN_H
#define DERPKIT_SERVE_LISTEN_H

#include "fail.h"
#include "netaddr.h"
#include "sd_listen.h"
#include "unix_listener.h"

struct serve_listen {
	struct netaddr addr; /* TCP; a port of 0 is chosen when it is opened */
	struct unix_listener unix_socket;
	/* of one that was given, its name where it has no path; borrowed; NULL:
	 * TCP */
	const char *unix_path;
	int given_fd; /* 0: it is bound */
};

/* Reads an address; text is borrowed. -1 and the reason. */
int serve_listen_parse(
    struct serve_listen *l, const char *text, struct fail *why);

/* A socket of the service manager, borrowed. -1 and the reason when it is not
 * one of a kind that is served. */
int serve_listen_take(struct serve_listen *l,
    const struct sd_listen_socket *given, struct fail *why);

/* Whether others than this machine can connect. */
bool serve_listen_is_public(const struct serve_listen *l);

/* Binds and listens, if it was not given: the descriptor, owned by the caller;
 * -1 and the reason. */
int serve_listen_open(
    struct serve_listen *l, mode_t listen_mode, struct fail *why);

/* Removes what is left of it. Idempotent, fine on { 0 }. */
void serve_listen_remove(struct serve_listen *l);

#define SERVE_LISTEN_TEXT 192
/* "127.0.0.1:8080" or "unix:/run/x.sock", cut if too long. */
void serve_listen_format(
    const struct serve_listen *l, char out[static SERVE_LISTEN_TEXT]);

#endif
