/*
 * control_client: asks a running relay on its control socket.
 *
 * Threads: the main thread of a command; blocking.
 */
#ifndef DERPKIT_CONTROL_CLIENT_H
#define DERPKIT_CONTROL_CLIENT_H

#include "bytes.h"
#include "command.h"

/* Where a relay that systemd runs has its socket. */
#define CONTROL_CLIENT_SOCKET "/run/derper/control.sock"
#define CONTROL_CLIENT_BODY_MAX ((size_t)4 << 20)

/* The option that all commands have; first in their structs. */
struct control_client_options {
	const char *socket;
};
#define CONTROL_CLIENT_OPTION                                                \
	{                                                                    \
		"control-socket", OPTS_TEXT,                                 \
		    offsetof(struct control_client_options, socket), "path", \
		    "socket of the relay, as its -control-socket; "          \
		    "DERP_CONTROL_SOCKET without it, "                       \
		    "else " CONTROL_CLIENT_SOCKET                            \
	}

struct control_client_answer {
	unsigned status; /* of HTTP */
	struct slice body;
	void *memory; /* owned: control_client_clear */
};

/* The socket that the options, the variable or the default name. */
const char *control_client_socket(const struct control_client_options *o);

/* Connects to a socket, in some seconds at most. Returns owned; -1 with errno.
 */
int control_client_connect(const char *path);

/* Asks; POST or GET. Says what is wrong, and returns -1, when no answer comes.
 * An answer with any status is one. */
int control_client_ask(const struct command_call *call, const char *path,
    bool post, struct control_client_answer *answer);
void control_client_clear(struct control_client_answer *answer);

/* Says that the relay refused, in its words. Returns COMMAND_FINDINGS. */
int control_client_refused(const struct command_call *call,
    const struct control_client_answer *answer);

/* Waits until nobody listens on the control socket. */
void control_client_wait_end(const struct command_call *call);

/* Asks by POST for what the relay then does by itself, and prints `begun`, a
 * line, when it has begun. Returns the command's exit status. */
int control_client_order(
    const struct command_call *call, const char *path, const char *begun);

#endif
