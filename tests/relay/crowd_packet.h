/*
 * crowd_packet: the packets of derp-crowd, which say what they are.
 *
 * Two numbers, then bytes that follow from them, so that one that is cut, mixed
 * with another or damaged is recognized. Threads: plain functions.
 */
#ifndef DERPKIT_CROWD_PACKET_H
#define DERPKIT_CROWD_PACKET_H

#include "bytes.h"

#define CROWD_PACKET_MIN 24 /* both numbers and some bytes */
#define CROWD_PACKET_MAX 8192

/* Makes one of n bytes, from CROWD_PACKET_MIN to CROWD_PACKET_MAX. */
void crowd_packet_put(
    uint8_t *packet, size_t n, uint64_t number, uint64_t extra);

/* Its numbers. False when it is not whole, or has not n bytes. */
bool crowd_packet_take(
    struct slice packet, size_t n, uint64_t *number, uint64_t *extra);

#endif
