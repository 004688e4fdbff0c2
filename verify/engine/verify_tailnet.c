/* verify_tailnet: see verify_tailnet.h. */
#include "verify_tailnet.h"

#include "fetch_lines.h"
#include "verify_bus.h"
#include "verify_document.h"
#include "verify_pull.h"

#include <sodium.h>
#include <stdio.h>

#define HOST "http://local-tailscaled.sock" /* the daemon insists on it */
#define STATUS_URL HOST "/localapi/v0/status"
#define STATUS_MS 10000
#define HEAD_MS 10000
#define TURN_MS 250       /* a stop is noticed within */
#define SETTLE_MS 50      /* of silence, before a change takes effect */
#define SETTLE_MAX_MS 500 /* even if it does not become silent */
#define RESYNC_MS                                                          \
	60000         /* between two readings of the status, at the latest \
		       */
#define RETRY_MS 1000 /* after a status that could not be read or believed */
#define AGAIN_MIN_MS                                             \
	100 /* before the bus is opened again; doubled each time \
	     */
#define AGAIN_MAX_MS 5000

/* The bus while it is open. */
struct session {
	const struct verify_tailnet *tailnet;
	struct verify_feed *feed;
	struct fetch_lines *lines;
	struct verify_bus *bus;
	bool dirty;        /* the model is newer than the feed's set */
	bool in_sync;      /* the model is that of a status, and of what
			      followed it */
	bool was_bad;      /* a line could not be used */
	bool was_told;     /* a line has come */
	bool was_good;     /* a set has been taken over */
	uint64_t since_ms; /* of the first change that has not taken effect */
	uint64_t resync_at_ms; /* when to read the status */
};

static struct verify_pull
status_pull(const struct verify_tailnet *t)
{
	return (struct verify_pull){
		.client = t->client,
		.url = STATUS_URL,
		.unix_socket = t->socket,
		.timeout_ms = STATUS_MS,
	};
}

enum verify_listed
verify_tailnet_list(const struct verify_tailnet *t,
    struct verify_listing *listing, struct fail *why)
{
	const struct verify_pull pull = status_pull(t);
	struct fetch_response response = { .status = 0 };
	enum verify_listed listed =
	    verify_pull_list(&pull, listing, &response, why);

	fetch_response_clear(&response);
	return listed;
}

static void
change(struct session *s, const struct verify_bus_news *news)
{
	const uint64_t now_ms = s->tailnet->now_ms();

	if ((news->changed || news->resync) && s->since_ms == 0)
		s->since_ms = now_ms;
	s->dirty = s->dirty || news->changed;
	if (news->resync) {
		s->resync_at_ms = now_ms;
		s->in_sync = false;
	}
}

static enum verify_fault
fault_of(enum verify_listed listed)
{
	switch (listed) {
	case VERIFY_LIST_AWAY:
		return VERIFY_FAULT_AWAY;
	case VERIFY_LIST_OURS:
		return VERIFY_FAULT_OURS;
	case VERIFY_LISTED:
	case VERIFY_LIST_SAME:
	case VERIFY_LIST_LATER:
	case VERIFY_LIST_BAD:
	case VERIFY_LIST_STOPPED:
		break;
	}
	return VERIFY_FAULT_BAD;
}

/* Reads the status into the model. */
static void
resync(struct session *s)
{
	const struct verify_pull pull = status_pull(s->tailnet);
	struct fetch_response response = { .status = 0 };
	struct verify_bus_news news = { .changed = false };
	struct fail why = { 0 };
	uint64_t again_ms = 0;
	enum verify_listed listed = verify_pull_fetch(
	    &pull, verify_feed_stop(s->feed), &response, &again_ms, &why);

	s->resync_at_ms = s->tailnet->now_ms() + RETRY_MS;
	if (listed == VERIFY_LISTED &&
	    verify_bus_reset(s->bus, slice_of(response.body, response.body_len),
		&news, &why) == -1)
		listed = VERIFY_LIST_BAD;
	fetch_response_clear(&response);
	s->in_sync = listed == VERIFY_LISTED;
	if (s->in_sync) {
		s->resync_at_ms = s->tailnet->now_ms() + RESYNC_MS;
		change(s, &news);
	} else if (listed != VERIFY_LIST_STOPPED) {
		verify_feed_lost(s->feed, fault_of(listed), why.text);
	}
}

static struct verify_set *
set_of(const struct verify_bus *bus, struct fail *why)
{
	struct verify_nodes *nodes = verify_bus_nodes(bus, why);
	struct verify_set *set = verify_set_new();

	if (nodes != NULL && set != NULL &&
	    verify_nodes_put(nodes, set, why) == 0) {
		verify_nodes_free(nodes);
		return set;
	}
	verify_nodes_free(nodes);
	verify_set_drop(set);
	fail_set(why, "out of memory");
	return NULL;
}

/* Has the model take effect. One that is doubted gets its second look. */
static void
publish(struct session *s)
{
	struct fail why = { 0 };
	struct verify_set *set = set_of(s->bus, &why);

	if (set == NULL) {
		verify_feed_lost(s->feed, VERIFY_FAULT_OURS, why.text);
		s->resync_at_ms = s->tailnet->now_ms() + RETRY_MS;
		return;
	}
	s->dirty = false;
	if (verify_feed_replace(s->feed, set, false) == VERIFY_DOUBTED)
		s->resync_at_ms = s->tailnet->now_ms();
	else
		s->was_good = true;
}

/* Nothing came for a moment, or too much for too long. */
static void
settle(struct session *s)
{
	const uint64_t now_ms = s->tailnet->now_ms();

	if (!verify_bus_is_connected(s->bus)) {
		verify_feed_lost(s->feed, VERIFY_FAULT_BAD,
		    "tailscaled is not connected to its tailnet");
		s->since_ms = 0;
		return;
	}
	if (now_ms >= s->resync_at_ms)
		resync(s);
	s->since_ms = 0;
	/* what a daemon that starts tells piece by piece is not all yet */
	if (s->dirty && s->in_sync)
		publish(s);
	else if (s->in_sync)
		verify_feed_confirm(s->feed);
}

static uint64_t
wait_of(const struct session *s)
{
	return s->since_ms != 0 || s->dirty ? SETTLE_MS : TURN_MS;
}

/* One turn. False: the session has ended; *why tells the reason, or is empty
 * when it was told to stop. */
static bool
turn(struct session *s, struct fail *why)
{
	struct verify_bus_news news;
	struct slice line;
	bool wanted = false;

	if (!verify_feed_wait(s->feed, 0, &wanted))
		return false;
	if (wanted)
		s->resync_at_ms = s->tailnet->now_ms();
	switch (fetch_lines_next(s->lines, wait_of(s), &line, why)) {
	case FETCH_LINES_LINE:
		s->was_told = true;
		s->was_bad = verify_bus_apply(s->bus, line, &news, why) == -1;
		if (s->was_bad)
			return false;
		change(s, &news);
		if (s->since_ms != 0 &&
		    s->tailnet->now_ms() - s->since_ms >= SETTLE_MAX_MS)
			settle(s);
		return true;
	case FETCH_LINES_IDLE:
		if (s->was_told)
			settle(s);
		return true;
	case FETCH_LINES_END:
		return false;
	}
	return false;
}

/* Opens the bus and follows it to its end. False: there is none. */
static bool
follow(struct session *s)
{
	char url[128];
	struct fail why = { 0 };
	unsigned status;

	snprintf(url, sizeof url, "%s/localapi/v0/watch-ipn-bus?mask=%d", HOST,
	    VERIFY_BUS_MASK);
	s->bus = verify_bus_new();
	s->lines = fetch_lines_open(&(struct fetch_lines_config){
	    .url = url,
	    .unix_socket = s->tailnet->socket,
	    .line_max = VERIFY_DOCUMENT_BYTES_MAX,
	    .head_ms = HEAD_MS,
	});
	if (s->bus == NULL || s->lines == NULL) {
		verify_feed_lost(s->feed, VERIFY_FAULT_OURS, "out of memory");
		return true;
	}
	while (turn(s, &why))
		;
	status = fetch_lines_status(s->lines);
	if (status == 404)
		return false;
	if (why.text[0] != '\0')
		verify_feed_lost(s->feed,
		    !s->was_bad && (status == 0 || status == 200)
			? VERIFY_FAULT_AWAY
			: VERIFY_FAULT_BAD,
		    why.text);
	return true;
}

bool
verify_tailnet_push(const struct verify_tailnet *t, struct verify_feed *feed)
{
	uint64_t again_ms = AGAIN_MIN_MS;

	for (;;) {
		struct session s = { .tailnet = t, .feed = feed };
		const bool has_bus = follow(&s);

		fetch_lines_close(s.lines);
		verify_bus_free(s.bus);
		if (!has_bus)
			return false;
		if (s.was_good)
			again_ms = AGAIN_MIN_MS;
		if (!verify_feed_wait(feed,
			again_ms + randombytes_uniform((uint32_t)again_ms),
			NULL))
			return true;
		if (again_ms < AGAIN_MAX_MS)
			again_ms *= 2;
	}
}
