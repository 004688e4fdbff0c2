/* status_traffic: see status_traffic.h. */
#include "status_traffic.h"

#include "bytes.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A line with the largest numbers. */
#define LINE_BYTES 192

/* What a connection had in all. */
struct total {
	struct conn_addr addr;
	uint64_t received, sent;
};

struct status_traffic {
	struct total *totals; /* owned; by address, as the snapshot's clients */
	size_t count;
};

static atomic_uint watching;

struct status_traffic *
status_traffic_new(void)
{
	struct status_traffic *t = NULL;

	if (atomic_fetch_add(&watching, 1) < STATUS_TRAFFIC_MAX)
		t = calloc(1, sizeof *t);
	if (t == NULL)
		atomic_fetch_sub(&watching, 1);
	return t;
}

void
status_traffic_free(struct status_traffic *t)
{
	if (t == NULL)
		return;
	free(t->totals);
	free(t);
	atomic_fetch_sub(&watching, 1);
}

static int
compare(const void *a, const void *b)
{
	const struct conn_addr *x = a, *y = b;

	if (x->worker != y->worker)
		return x->worker < y->worker ? -1 : 1;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return 0;
}

/* Whether it has more than it had; of one that was not there before, whether it
 * has any. */
static bool
has_grown(const struct status_traffic *t, const struct status_client *c)
{
	const struct total *then = t->count > 0
	    ? bsearch(&c->addr, t->totals, t->count, sizeof *t->totals, compare)
	    : NULL;

	return c->bytes_received > (then != NULL ? then->received : 0) ||
	    c->bytes_sent > (then != NULL ? then->sent : 0);
}

static void
put_client(struct writer *w, const struct status_client *c)
{
	char key[DERP_KEY_TEXT];

	derp_key_format(&c->key, key);
	writer_printf(w,
	    "{\"Sent\":%" PRIu64 ",\"Recv\":%" PRIu64 ",\"Key\":\"%s\"",
	    c->bytes_sent, c->bytes_received, key);
	if (c->senders > 0)
		writer_printf(w, ",\"UniqueSenders\":%" PRIu32, c->senders);
	writer_printf(w, "}\n");
}

static void
remember(struct status_traffic *t, struct total *totals,
    const struct status_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct status_client *c = &snapshot->clients[i];

		totals[i] =
		    (struct total){ c->addr, c->bytes_received, c->bytes_sent };
	}
	free(t->totals);
	t->totals = totals;
	t->count = snapshot->count;
}

char *
status_traffic_next(struct status_traffic *t,
    const struct status_snapshot *snapshot, size_t *len)
{
	const size_t room = (snapshot->count + 1) * LINE_BYTES;
	struct total *totals =
	    reallocarray(NULL, snapshot->count + 1, sizeof *totals);
	char *text = malloc(room);
	struct writer w = writer_of(text, text != NULL ? room : 0);

	if (totals == NULL || text == NULL) {
		free(totals);
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < snapshot->count; i++)
		if (has_grown(t, &snapshot->clients[i]))
			put_client(&w, &snapshot->clients[i]);
	writer_u8(&w, '\n');
	remember(t, totals, snapshot);
	*len = w.n;
	return text;
}
