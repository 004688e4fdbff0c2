/*
 * tun: a TUN device in a network namespace, for the link emulator.
 *
 * See Documentation/networking/tuntap.rst and namespaces(7). Threads: start-up
 * only, as the calling thread changes its namespace.
 */
#ifndef DERPKIT_TUN_H
#define DERPKIT_TUN_H

#include "fail.h"

/* Enters the network namespace at this path (as /proc/PID/ns/net), for good,
 * and makes a device of that name there, which ends with the descriptor.
 * Returns an owned non-blocking descriptor, one packet per read and write; -1
 * and *why. */
int tun_open(const char *namespace_path, const char *device, struct fail *why);

#endif
