/* rate_config: see rate_config.h. */
#include "rate_config.h"

#include "gojson.h"
#include "num.h"

#include <stddef.h>
#include <stdio.h>

static const char *const scopes[RATE_SCOPES] = { "PerClient", "PerKey",
	"PerAddress", "Total" };

static const struct {
	const char *name;
	size_t at;
} settings[] = {
	{ "RateLimitBytesPerSec", offsetof(struct rate, bytes_per_s) },
	{ "RateBurstBytes", offsetof(struct rate, burst_bytes) },
	{ "RateLimitPacketsPerSec", offsetof(struct rate, packets_per_s) },
	{ "RateBurstPackets", offsetof(struct rate, burst_packets) },
};

#define SETTINGS (sizeof settings / sizeof settings[0])

const char *
rate_scope_name(enum rate_scope scope)
{
	return scopes[scope];
}

/* The value that the name is for; NULL: none. `full` is its name as it should
 * be written. */
static uint64_t *
find(
    struct rate_config *config, const struct gojson *name, char full[static 64])
{
	for (size_t i = 0; i < RATE_SCOPES; i++)
		for (size_t k = 0; k < SETTINGS; k++) {
			(void)snprintf(
			    full, 64, "%s%s", scopes[i], settings[k].name);
			if (gojson_name_is(name, full))
				return (uint64_t *)(void *)((char *)&config
								->scope[i] +
				    settings[k].at);
		}
	return NULL;
}

static void
raise_bursts(struct rate *rate)
{
	if (rate->bytes_per_s == 0)
		rate->burst_bytes = 0;
	else if (rate->burst_bytes < RATE_FRAME_MAX)
		rate->burst_bytes = RATE_FRAME_MAX;
	if (rate->packets_per_s == 0)
		rate->burst_packets = 0;
	else if (rate->burst_packets == 0)
		rate->burst_packets = rate->packets_per_s;
}

int
rate_config_parse(
    struct rate_config *config, struct slice text, struct fail *why)
{
	struct gojson root, name, value;
	struct slice rest;
	char full[64];
	uint64_t *to;

	*config = (struct rate_config){ 0 };
	if (gojson_parse(text, &root) == -1)
		return fail_set(why, "malformed JSON");
	if (root.type != GOJSON_OBJECT && root.type != GOJSON_NULL)
		return fail_set(why, "JSON is not an object");
	rest = root.text;
	while (
	    root.type == GOJSON_OBJECT && gojson_next(&rest, &name, &value)) {
		to = find(config, &name, full);
		if (to == NULL || value.type == GOJSON_NULL)
			continue;
		if (value.type != GOJSON_NUMBER ||
		    num_parse_decimal(value.text, UINT64_MAX, to) == -1)
			return fail_set(why,
			    "%s is not a whole number from 0 to "
			    "18446744073709551615",
			    full);
	}
	for (size_t i = 0; i < RATE_SCOPES; i++)
		raise_bursts(&config->scope[i]);
	return 0;
}
