/* saved_input: see saved_input.h. */
#include "saved_input.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Room for len bytes, uncharged; NULL when memory is short. */
static struct saved_input *
resize(struct saved_input **saved, struct conn *conn,
    struct memory_budget *budget, size_t len)
{
	struct saved_input *s = *saved;

	/* its place among the shares is in what may move */
	if (s != NULL)
		memory_budget_discharge(
		    budget, &s->share, MEMORY_INPUT, s->share.held);
	s = realloc(*saved, sizeof *s + len);
	if (s == NULL)
		return NULL;
	s->conn = conn;
	s->share = (struct memory_share){ 0 };
	s->len = (uint32_t)len;
	*saved = s;
	return s;
}

int
saved_input_keep(struct saved_input **saved, struct conn *conn,
    struct memory_budget *budget, struct slice bytes)
{
	struct saved_input *s;

	if (bytes.n == 0) {
		saved_input_drop(saved, budget);
		return 0;
	}
	s = resize(saved, conn, budget, bytes.n);
	if (s == NULL)
		return -1;
	memcpy(s->bytes, bytes.p, bytes.n);
	return 0;
}

void
saved_input_drop(struct saved_input **saved, struct memory_budget *budget)
{
	struct saved_input *s = *saved;

	if (s == NULL)
		return;
	memory_budget_discharge(budget, &s->share, MEMORY_INPUT, s->share.held);
	free(s);
	*saved = NULL;
}

int
saved_input_charge(struct saved_input **saved, struct conn *conn,
    struct memory_budget *budget, size_t held)
{
	struct saved_input *s = *saved;

	if (held == 0) {
		saved_input_drop(saved, budget);
		return 0;
	}
	if (s == NULL && (s = resize(saved, conn, budget, 0)) == NULL)
		return -1;
	memory_budget_change(
	    budget, &s->share, MEMORY_INPUT, s->share.held, held);
	return 0;
}

struct slice
saved_input_bytes(const struct saved_input *saved)
{
	if (saved == NULL)
		return slice_of(NULL, 0);
	return slice_of(saved->bytes, saved->len);
}

struct conn *
saved_input_conn(struct memory_share *share)
{
	return ((const struct saved_input *)((const char *)share -
		    offsetof(struct saved_input, share)))
	    ->conn;
}
