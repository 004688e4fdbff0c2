/* json_token: any bytes. Tokens lie in the text in order, and a string has a
 * value that is UTF-8 and of the length that was announced. */
#include "fuzz.h"
#include "json_token.h"
#include "utf8.h"

#include <stdlib.h>

static void
check_string(const struct json_token *t)
{
	size_t n = json_token_string_len(t);
	uint8_t *value = malloc(n + 1);
	struct writer w = writer_of(value, n);

	if (value == NULL)
		return;
	FUZZ_CHECK(n <= 3 * t->text.n);
	FUZZ_CHECK(json_token_string(t, &w) == 0 && w.n == n);
	FUZZ_CHECK(utf8_valid(writer_slice(&w)));
	free(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_scan s = json_token_scan(slice_of(data, n));
	const uint8_t *end = data;
	struct json_token t;

	for (;;) {
		enum json_token_kind kind = json_token_peek(&s);

		if (json_token_take(&s, &t) == -1)
			break;
		FUZZ_CHECK(t.kind == kind && t.text.n > 0);
		FUZZ_CHECK(t.text.p >= end);
		end = t.text.p + t.text.n;
		FUZZ_CHECK(end == data + s.at);
		if (kind == JSON_TOKEN_STRING)
			check_string(&t);
	}
	FUZZ_CHECK(s.at <= n && s.expected != NULL);
	return 0;
}
