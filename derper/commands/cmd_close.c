/* cmd_close: ends the connections of a client of a running relay. */
#include "control_client.h"
#include "derp_key.h"
#include "relay_commands.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define PAGE 1000 /* clients asked for at once */

/* Looks for the short form of a key, with or without its brackets. */
struct search {
	char wanted[DERP_KEY_SHORT_TEXT]; /* "[AbCdE]" */
	struct derp_key key;              /* if found > 0 */
	size_t found;                     /* different keys */
};

static void
look_at(struct search *search, const json_t *client)
{
	const char *shown =
	    json_string_value(json_object_get(client, "key_short"));
	const char *text = json_string_value(json_object_get(client, "key"));
	struct derp_key key;

	if (shown == NULL || text == NULL ||
	    strcmp(shown, search->wanted) != 0 ||
	    derp_key_parse(&key, slice_str(text)) == -1)
		return;
	if (search->found > 0 && derp_key_eq(&key, &search->key))
		return;
	search->key = key;
	search->found++;
}

/* The clients from `offset` on. How many they were; -1 and a message. */
static int
search_page(
    const struct command_call *call, struct search *search, size_t offset)
{
	struct control_client_answer answer;
	char path[64];
	json_t *all, *client;
	size_t i;
	int count;

	snprintf(path, sizeof path, "/status.json?offset=%zu&limit=%d", offset,
	    PAGE);
	if (control_client_ask(call, path, false, &answer) == -1)
		return -1;
	all = answer.status == 200
	    ? json_loadb((const char *)answer.body.p, answer.body.n, 0, NULL)
	    : NULL;
	if (all == NULL) {
		control_client_refused(call, &answer);
		control_client_clear(&answer);
		return -1;
	}
	json_array_foreach(json_object_get(all, "clients"), i, client)
	    look_at(search, client);
	count = (int)json_array_size(json_object_get(all, "clients"));
	json_decref(all);
	control_client_clear(&answer);
	return count;
}

/* The key that a word means: whole, or short and of one client only. -1 and a
 * message. */
static int
find_key(const struct command_call *call, const char *word,
    struct derp_key *key, int *rc)
{
	struct search search = { .found = 0 };
	size_t offset = 0;
	int count;

	*rc = COMMAND_UNUSABLE;
	if (derp_key_parse(key, slice_str(word)) == 0 ||
	    derp_key_parse_hex(key, slice_str(word)) == 0)
		return 0;
	if (strlen(word) == 5)
		snprintf(search.wanted, sizeof search.wanted, "[%.5s]", word);
	else if (strlen(word) == 7 && word[0] == '[')
		memcpy(search.wanted, word, sizeof search.wanted);
	else {
		command_misuse(call,
		    "\"%s\" is not a node key: nodekey:HEX, or [AbCdE] as "
		    "derper status shows it",
		    word);
		return -1;
	}
	do {
		count = search_page(call, &search, offset);
		offset += PAGE;
	} while (count == PAGE);
	if (count == -1)
		return -1;
	*rc = COMMAND_FINDINGS;
	if (search.found == 1) {
		*key = search.key;
		return 0;
	}
	command_fail(call,
	    search.found == 0 ? "%s: no client has that key"
			      : "%s: several clients have that short key: "
				"give all of it (derper status --json)",
	    word);
	return -1;
}

static int
run(const struct command_call *call)
{
	struct control_client_answer answer;
	char path[DERP_KEY_TEXT + 16], text[DERP_KEY_TEXT];
	struct derp_key key;
	json_t *told;
	int rc;

	if (call->word_count != 1)
		return command_misuse(call, "one KEY is needed");
	if (find_key(call, call->words[0], &key, &rc) == -1)
		return rc;
	derp_key_format(&key, text);
	snprintf(path, sizeof path, "/close?key=%s", text);
	if (control_client_ask(call, path, true, &answer) == -1)
		return COMMAND_UNUSABLE;
	if (answer.status != 200) {
		rc = control_client_refused(call, &answer);
		control_client_clear(&answer);
		return rc;
	}
	told = json_loadb((const char *)answer.body.p, answer.body.n, 0, NULL);
	printf("%s: closing connections: %lld\n", text,
	    (long long)json_integer_value(
		json_object_get(told, "connections")));
	json_decref(told);
	control_client_clear(&answer);
	return command_flush(call);
}

static const struct opts_row options[] = { CONTROL_CLIENT_OPTION };
static const struct control_client_options defaults = { .socket = "" };

const struct command cmd_close = {
	.name = "close",
	.summary = "end the connections of a client of a running relay",
	.arguments = "[options] KEY",
	.text = "KEY is nodekey:HEX, or its short form as derper status shows "
		"it. The client may\nconnect again at once: what keeps it away "
		"is admission (-verify-deny). Exit\nstatus: 0 closed, 1 no "
		"client has that key, 2 no relay, or wrong usage.\n",
	.examples = "  derper close '[AbCdE]'\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
