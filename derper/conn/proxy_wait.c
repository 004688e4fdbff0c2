/* proxy_wait: see proxy_wait.h. */
#include "proxy_wait.h"

#include "counters.h"
#include "log.h"
#include "loop.h"
#include "proxy_header.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct proxy_wait {
	struct proxy_waits *all; /* borrowed */
	struct proxy_wait *older, *newer;
	struct loop_watch watch; /* its descriptor is owned */
	struct loop_timer timer;
	struct netaddr peer; /* the proxy */
	size_t n;            /* bytes of the header so far */
	uint8_t header[PROXY_HEADER_MAX];
};

static void ready(void *ctx, unsigned events);
static void timed_out(void *ctx);

bool
proxy_waits_for(const struct proxy_waits *w, const struct netaddr *peer)
{
	for (size_t i = 0; i < w->from_count; i++)
		if (netaddr_in_prefix(peer, &w->from[i]))
			return true;
	return false;
}

/* Takes it off everything; the memory stays for this turn, as an event of the
 * turn may be for it. Returns the descriptor. */
static int
leave(struct proxy_wait *p)
{
	struct proxy_waits *all = p->all;
	struct loop *loop = all->worker->loop;
	const int fd = p->watch.fd;

	if (p->older != NULL)
		p->older->newer = p->newer;
	else
		all->oldest = p->newer;
	if (p->newer != NULL)
		p->newer->older = p->older;
	else
		all->newest = p->older;
	all->count--;
	loop_timer_clear(loop, &p->timer);
	loop_unwatch(loop, &p->watch);
	p->newer = all->ended;
	all->ended = p;
	return fd;
}

/* Counts, logs and closes it. */
static void
refuse(struct proxy_wait *p, const char *why)
{
	struct worker *worker = p->all->worker;
	char text[NETADDR_TEXT];

	counters_add(&worker->counters->proxy_refused, 1);
	if (log_allowed(&worker->log_login, loop_now_ms(worker->loop))) {
		netaddr_format(&p->peer, text);
		log_warn("proxy protocol: %s: refused: %s", text, why);
	}
	close(leave(p));
}

static void
timed_out(void *ctx)
{
	refuse(ctx, "no header in time");
}

void
proxy_waits_add(struct proxy_waits *w, int fd, const struct netaddr *peer)
{
	struct loop *loop = w->worker->loop;
	struct proxy_wait *p = calloc(1, sizeof *p);

	if (p == NULL) {
		counters_add(&w->worker->counters->refused_memory, 1);
		close(fd);
		return;
	}
	if (w->count == PROXY_WAITS_MAX)
		refuse(w->oldest, "too many wait for their header");
	p->all = w;
	p->peer = *peer;
	p->watch = (struct loop_watch){
		.fd = fd, .events = LOOP_READ, .ready = ready, .ctx = p
	};
	p->timer = (struct loop_timer){ .fire = timed_out, .ctx = p };
	p->older = w->newest;
	if (w->newest != NULL)
		w->newest->newer = p;
	else
		w->oldest = p;
	w->newest = p;
	w->count++;
	if (loop_watch(loop, &p->watch) == -1 ||
	    loop_timer_set(
		loop, &p->timer, loop_now_ms(loop) + PROXY_WAIT_MS) == -1)
		close(leave(p));
}

void
proxy_waits_clear(struct proxy_waits *w)
{
	while (w->oldest != NULL)
		close(leave(w->oldest));
}

void
proxy_waits_end_turn(struct proxy_waits *w)
{
	struct proxy_wait *p;

	while ((p = w->ended) != NULL) {
		w->ended = p->newer;
		free(p);
	}
}

/* The header is whole: the connection is the client's. One whose address is not
 * told has the proxy's, and one that is on the proxy's machine need not be on
 * ours: neither may do what such an address may. */
static void
complete(struct proxy_wait *p, enum proxy_result result,
    const struct netaddr *source)
{
	struct proxy_waits *all = p->all;
	const struct netaddr remote = source->is_set ? *source : p->peer;
	const bool untrusted = result == PROXY_UNKNOWN ||
	    (netaddr_is_loopback(&remote) && !netaddr_is_loopback(&p->peer));
	int fd;

	counters_add(&all->worker->counters->proxy_headers, 1);
	fd = leave(p);
	all->done(all->ctx, fd, &remote, untrusted);
}

/* Looks at what is there, and takes only what is of the header. */
static void
ready(void *ctx, unsigned events)
{
	struct proxy_wait *p = ctx;
	const int fd = p->watch.fd;
	struct fail why = { 0 };
	struct netaddr source;
	enum proxy_result result;
	size_t used;
	ssize_t n;

	(void)events;
	n = recv(fd, p->header + p->n, sizeof p->header - p->n, MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		refuse(p, "it ends before its header");
		return;
	}
	result = proxy_header_parse(
	    slice_of(p->header, p->n + (size_t)n), &source, &used, &why);
	if (result == PROXY_BAD) {
		refuse(p, why.text);
		return;
	}
	if (result == PROXY_MORE)
		used = p->n + (size_t)n;
	/* it is there: nobody else reads from the socket */
	n = recv(fd, p->header + p->n, used - p->n, 0);
	if (n != (ssize_t)(used - p->n))
		refuse(p, "it cannot be read from");
	else if (result == PROXY_MORE)
		p->n = used;
	else
		complete(p, result, &source);
}
