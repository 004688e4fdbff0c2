/* The files of the admission engine: its configuration, and last good sets. */
#include "fuzz.h"
#include "verify_last_good.h"
#include "verify_settings.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct slice text = slice_of(data, n);
	struct verify_config config = { 0 };
	struct verify_set_node node;
	struct verify_set *set;
	int64_t true_s;

	if (verify_settings_parse(&config, text, "f", NULL) == 0)
		FUZZ_CHECK(config.source_count > 0);
	verify_config_clear(&config);
	set = verify_last_good_parse(text, &true_s, NULL);
	for (size_t i = 0; set != NULL && i < verify_set_count(set); i++) {
		verify_set_at(set, i, &node);
		FUZZ_CHECK(!derp_key_is_zero(&node.key));
		FUZZ_CHECK(verify_set_find(set, &node.key, &node));
	}
	verify_set_drop(set);
	return 0;
}
