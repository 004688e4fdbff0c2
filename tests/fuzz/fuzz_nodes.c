/* Node lists: plain keys and headscale's JSON. */
#include "fuzz.h"
#include "verify_document.h"

#include "utf8.h"

#include <string.h>

/* A list written as plain text is read as the same keys. */
static void
check_again(const struct verify_nodes *list)
{
	const size_t size = verify_nodes_count(list) * 160 + 1;
	char *text = malloc(size);
	struct writer w = writer_of(text, size);
	struct verify_nodes *again;

	FUZZ_CHECK(text != NULL);
	for (const struct verify_node *n = verify_nodes_first(list); n != NULL;
	     n = n->next) {
		char key[DERP_KEY_TEXT];

		derp_key_format(&n->key, key);
		/* a name may hold what begins a comment */
		writer_printf(&w, "%s %s\n", key, n->name);
	}
	FUZZ_CHECK(!w.failed);
	again = verify_document_parse(writer_slice(&w), NULL);
	FUZZ_CHECK(again != NULL);
	FUZZ_CHECK(verify_nodes_count(again) == verify_nodes_count(list));
	for (const struct verify_node *n = verify_nodes_first(list); n != NULL;
	     n = n->next)
		FUZZ_CHECK(verify_nodes_find(again, &n->key) != NULL);
	verify_nodes_free(again);
	free(text);
}

static void
check_list(const struct verify_nodes *list)
{
	size_t count = 0;

	for (const struct verify_node *n = verify_nodes_first(list); n != NULL;
	     n = n->next) {
		char time[VERIFY_NODES_TIME_TEXT];

		count++;
		FUZZ_CHECK(!derp_key_is_zero(&n->key));
		FUZZ_CHECK(verify_nodes_find(list, &n->key) == n);
		FUZZ_CHECK(utf8_valid(slice_str(n->name)));
		FUZZ_CHECK(strpbrk(n->name, "\r\n\x1b") == NULL);
		verify_nodes_format_time(n->expires_s, time);
	}
	FUZZ_CHECK(count == verify_nodes_count(list));
	check_again(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fail why = { 0 };
	struct verify_nodes *list =
	    verify_document_parse(slice_of(data, n), &why);

	if (list == NULL)
		FUZZ_CHECK(why.text[0] != '\0');
	else
		check_list(list);
	verify_nodes_free(list);
	return 0;
}
