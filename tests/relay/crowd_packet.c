/* crowd_packet: see crowd_packet.h. */
#include "crowd_packet.h"

#include <string.h>

#define NUMBERS 16 /* bytes of both */

static uint8_t
byte_at(size_t i, uint64_t number, uint64_t extra)
{
	return (uint8_t)(number * 7 + extra + i);
}

void
crowd_packet_put(uint8_t *packet, size_t n, uint64_t number, uint64_t extra)
{
	memcpy(packet, &number, sizeof number);
	memcpy(packet + sizeof number, &extra, sizeof extra);
	for (size_t i = NUMBERS; i < n; i++)
		packet[i] = byte_at(i, number, extra);
}

bool
crowd_packet_take(
    struct slice packet, size_t n, uint64_t *number, uint64_t *extra)
{
	if (packet.n != n || n < NUMBERS)
		return false;
	memcpy(number, packet.p, sizeof *number);
	memcpy(extra, packet.p + sizeof *number, sizeof *extra);
	for (size_t i = NUMBERS; i < n; i++)
		if (packet.p[i] != byte_at(i, *number, *extra))
			return false;
	return true;
}
