/* verify_pull: see verify_pull.h. */
#include "verify_pull.h"

#include "verify_document.h"
#include "verify_secret.h"

#include <sodium.h>
#include <stdio.h>

#define FORM "Content-Type: application/x-www-form-urlencoded"

/* What a status usually means for somebody who wants a list. */
static const char *
hint_for(unsigned status)
{
	switch (status) {
	case 401:
		return ": it does not accept the key (has it expired?)";
	case 403:
		return ": the key may not read the list";
	case 404:
	case 405:
		return ": is that the right URL, without a path?";
	case 429:
		return ": it is asked too often";
	default:
		return "";
	}
}

static enum verify_listed
judge_status(
    const struct fetch_response *response, uint64_t *again_ms, struct fail *why)
{
	if (response->status == 200 && !response->body_cut)
		return VERIFY_LISTED;
	*again_ms = (uint64_t)response->retry_after_s * 1000;
	if (response->status == 200)
		fail_set(why, "the answer is larger than %zu MiB",
		    VERIFY_DOCUMENT_BYTES_MAX >> 20);
	else
		fail_set(why, "the answer is %s%s", response->status_line,
		    hint_for(response->status));
	return VERIFY_LIST_BAD;
}

static enum verify_listed
judge_failure(
    enum fetch_result result, const struct fail *reason, struct fail *why)
{
	switch (result) {
	case FETCH_UNREACHABLE:
		fail_set(why, "%s", reason->text);
		return VERIFY_LIST_AWAY;
	case FETCH_BROKEN:
		fail_set(why, "incomplete answer: %s", reason->text);
		return VERIFY_LIST_BAD;
	case FETCH_UNTRUSTED:
		fail_set(why, "not trusted: %s", reason->text);
		return VERIFY_LIST_BAD;
	case FETCH_SHORT:
	case FETCH_OK:
		break;
	}
	fail_set(why, "%s", reason->text);
	return VERIFY_LIST_OURS;
}

enum verify_listed
verify_pull_fetch(const struct verify_pull *p, const atomic_bool *stop,
    struct fetch_response *response, uint64_t *again_ms, struct fail *why)
{
	char bearer[VERIFY_SECRET_MAX + 32];
	const char *headers[4] = { "Accept: application/json" };
	struct fetch_request request = {
		.url = p->url,
		.unix_socket = p->unix_socket,
		.ca_file = p->ca_file,
		.headers = headers,
		.has_secret = p->bearer != NULL || p->post != NULL,
		/* one leads nowhere else, and a circle must not be an outage */
		.no_redirects = p->unix_socket != NULL,
		.post = p->post,
		.timeout_ms = p->timeout_ms,
		.body_max = VERIFY_DOCUMENT_BYTES_MAX,
		.stop = stop,
	};
	struct fail reason = { 0 };
	enum fetch_result result;
	size_t n = 1;

	if (p->bearer != NULL) {
		snprintf(bearer, sizeof bearer, "Authorization: Bearer %s",
		    p->bearer);
		headers[n++] = bearer;
	}
	if (p->post != NULL)
		headers[n++] = FORM;
	result = fetch(p->client, &request, response, &reason);
	sodium_memzero(bearer, sizeof bearer);
	if (atomic_load(stop)) { /* it may only look unreachable */
		fail_set(why, "stopped");
		return VERIFY_LIST_STOPPED;
	}
	if (result == FETCH_OK)
		return judge_status(response, again_ms, why);
	return judge_failure(result, &reason, why);
}

enum verify_listed
verify_pull_list(const struct verify_pull *p, struct verify_listing *listing,
    struct fetch_response *response, struct fail *why)
{
	struct fail reason = { 0 };
	enum verify_listed listed = verify_pull_fetch(
	    p, listing->stop, response, &listing->again_ms, why);
	struct verify_nodes *nodes;
	int rc;

	if (listed != VERIFY_LISTED)
		return listed;
	nodes = verify_document_parse_json(
	    slice_of(response->body, response->body_len), &reason);
	if (nodes == NULL) {
		fail_set(why, "the answer %s", reason.text);
		return VERIFY_LIST_BAD;
	}
	rc = verify_nodes_put(nodes, listing->set, why);
	verify_nodes_free(nodes);
	return rc == 0 ? VERIFY_LISTED : VERIFY_LIST_OURS;
}
