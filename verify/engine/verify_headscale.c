/*
 * verify_headscale: the nodes of a headscale, by its REST interface: over https
 * with an API key, or over its unix socket, whose permissions are the key.
 *
 * Up to 0.29 the socket speaks gRPC, which is detected and said. Source:
 * headscale, hscontrol/app.go; what 0.26 to 0.29 answer is the same list
 * (verify_document.h).
 */
#include "fetch_config.h"
#include "url_text.h"
#include "verify_pull.h"
#include "verify_server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LIST_PATH "/api/v1/node"
#define LIST_MS 10000    /* for the whole list */
#define REFRESH_MS 30000 /* a request costs headscale 60 ms of bcrypt */
#define PROBE_MS 1000
#define SETTINGS_FRAME 4 /* RFC 9113 section 6.5: its type */
#define FRAME_HEAD 9     /* bytes; the type is the fourth */

struct headscale {
	struct verify_source source; /* first */
	/* immutable; owned */
	char *url;
	char *socket;                /* NULL: by URL */
	struct verify_server server; /* of a socket only the client */
	uint64_t list_ms;
};

/* Whether whoever listens there begins with an HTTP/2 SETTINGS frame without
 * having been asked, as a gRPC server does. */
static bool
speaks_grpc(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	uint8_t head[FRAME_HEAD] = { 0 };
	struct pollfd p = { .events = POLLIN };
	const struct timeval most = { .tv_sec = PROBE_MS / 1000,
		.tv_usec = PROBE_MS % 1000 * 1000 };
	bool found = false;

	if (strlen(path) >= sizeof to.sun_path)
		return false;
	memcpy(to.sun_path, path, strlen(path));
	p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p.fd == -1)
		return false;
	/* neither a full backlog nor half a frame may hold the thread */
	if (setsockopt(p.fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) ==
		0 &&
	    setsockopt(p.fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) ==
		0 &&
	    connect(p.fd, (struct sockaddr *)&to, sizeof to) == 0 &&
	    poll(&p, 1, PROBE_MS) == 1)
		found =
		    recv(p.fd, head, sizeof head, MSG_WAITALL) == sizeof head &&
		    head[0] == 0 && head[3] == SETTINGS_FRAME;
	close(p.fd);
	return found;
}

static enum verify_listed
list_by_url(
    struct headscale *h, struct verify_listing *listing, struct fail *why)
{
	struct verify_secret key = { "" };
	const struct verify_pull pull = {
		.client = h->server.client,
		.url = h->url,
		.ca_file = h->server.ca_file,
		.bearer = key.text,
		.timeout_ms = h->list_ms,
	};
	struct fetch_response response = { .status = 0 };
	enum verify_listed listed = VERIFY_LIST_BAD;

	if (verify_server_key(&h->server, &key, why) == 0)
		listed = verify_pull_list(&pull, listing, &response, why);
	verify_secret_wipe(&key);
	fetch_response_clear(&response);
	return listed;
}

static enum verify_listed
list_by_socket(
    struct headscale *h, struct verify_listing *listing, struct fail *why)
{
	const struct verify_pull pull = {
		.client = h->server.client,
		.url = h->url,
		.unix_socket = h->socket,
		.timeout_ms = h->list_ms,
	};
	struct fetch_response response = { .status = 0 };
	struct fail reason = { 0 };
	enum verify_listed listed =
	    verify_pull_list(&pull, listing, &response, &reason);

	fetch_response_clear(&response);
	if ((listed == VERIFY_LIST_AWAY || listed == VERIFY_LIST_BAD) &&
	    speaks_grpc(h->socket)) {
		fail_set(why,
		    "gRPC is spoken there, as headscale 0.29 and older do: use "
		    "headscale's URL and an API key, or what \"headscale nodes "
		    "list -o json\" prints");
		return VERIFY_LIST_BAD;
	}
	if (listed != VERIFY_LISTED)
		fail_set(why, "%s", reason.text);
	return listed;
}

static enum verify_listed
list(struct verify_source *s, struct verify_listing *listing, struct fail *why)
{
	struct headscale *h = (struct headscale *)s;

	return h->socket != NULL ? list_by_socket(h, listing, why)
				 : list_by_url(h, listing, why);
}

static void
close_headscale(struct verify_source *s)
{
	struct headscale *h = (struct headscale *)s;

	verify_server_clear(&h->server);
	free(h->url);
	free(h->socket);
	free(h);
}

static bool
is_socket(const char *argument)
{
	return argument[0] == '/';
}

static int
check_address(const char *argument, struct fail *why)
{
	bool has_path;

	if (is_socket(argument))
		return 0;
	if (strstr(argument, "://") == NULL)
		return fail_set(why,
		    "%s: is neither a URL (http:// or https://) nor the path "
		    "of a unix socket, which begins with /",
		    url_text_unchecked(argument, "").text);
	return fetch_config_check_url(argument, &has_path, why);
}

static int
set_up(struct headscale *h, const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	if (check_address(config->argument, why) == -1)
		return -1;
	h->list_ms = context->list_ms != 0 ? context->list_ms : LIST_MS;
	if (is_socket(config->argument)) {
		h->socket = strdup(config->argument);
		h->url = strdup("http://headscale" LIST_PATH);
		h->server.client = fetch_client_new(1);
		if (h->socket != NULL && h->url != NULL &&
		    h->server.client != NULL)
			return 0;
		return fail_set(why, "out of memory");
	}
	if (verify_server_init(
		&h->server, config->argument, config, context, why) == -1)
		return -1;
	h->url = verify_server_url(&h->server, LIST_PATH);
	return h->url != NULL ? 0 : fail_set(why, "out of memory");
}

static struct verify_source *
open_headscale(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	static const struct verify_source_ops ops = {
		.list = list,
		.close = close_headscale,
	};
	struct headscale *h = calloc(1, sizeof *h);

	if (h == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	h->source = (struct verify_source){ .ops = &ops, .list_on_miss = true };
	if (set_up(h, config, context, why) == 0)
		return &h->source;
	close_headscale(&h->source);
	return NULL;
}

static const struct verify_option options[] = {
	VERIFY_SERVER_OPTIONS("headscale"),
	{ .name = NULL },
};

const struct verify_source_kind verify_headscale_kind = {
	.name = "headscale",
	.tool_option = "headscale",
	.relay_option = "verify-headscale",
	.argument_name = "URL|SOCKET",
	.tool_help = "the nodes of the headscale with that URL (and an API "
		     "key) or unix socket",
	.relay_help = "admit only the nodes of the headscale with that URL (an "
		      "API key is needed) or unix socket",
	.options = options,
	.needs_argument = true,
	.uses_ca_file = true,
	.can_fail_open = true,
	.outage = VERIFY_OUTAGE_LAST_GOOD,
	.refresh_ms = REFRESH_MS,
	.check = check_address,
	.open = open_headscale,
};
