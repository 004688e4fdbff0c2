/* tailscaled's notification bus: lines of which the first may be a status. */
#include "fuzz.h"
#include "verify_bus.h"

static void
check_nodes(const struct verify_bus *bus)
{
	struct fail why = { 0 };
	struct verify_nodes *list = verify_bus_nodes(bus, &why);

	FUZZ_CHECK(list != NULL);
	for (const struct verify_node *n = verify_nodes_first(list); n != NULL;
	     n = n->next)
		FUZZ_CHECK(!derp_key_is_zero(&n->key));
	verify_nodes_free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct verify_bus *bus = verify_bus_new();
	struct slice line, text = slice_of(data, n);
	struct verify_bus_news news;
	struct fail why = { 0 };

	FUZZ_CHECK(bus != NULL);
	slice_cut(text, '\n', &line, &text);
	if (verify_bus_reset(bus, line, &news, &why) == -1)
		FUZZ_CHECK(why.text[0] != '\0' && !news.changed);
	else
		FUZZ_CHECK(verify_bus_is_connected(bus));
	for (text = slice_of(data, n); text.n > 0;) {
		why = (struct fail){ 0 };
		slice_cut(text, '\n', &line, &text);
		if (verify_bus_apply(bus, line, &news, &why) == -1)
			FUZZ_CHECK(why.text[0] != '\0');
		check_nodes(bus);
	}
	verify_bus_free(bus);
	return 0;
}
