/* rules_derper: judgements about how a relay is started: who may use it. */
#include "rule_groups.h"

#include "derper_command.h"
#include "derper_flags.h"
#include "derper_start.h"
#include "derper_words.h"
#include "spelling.h"

#include <stdio.h>
#include <string.h>

static struct slice
text_of(const struct rule_run *run)
{
	return run->load->text;
}

static const struct doc_pos start = { .line = 1, .column = 1 };

/* The place of an offset that is after the place before: what is found in the
 * order of the text has the text walked once. */
static struct doc_pos
place_after(const struct rule_run *run, struct doc_pos before, size_t offset)
{
	doc_pos_advance(&before, text_of(run), offset, DOC_LINE_JSON);
	return before;
}

static struct doc_pos
place_of(const struct rule_run *run, size_t offset)
{
	return place_after(run, start, offset);
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
	const struct derper_start *s = run->start;
	struct derper_word word;
	size_t offset = 0;

	/* what is not read may say it */
	if (s->unread != NULL ||
	    derper_words_is_on(text_of(run), "verify-clients") ||
	    find_url(run, &word) || has_source(run))
		return;
	derper_words_start(derper_start_text(s, s->named), &offset);
	rule_found(run, place_of(run, s->parts[s->named].at + offset),
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

static const char *
nearest_flag(struct slice name)
{
	struct spelling near = spelling_of(name);

	for (size_t i = 0; i < derper_flag_count; i++)
		spelling_consider(&near, derper_flags[i].name);
	return spelling_best(&near);
}

static void
found_unknown(struct rule_run *run, struct doc_pos place, struct slice name)
{
	const char *nearest = nearest_flag(name);
	struct finding *f = rule_found(run, place,
	    "-%.*s is not a flag of derper: it refuses to start",
	    RULE_SHOWN(name));

	f->fix = nearest != NULL ? rule_fix(run, "did you mean -%s?", nearest)
				 : "derper -h lists the flags";
}

static void
unknown_flag(struct rule_run *run)
{
	const struct slice text = text_of(run);
	struct derper_command_flag flag;
	struct doc_pos place = start;
	size_t at = 0;

	while (derper_command_next_unknown(text, &at, &flag)) {
		place = place_after(run, place, flag.offset);
		found_unknown(run, place, flag.name);
	}
	place = start;
	for (size_t i = 0; i < run->start->flag_count; i++) {
		const struct slice flags = run->start->flags[i];

		if (!derper_command_unknown_flag(flags, &flag))
			continue;
		at = (size_t)(flags.p - text.p) + flag.offset;
		/* an alias leads back */
		place = at < place.offset ? place_of(run, at)
					  : place_after(run, place, at);
		found_unknown(run, place, flag.name);
	}
}

#define PREFIX_LEN (sizeof "DERP_" - 1)

static void
consider_variable(
    struct spelling *near, const char *name, char best[DERPER_VARIABLE_MAX])
{
	const unsigned before = near->distance;

	spelling_consider(near, name + PREFIX_LEN);
	if (near->distance < before)
		snprintf(best, DERPER_VARIABLE_MAX, "%s", name);
}

/* Whether a variable of this name is read; otherwise best has the nearest one
 * that is, or nothing. What all have in front does not make them near. */
static bool
is_variable(struct slice name, char best[static DERPER_VARIABLE_MAX])
{
	struct spelling near =
	    spelling_of(slice_of(name.p + PREFIX_LEN, name.n - PREFIX_LEN));

	best[0] = '\0';
	for (size_t i = 0; i < derper_flag_count; i++) {
		char own[DERPER_VARIABLE_MAX];
		const char *other = derper_flags[i].variable;

		derper_flags_variable(derper_flags[i].name, own);
		if (slice_is(name, own) ||
		    (other != NULL && slice_is(name, other)))
			return true;
		consider_variable(&near, own, best);
		if (other != NULL)
			consider_variable(&near, other, best);
	}
	return false;
}

/* A variable that is not read and looks like one that is: scripts have DERP_
 * variables of their own. */
static void
unknown_variable(struct rule_run *run)
{
	struct doc_pos place = start;
	struct derper_word word;
	size_t at = 0;

	while (derper_words_next_variable(text_of(run), &at, &word)) {
		char best[DERPER_VARIABLE_MAX];

		if (is_variable(word.value, best) || best[0] == '\0')
			continue;
		place = place_after(run, place, word.offset);
		rule_found(run, place,
		    "%.*s is not a variable that derper reads: it is ignored",
		    RULE_SHOWN(word.value))
		    ->fix = rule_fix(run, "did you mean %s?", best);
	}
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
	{ "V04", "derper-unknown-flag", SEVERITY_ERROR, RULE_DERPER,
	    { .file = unknown_flag }, "a flag that no derper knows",
	    "The relay prints its usage and does not start. The flags of "
	    "derpkit's derper count, which are the Go derper's and more. Only "
	    "--derper can tell.",
	    DERPER_GO },
	{ "V05", "derper-unknown-variable", SEVERITY_WARNING, RULE_DERPER,
	    { .file = unknown_variable },
	    "a variable that is nearly one of derper's",
	    "It is ignored, and the default is in force. Only --derper can "
	    "tell.",
	    "derper -h" },
};

const struct rule_group rules_derper = { rules,
	sizeof rules / sizeof rules[0] };
