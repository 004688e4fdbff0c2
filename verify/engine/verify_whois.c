/* verify_whois: see verify_whois.h. */
#include "verify_whois.h"

#include "verify_expiry.h"

#include <jansson.h>

/* Whether the node's key has run out, as the daemon says, or by our clock. */
static bool
has_expired(const struct verify_whois *w, const json_t *node)
{
	int64_t expires_s;

	if (json_is_true(json_object_get(node, "Expired")))
		return true;
	return verify_expiry_parse(
		   json_object_get(node, "KeyExpiry"), &expires_s) == -1 ||
	    expires_s <= w->now_s;
}

static void
judge_node(const struct verify_whois *w, const json_t *node, const char *key,
    struct verify_answer *answer)
{
	const char *name = json_string_value(json_object_get(node, "Name"));
	const bool expired = has_expired(w, node);

	if (expired && w->denies_expired)
		verify_answer_set(answer, VERIFY_DENY,
		    "peer %s not authorized (its key has expired, local "
		    "tailscaled says)",
		    key);
	else
		verify_answer_set(answer, VERIFY_ALLOW,
		    "%.100s known to local tailscaled%s",
		    name != NULL ? name : "peer",
		    expired ? " (its key has expired)" : "");
}

static void
judge_known(const struct verify_whois *w, const struct fetch_response *response,
    const char *key, struct verify_answer *answer)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)response->body,
	    response->body_len, JSON_ALLOW_NUL, &error);
	const json_t *node = json_object_get(root, "Node");

	if (root == NULL)
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "failed to query local tailscaled status for %s: bad JSON "
		    "in its answer: %.80s",
		    key, error.text);
	else if (!json_is_object(node))
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "failed to query local tailscaled status for %s: its "
		    "answer has no Node",
		    key);
	else
		judge_node(w, node, key, answer);
	json_decref(root);
}

/* The daemon's message, as much as fits on a line. */
static struct slice
first_line(const struct fetch_response *response)
{
	struct slice line, rest;

	slice_cut(
	    slice_of(response->body, response->body_len), '\n', &line, &rest);
	line = slice_trim(line);
	return line.n <= 100 ? line : slice_of(line.p, 100);
}

void
verify_whois_judge(const struct verify_whois *w,
    const struct fetch_response *response, const char *key,
    struct verify_answer *answer)
{
	struct slice message = first_line(response);

	if (response->status == 200)
		judge_known(w, response, key, answer);
	else if (response->status == 404)
		verify_answer_set(answer, VERIFY_DENY,
		    "peer %s not authorized (not found in local tailscaled)",
		    key);
	else if (slice_starts(message, "invalid 'addr' parameter"))
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "tailscaled version is too old (out of sync with derper "
		    "binary)");
	else
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "failed to query local tailscaled status for %s: %s: %.*s",
		    key, response->status_line, (int)message.n,
		    (const char *)message.p);
}
