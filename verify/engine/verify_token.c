/* verify_token: see verify_token.h. */
#include "verify_token.h"

#include <jansson.h>
#include <string.h>

#define LASTS_MAX_S 86400

static bool
is_printable(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

static uint64_t
lasts_of(const json_t *root)
{
	const json_t *seconds = json_object_get(root, "expires_in");
	const int64_t s =
	    json_is_integer(seconds) ? json_integer_value(seconds) : 0;

	return (uint64_t)(s < 0 ? 0 : s > LASTS_MAX_S ? LASTS_MAX_S : s) * 1000;
}

int
verify_token_parse(struct slice body, struct verify_secret *token,
    uint64_t *lasts_ms, struct fail *why)
{
	json_t *root =
	    json_loadb((const char *)body.p, body.n, JSON_ALLOW_NUL, NULL);
	const json_t *text = json_object_get(root, "access_token");
	const size_t n = json_string_length(text);
	const bool usable = n > 0 && n <= VERIFY_SECRET_MAX &&
	    is_printable(json_string_value(text), n);

	if (usable) {
		memcpy(token->text, json_string_value(text), n + 1);
		*lasts_ms = lasts_of(root);
	}
	json_decref(root);
	return usable ? 0 : fail_set(why, "its answer has no access token");
}
