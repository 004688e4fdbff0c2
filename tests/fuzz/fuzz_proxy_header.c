/* PROXY headers: what is found whole is found in no part of it, and every part
 * of it asks for more. */
#include "fuzz.h"
#include "proxy_header.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct netaddr source, part_source;
	struct fail why = { 0 };
	size_t used, part_used;

	const enum proxy_result result =
	    proxy_header_parse(slice_of(data, n), &source, &used, &why);

	switch (result) {
	case PROXY_CLIENT:
		FUZZ_CHECK(source.is_set);
		break;
	case PROXY_UNKNOWN:
	case PROXY_LOCAL:
		FUZZ_CHECK(!source.is_set);
		break;
	case PROXY_MORE:
		FUZZ_CHECK(n < PROXY_HEADER_MAX && !source.is_set);
		return 0;
	case PROXY_BAD:
		FUZZ_CHECK(why.text[0] != '\0' && !source.is_set);
		return 0;
	}
	FUZZ_CHECK(used > 0 && used <= n && used <= PROXY_HEADER_MAX);
	for (size_t i = 0; i < used; i++)
		FUZZ_CHECK(proxy_header_parse(slice_of(data, i), &part_source,
			       &part_used, &why) == PROXY_MORE);
	FUZZ_CHECK(proxy_header_parse(slice_of(data, used), &part_source,
		       &part_used, &why) == result);
	FUZZ_CHECK(part_used == used && part_source.port == source.port);
	return 0;
}
