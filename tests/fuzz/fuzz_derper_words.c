/* derper_words: any bytes as what starts a relay. What is found lies in the
 * text. */
#include "fuzz.h"

#include "derper_words.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "verify-clients",
		"verify-client-url", "verify-client-url-fail-open",
		"verify-nodes" };
	const struct slice text = slice_of(data, n);
	struct derper_word word;
	size_t offset;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		bool found = derper_words_find(text, names[i], &word);

		FUZZ_CHECK(!found || word.offset < n);
		FUZZ_CHECK(!found || word.value.n == 0 ||
		    (word.value.p >= data &&
			word.value.p + word.value.n <= data + n));
		FUZZ_CHECK(found || !derper_words_is_on(text, names[i]));
	}
	FUZZ_CHECK(!derper_words_start(text, &offset) || offset < n);
	return 0;
}
