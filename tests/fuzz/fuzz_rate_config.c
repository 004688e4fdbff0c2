/* The file of -rate-config: no burst is smaller than the largest frame. */
#include "fuzz.h"
#include "rate_config.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rate_config config;
	struct fail why = { 0 };

	if (rate_config_parse(&config, slice_of(data, n), &why) == -1) {
		FUZZ_CHECK(why.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < RATE_SCOPES; i++) {
		const struct rate *rate = &config.scope[i];

		FUZZ_CHECK(
		    (rate->bytes_per_s == 0) == (rate->burst_bytes == 0));
		FUZZ_CHECK(
		    (rate->packets_per_s == 0) == (rate->burst_packets == 0));
		FUZZ_CHECK(rate->burst_bytes == 0 ||
		    rate->burst_bytes >= RATE_FRAME_MAX);
	}
	return 0;
}
