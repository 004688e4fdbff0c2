/* status_query: see status_query.h. */
#include "status_query.h"

#include "http_query.h"
#include "num.h"

#include <string.h>

#define VALUE_MAX 32

/* A number that is in the query; false when it is not a valid one. */
static bool
read_number(struct slice text, const char *name, uint64_t max, uint64_t *out)
{
	uint8_t value[VALUE_MAX];
	struct writer w = writer_of(value, sizeof value);

	if (!http_query_value(text, name, &w))
		return true;
	return !w.failed && num_parse_decimal(writer_slice(&w), max, out) == 0;
}

static bool
read_order(struct slice text, bool *by_traffic)
{
	uint8_t value[VALUE_MAX];
	struct writer w = writer_of(value, sizeof value);

	if (!http_query_value(text, "order", &w))
		return true;
	*by_traffic = slice_is(writer_slice(&w), "traffic");
	return *by_traffic || slice_is(writer_slice(&w), "key");
}

static void
keep_key(struct status_query *q, struct slice text)
{
	struct slice pair;

	while (text.n > 0) {
		slice_cut(text, '&', &pair, &text);
		if (!slice_starts(pair, "debugkey=") ||
		    pair.n >= sizeof q->key_pair)
			continue;
		memcpy(q->key_pair, pair.p, pair.n);
		return;
	}
}

bool
status_query_parse(struct status_query *q, enum status_query_form form,
    struct slice text, const char **bad)
{
	const uint64_t most = form == STATUS_QUERY_HTML
	    ? STATUS_QUERY_HTML_CLIENTS
	    : STATUS_QUERY_JSON_CLIENTS;
	uint64_t offset = 0, limit = most, refresh_s = STATUS_QUERY_REFRESH_S;

	*q = (struct status_query){ .form = form,
		.by_traffic = form == STATUS_QUERY_HTML };
	keep_key(q, text);
	if (!read_order(text, &q->by_traffic))
		*bad = "order";
	else if (!read_number(text, "offset", UINT32_MAX, &offset))
		*bad = "offset";
	else if (!read_number(text, "limit", UINT32_MAX, &limit))
		*bad = "limit";
	else if (!read_number(
		     text, "refresh", STATUS_QUERY_REFRESH_S_MAX, &refresh_s))
		*bad = "refresh";
	else
		*bad = NULL;
	q->offset = (size_t)offset;
	q->limit = (size_t)(limit < most ? limit : most);
	q->refresh_s = (unsigned)refresh_s;
	return *bad == NULL;
}
