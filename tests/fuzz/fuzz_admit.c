/* Admission requests and answers. */
#include "admit.h"
#include "fuzz.h"

/* What was read can be written and is read the same again. */
static void
check_request(const struct derp_key *key, const struct netaddr *source)
{
	char text[ADMIT_REQUEST_MAX];
	struct writer w = writer_of(text, sizeof text);
	struct netaddr source2;
	struct derp_key key2;

	admit_request_put(&w, key, source);
	FUZZ_CHECK(!w.failed);
	FUZZ_CHECK(
	    admit_request_parse(writer_slice(&w), &key2, &source2, NULL) == 0);
	FUZZ_CHECK(derp_key_eq(key, &key2));
	FUZZ_CHECK(source->is_set == source2.is_set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	struct fail why = { 0 };
	struct netaddr source;
	struct derp_key key;
	bool allow;

	if (admit_request_parse(in, &key, &source, &why) == 0)
		check_request(&key, &source);
	else
		FUZZ_CHECK(why.text[0] != '\0');
	if (admit_response_parse(in, &allow, &why) == -1)
		FUZZ_CHECK(!allow);
	return 0;
}
