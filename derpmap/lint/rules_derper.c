/* rules_derper: judgements about how a relay is started: who may use it. */
#include "rule_groups.h"

#include "derper_words.h"

#include <string.h>

static struct slice
text_of(const struct rule_run *run)
{
	return run->load->text;
}

static struct doc_pos
place_of(const struct rule_run *run, size_t offset)
{
	struct doc_pos at = { .line = 1, .column = 1 };

	doc_pos_advance(&at, text_of(run), offset);
	return at;
}

/* The URL that is asked about clients; false: none is. */
static bool
find_url(const struct rule_run *run, struct derper_word *word)
{
	return derper_words_find(text_of(run), "verify-client-url", word) &&
	    word->value.n > 0;
}

/* Whether a source of keys is named that has a flag of its own. */
static bool
has_source(const struct rule_run *run)
{
	static const char *const flags[] = { "verify-nodes", "verify-config",
		"verify-tailscaled", "verify-headscale",
		"verify-tailscale-api" };
	struct derper_word word;

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (derper_words_find(text_of(run), flags[i], &word))
			return true;
	return false;
}

static void
unverified(struct rule_run *run)
{
	struct derper_word word;
	size_t offset = 0;

	if (derper_words_is_on(text_of(run), "verify-clients") ||
	    find_url(run, &word) || has_source(run))
		return;
	derper_words_start(text_of(run), &offset);
	rule_found(run, place_of(run, offset),
	    "nothing says who may use this relay: everybody who knows its "
	    "address can")
	    ->fix = "add -verify-client-url https://HEADSCALE/verify, or "
		    "-verify-nodes, -verify-clients or -verify-config";
}

static void
fails_open(struct rule_run *run)
{
	struct derper_word word;

	if (find_url(run, &word) &&
	    (!derper_words_find(
		 text_of(run), "verify-client-url-fail-open", &word) ||
		derper_words_is_on(
		    text_of(run), "verify-client-url-fail-open"))) {
		find_url(run, &word);
		rule_found(run, place_of(run, word.offset),
		    "while the URL cannot be reached, everybody is admitted; "
		    "an answer with another status than 200 rejects "
		    "everybody")
		    ->fix = "add -verify-client-url-fail-open=false";
	}
}

/* Whether the host of an http URL is this one. */
static bool
is_local(struct slice url)
{
	static const char *const hosts[] = { "localhost", "127.", "[::1]" };
	const size_t n = strlen("http://");

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (slice_starts(slice_of(url.p + n, url.n - n), hosts[i]))
			return true;
	return false;
}

static void
plain_http(struct rule_run *run)
{
	struct derper_word word;

	if (find_url(run, &word) && slice_starts(word.value, "http://") &&
	    !is_local(word.value))
		rule_found(run, place_of(run, word.offset),
		    "the URL is not https: where the server redirects to "
		    "https, derper turns its question into a GET and every "
		    "client is rejected; where it does not, anybody on the "
		    "way can answer")
		    ->fix = "write https://";
}

#define DERPER_GO "tailscale cmd/derper/derper.go, derp/derpserver"

static const struct rule rules[] = {
	{ "V01", "derper-unverified", SEVERITY_WARNING, RULE_DERPER,
	    { .file = unverified }, "a relay that everybody can use",
	    "Add a source of nodes. Only --derper can tell.",
	    DERPER_GO "; tailscale issue 3024" },
	{ "V02", "verify-fail-open", SEVERITY_WARNING, RULE_DERPER,
	    { .file = fails_open },
	    "a relay that admits everybody while the controller is away",
	    "That is the default of -verify-client-url-fail-open. Only "
	    "--derper can tell.",
	    DERPER_GO },
	{ "V03", "verify-url-http", SEVERITY_WARNING, RULE_DERPER,
	    { .file = plain_http }, "an admission URL without TLS",
	    "Go's client turns POST into GET along a redirect, which "
	    "headscale answers with a blank page or 405. DIFFERS from an "
	    "error: without a redirect it works. Only --derper can tell.",
	    DERPER_GO "; headscale hscontrol/handlers.go" },
};

const struct rule_group rules_derper = { rules,
	sizeof rules / sizeof rules[0] };
