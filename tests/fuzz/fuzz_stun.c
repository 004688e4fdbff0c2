/* STUN datagrams, both ways. */
#include "fuzz.h"
#include "stun.h"

#include <string.h>

/* What was read can be written and is read the same again. */
static void
check_response(
    const uint8_t txid[static STUN_TXID], const struct netaddr *mapped)
{
	uint8_t datagram[STUN_RESPONSE_MAX], txid2[STUN_TXID];
	struct writer w = writer_of(datagram, sizeof datagram);
	struct netaddr again;

	stun_response_put(&w, txid, mapped);
	FUZZ_CHECK(!w.failed);
	FUZZ_CHECK(stun_response_parse(writer_slice(&w), txid2, &again) == 0);
	FUZZ_CHECK(memcmp(txid, txid2, STUN_TXID) == 0);
	FUZZ_CHECK(again.port == mapped->port && again.is_v4 == mapped->is_v4);
	FUZZ_CHECK(memcmp(again.ip, mapped->ip, sizeof again.ip) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	uint8_t txid[STUN_TXID];
	struct netaddr mapped;

	if (stun_request_parse(in, txid)) {
		FUZZ_CHECK(n >= STUN_REQUEST);
		FUZZ_CHECK(memcmp(txid, data + 8, STUN_TXID) == 0);
	}
	if (stun_response_parse(in, txid, &mapped) == 0)
		check_response(txid, &mapped);
	return 0;
}
