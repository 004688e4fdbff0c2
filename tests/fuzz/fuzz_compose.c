/* compose_ports: any bytes as a Compose file. */
#include "fuzz.h"

#include "compose_ports.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(DOC_ARENA_MAX);
	struct fail why = { .text = "" };
	struct compose_ports ports;

	if (a == NULL)
		return 0;
	if (compose_ports_text(&ports, a, "x", slice_of(data, n), &why) == -1) {
		FUZZ_CHECK(why.text[0] != '\0');
	} else {
		FUZZ_CHECK(ports.n <= COMPOSE_PORTS_MAX);
		for (size_t i = 0; i < ports.n; i++) {
			FUZZ_CHECK(ports.v[i].host != 0);
			FUZZ_CHECK(ports.v[i].container != 0);
			FUZZ_CHECK(!ports.v[i].is_udp ||
			    compose_ports_udp(&ports, ports.v[i].container) !=
				0);
		}
	}
	arena_free(a);
	return 0;
}
