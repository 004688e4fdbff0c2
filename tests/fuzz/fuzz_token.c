/* An OAuth server's answer: what is accepted can go into the head of a request.
 */
#include "fuzz.h"
#include "verify_token.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct verify_secret token = { "before" };
	uint64_t lasts_ms = 0;
	struct fail why = { 0 };

	if (verify_token_parse(slice_of(data, n), &token, &lasts_ms, &why) ==
	    -1) {
		FUZZ_CHECK(strcmp(token.text, "before") == 0);
		FUZZ_CHECK(why.text[0] != '\0');
		return 0;
	}
	n = strlen(token.text);
	FUZZ_CHECK(n > 0 && n <= VERIFY_SECRET_MAX);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(token.text[i] > ' ' && token.text[i] <= '~');
	FUZZ_CHECK(lasts_ms <= UINT64_C(86400000));
	return 0;
}
