/*
 * rate_config: what the file of -rate-config says.
 *
 * JSON as Go's decoder reads it: names in any case, unknown ones ignored, 0 or
 * nothing for no limit. {"PerClientRateLimitBytesPerSec": N,
 * "PerClientRateBurstBytes": N} is upstream's; ours are the same for PerKey,
 * PerAddress and Total, and for all four RateLimitPacketsPerSec and
 * RateBurstPackets. Threads: plain values.
 * Source: tailscale derp/derpserver/derpserver.go (RateConfig).
 */
#ifndef DERPKIT_RATE_CONFIG_H
#define DERPKIT_RATE_CONFIG_H

#include "bytes.h"
#include "fail.h"

/* Whose traffic has a limit together. */
enum rate_scope {
	RATE_CLIENT,  /* one connection */
	RATE_KEY,     /* all connections of a node key */
	RATE_ADDRESS, /* all connections from an IP address or IPv6 /64 */
	RATE_TOTAL,   /* all connections */
};
#define RATE_SCOPES 4

/* Tokens that one frame takes at most; no burst is smaller. */
#define RATE_FRAME_MAX 65568
#define RATE_FILE_MAX 65536 /* bytes of the file */

/* Per second and at once; 0: no limit, then the burst is 0, too. */
struct rate {
	uint64_t bytes_per_s, burst_bytes;
	uint64_t packets_per_s, burst_packets; /* frames of any kind */
};

struct rate_config {
	struct rate scope[RATE_SCOPES];
};

/* -1 and the reason. */
int rate_config_parse(
    struct rate_config *config, struct slice text, struct fail *why);

/* "PerClient", as the names of its settings begin. */
const char *rate_scope_name(enum rate_scope scope);

#endif
