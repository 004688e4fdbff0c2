/* tunnel_dial: see tunnel_dial.h. */
#include "tunnel_dial.h"

#include "clock.h"
#include "mailbox.h"
#include "own_address.h"
#include "resolve.h"
#include "target_address.h"
#include "tcp_connect.h"
#include "tunnel_sources.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Who frees it: the thread when it is abandoned while it DIALS, as nobody waits
 * for that; else the message, after the thread, which uses the mailbox to its
 * end, was joined. */
enum state {
	STATE_DIALS,
	STATE_DONE, /* the message is posted, or about to be */
	STATE_ABANDONED,
};

struct tunnel_dial {
	struct message message; /* first member */
	/* immutable */
	struct connect_target target;
	struct netaddr client;   /* whose it is */
	struct mailbox *mailbox; /* borrowed */
	tunnel_dial_fn *connected;
	void *ctx;
	/* the thread's until DONE */
	struct tunnel_dialed result;
	/* loop-owned */
	pthread_t thread;
	bool joined; /* when it was abandoned */
	/* atomic */
	atomic_int state; /* enum state */
};

/* Whose threads there are, and results that nobody has taken. */
static struct {
	pthread_mutex_t lock;
	struct tunnel_sources sources; /* locked by lock */
} dials = { .lock = PTHREAD_MUTEX_INITIALIZER };
static_assert(TUNNEL_DIALS_MAX == TUNNEL_MAX, "so many fit");
static struct resolve_share resolver = { .max = TUNNEL_DIALS_MAX };

static bool
count_in(const struct netaddr *client)
{
	bool may;

	pthread_mutex_lock(&dials.lock);
	may = tunnel_sources_enter(&dials.sources, client);
	pthread_mutex_unlock(&dials.lock);
	return may;
}

static void
count_out(const struct netaddr *client)
{
	pthread_mutex_lock(&dials.lock);
	tunnel_sources_leave(&dials.sources, client);
	pthread_mutex_unlock(&dials.lock);
}

static void
discard(struct tunnel_dial *d)
{
	if (d->result.fd != -1)
		close(d->result.fd);
	count_out(&d->client);
	free(d);
}

static void
join(struct tunnel_dial *d)
{
	if (!d->joined)
		pthread_join(d->thread, NULL);
	d->joined = true;
}

static void
handle(void *ctx, struct message *m)
{
	struct tunnel_dial *d = (struct tunnel_dial *)m;
	const bool abandoned = d->joined;

	(void)ctx;
	join(d);
	if (!abandoned) {
		d->connected(d->ctx, &d->result);
		d->result.fd = -1;
	}
	discard(d);
}

static void
drop(struct message *m)
{
	struct tunnel_dial *d = (struct tunnel_dial *)m;

	join(d);
	discard(d);
}

static bool
is_abandoned(struct tunnel_dial *d)
{
	return atomic_load(&d->state) == STATE_ABANDONED;
}

/* Not to the relay itself, which would take the peer for one of this machine.
 */
static bool
may_connect(const struct netaddr *a)
{
	return target_address_is_public(a) &&
	    own_address_ask(a) == OWN_ADDRESS_NO;
}

/* The descriptor, or -1. */
static int
connect_one(
    struct tunnel_dial *d, const struct netaddr *to, uint64_t deadline_ms)
{
	enum tcp_connect_status status = TCP_CONNECT_WAITS;
	struct sockaddr_storage s;
	const socklen_t len = netaddr_to_sockaddr(to, &s);
	struct fail why = { 0 };
	int fd, error;

	fd = tcp_connect_begin((const struct sockaddr *)&s, len, 0, &why);
	if (fd == -1)
		return -1;
	while (status == TCP_CONNECT_WAITS && clock_now_ms() < deadline_ms &&
	    !is_abandoned(d))
		status = tcp_connect_finish(
		    fd, clock_now_ms() + TUNNEL_DIAL_LOOK_MS, &error);
	if (status == TCP_CONNECT_DONE)
		return fd;
	close(fd);
	return -1;
}

/* The first of its addresses that answers. */
static void
connect_any(struct tunnel_dial *d)
{
	const uint64_t deadline_ms = clock_now_ms() + TUNNEL_DIAL_MS;
	struct tunnel_dialed *result = &d->result;
	struct resolve_answer answer = { .n = 0 };
	struct fail why = { 0 };

	if (resolve_name_within(&resolver, d->target.host, deadline_ms, &answer,
		&why) != RESOLVE_OK)
		return;
	result->is_forbidden = true;
	for (size_t i = 0; i < answer.n && result->fd == -1 && !is_abandoned(d);
	     i++) {
		const uint64_t part_ms = clock_now_ms() + TUNNEL_DIAL_PART_MS;

		result->remote = answer.v[i];
		result->remote.port = d->target.port;
		if (!may_connect(&result->remote))
			continue;
		result->is_forbidden = false;
		result->fd = connect_one(d, &result->remote,
		    part_ms < deadline_ms ? part_ms : deadline_ms);
	}
}

static void *
run(void *ctx)
{
	struct tunnel_dial *d = ctx;
	int expected = STATE_DIALS;

	connect_any(d);
	if (atomic_compare_exchange_strong(&d->state, &expected, STATE_DONE))
		mailbox_post(d->mailbox, &d->message, &d->message);
	else
		discard(d);
	return NULL;
}

struct tunnel_dial *
tunnel_dial_start(const struct connect_target *target,
    const struct netaddr *client, struct mailbox *mailbox,
    tunnel_dial_fn *connected, void *ctx)
{
	struct tunnel_dial *d;

	if (!count_in(client))
		return NULL;
	d = calloc(1, sizeof *d);
	if (d == NULL)
		goto leave;
	*d = (struct tunnel_dial){
		.message = { .handle = handle, .drop = drop },
		.target = *target,
		.client = *client,
		.mailbox = mailbox,
		.connected = connected,
		.ctx = ctx,
		.result = { .fd = -1 },
	};
	if (pthread_create(&d->thread, NULL, run, d) == 0)
		return d;
	free(d);
leave:
	count_out(client);
	return NULL;
}

void
tunnel_dial_abandon(struct tunnel_dial *d)
{
	const pthread_t thread = d->thread;

	if (atomic_exchange(&d->state, STATE_ABANDONED) == STATE_DIALS)
		pthread_detach(thread); /* and it frees all */
	else
		join(d);
}
