/* serve_listen: see serve_listen.h. */
#include "serve_listen.h"

#include "listener.h"

#include <stdio.h>
#include <string.h>

static const char unix_prefix[] = "unix:";

int
serve_listen_parse(struct serve_listen *l, const char *text, struct fail *why)
{
	const size_t n = sizeof unix_prefix - 1;

	*l = (struct serve_listen){ 0 };
	if (strncmp(text, unix_prefix, n) == 0) {
		l->unix_path = text + n;
		return 0;
	}
	if (netaddr_parse_listen(&l->addr, slice_str(text)) == -1)
		return fail_set(why,
		    "\"%s\" is not an address to listen on: IP:PORT, :PORT or "
		    "unix:PATH",
		    text);
	return 0;
}

int
serve_listen_take(struct serve_listen *l, const struct sd_listen_socket *given,
    struct fail *why)
{
	*l =
	    (struct serve_listen){ .addr = given->addr, .given_fd = given->fd };
	if (given->family == AF_UNIX)
		l->unix_path =
		    given->path[0] != '\0' ? given->path : given->name;
	return sd_listen_check(given, LISTENER_TCP, true, why);
}

bool
serve_listen_is_public(const struct serve_listen *l)
{
	return l->unix_path == NULL && !netaddr_is_loopback(&l->addr);
}

int
serve_listen_open(struct serve_listen *l, mode_t listen_mode, struct fail *why)
{
	if (l->given_fd != 0)
		return sd_listen_share(l->given_fd, why);
	if (l->unix_path != NULL)
		return unix_listener_open(
		    &l->unix_socket, l->unix_path, listen_mode, why);
	/* asks for the port exclusively, which a shared one is not */
	if (listener_probe(&l->addr, LISTENER_TCP, why) == -1)
		return -1;
	return listener_open(&l->addr, LISTENER_TCP, why);
}

void
serve_listen_remove(struct serve_listen *l)
{
	unix_listener_remove(&l->unix_socket);
}

void
serve_listen_format(
    const struct serve_listen *l, char out[static SERVE_LISTEN_TEXT])
{
	if (l->unix_path != NULL)
		snprintf(out, SERVE_LISTEN_TEXT, "unix:%s", l->unix_path);
	else
		netaddr_format(&l->addr, out);
}
