/* control_client: see control_client.h. */
#include "control_client.h"

#include "fetch.h"
#include "quote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_S 10     /* to be accepted, or be in the queue for it */
#define TIMEOUT_MS 40000 /* more than the relay takes to answer */
#define URL_MAX 1024
#define REASON_MAX 200 /* bytes of a refusal that are told */
#define WAIT_PAUSE_MS 100

const char *
control_client_socket(const struct control_client_options *o)
{
	const char *variable = getenv("DERP_CONTROL_SOCKET");

	if (o->socket[0] != '\0')
		return o->socket;
	return variable != NULL && variable[0] != '\0' ? variable
						       : CONTROL_CLIENT_SOCKET;
}

static int
say_why_not(const struct command_call *call, const char *path, int error)
{
	switch (error) {
	case ENAMETOOLONG:
		command_fail(call, "%s: too long for a socket", path);
		break;
	case ENOENT:
	case ENOTDIR:
		command_fail(call,
		    "%s: there is no such socket: is a relay running, with "
		    "-control-socket %s?",
		    path, path);
		break;
	case ECONNREFUSED:
		command_fail(call,
		    "%s: nobody listens there: the relay that made it has "
		    "ended",
		    path);
		break;
	case EACCES:
	case EPERM:
		command_fail(call,
		    "%s: permission denied: only root and the user that runs "
		    "the relay may use it",
		    path);
		break;
	case EAGAIN:
		command_fail(call,
		    "%s: the relay takes no connections: it may hang", path);
		break;
	default:
		command_fail(call, "%s: %s", path, strerror(error));
	}
	return -1;
}

int
control_client_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = CONNECT_S };
	int fd, error;

	if (strlen(path) >= sizeof sa.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* what a relay does not accept waits, without this for ever */
	if (fd == -1 ||
	    (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ==
		    0 &&
		connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* 0, or errno. */
static int
connect_once(const char *path)
{
	const int fd = control_client_connect(path);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

/* Whether a relay listens there; says why not. */
static int
try_socket(const struct command_call *call, const char *path)
{
	const int error = connect_once(path);

	return error == 0 ? 0 : say_why_not(call, path, error);
}

int
control_client_ask(const struct command_call *call, const char *path, bool post,
    struct control_client_answer *answer)
{
	const char *socket = control_client_socket(call->values);
	const struct slice nothing = slice_of(NULL, 0);
	struct fetch_client *client;
	struct fetch_response response;
	struct fail why = { 0 };
	char url[URL_MAX];
	int rc = 0;

	*answer = (struct control_client_answer){ 0 };
	if (try_socket(call, socket) == -1)
		return -1;
	client = fetch_client_new(1);
	if (client == NULL) {
		command_fail(call, "out of memory");
		return -1;
	}
	snprintf(url, sizeof url, "http://derper%s", path);
	if (fetch(client,
		&(struct fetch_request){ .url = url,
		    .unix_socket = socket,
		    .no_redirects = true,
		    .post = post ? &nothing : NULL,
		    .timeout_ms = TIMEOUT_MS,
		    .body_max = CONTROL_CLIENT_BODY_MAX },
		&response, &why) != FETCH_OK) {
		command_fail(call, "%s: the relay does not answer: %s", socket,
		    why.text);
		fetch_response_clear(&response);
		rc = -1;
	} else {
		answer->status = response.status;
		answer->memory = response.body;
		answer->body = slice_of(response.body, response.body_len);
	}
	fetch_client_free(client);
	return rc;
}

void
control_client_clear(struct control_client_answer *answer)
{
	free(answer->memory);
	*answer = (struct control_client_answer){ 0 };
}

int
control_client_refused(
    const struct command_call *call, const struct control_client_answer *answer)
{
	struct slice text = slice_trim(answer->body);
	char clean[REASON_MAX * QUOTE_PUT_GROWTH];
	struct writer w = writer_of(clean, sizeof clean);

	if (text.n > REASON_MAX)
		text.n = REASON_MAX;
	quote_put(&w, text);
	command_fail(call, "the relay answers %u: %.*s", answer->status,
	    (int)w.n, clean);
	return COMMAND_FINDINGS;
}

/* One that hangs has not, and a shortage here tells nothing. */
static bool
has_ended(const char *path)
{
	const int error = connect_once(path);

	return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED;
}

void
control_client_wait_end(const struct command_call *call)
{
	const struct timespec pause = { .tv_nsec = WAIT_PAUSE_MS * 1000000L };

	while (!has_ended(control_client_socket(call->values)))
		nanosleep(&pause, NULL);
}

int
control_client_order(
    const struct command_call *call, const char *path, const char *begun)
{
	struct control_client_answer answer;
	int rc = COMMAND_DONE;

	if (control_client_ask(call, path, true, &answer) == -1)
		return COMMAND_UNUSABLE;
	if (answer.status != 202)
		rc = control_client_refused(call, &answer);
	else
		puts(begun);
	control_client_clear(&answer);
	return rc == COMMAND_DONE ? command_flush(call) : rc;
}
