/* node_output: see node_output.h. */
#include "node_output.h"

#include "verify_nodes.h"

static const struct {
	unsigned flag;
	const char *word;
} flags[] = {
	{ VERIFY_SET_ONLINE, "online" },
	{ VERIFY_SET_TAGGED, "tagged" },
	{ VERIFY_SET_EPHEMERAL, "ephemeral" },
	{ VERIFY_SET_DENIED, "denied" },
};

#define FLAG_COUNT (sizeof flags / sizeof flags[0])

static const char *
name_of(const struct verify_set_node *node)
{
	return node->name != NULL ? node->name : "";
}

json_t *
node_output_json(const struct verify_set_node *node, int64_t now_s)
{
	char key[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];
	const bool expires = node->expires_s != VERIFY_SET_NEVER;
	json_t *object;

	derp_key_format(&node->key, key);
	verify_nodes_format_time(node->expires_s, time);
	object = json_pack("{s:s, s:s, s:s?, s:b}", "key", key, "name",
	    name_of(node), "expiry", expires ? time : NULL, "expired",
	    verify_set_is_expired(node, now_s));
	for (size_t i = 0; i < FLAG_COUNT && object != NULL; i++)
		if (json_object_set_new(object, flags[i].word,
			json_boolean((node->flags & flags[i].flag) != 0)) ==
		    -1) {
			json_decref(object);
			object = NULL;
		}
	return object;
}

void
node_output_text(FILE *to, const struct verify_set_node *node, int64_t now_s)
{
	char key[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];
	const bool expires = node->expires_s != VERIFY_SET_NEVER;
	const bool expired = verify_set_is_expired(node, now_s);
	const bool denied = (node->flags & VERIFY_SET_DENIED) != 0;

	derp_key_format(&node->key, key);
	verify_nodes_format_time(node->expires_s, time);
	fprintf(to, "%s%s%s%s # %s%s", expired || denied ? "# " : "", key,
	    name_of(node)[0] != '\0' ? " " : "", name_of(node),
	    expired       ? "expired "
		: expires ? "expires "
			  : "never expires",
	    expires ? time : "");
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if ((node->flags & flags[i].flag) != 0)
			fprintf(to, ", %s", flags[i].word);
}
