/*
 * target: which clients and which headscale a map is for.
 *
 * Some findings depend on it: what an old client cannot do is worse when there
 * are old clients, and nothing to say when there are none. Without a target
 * nothing changes.
 *
 * Threads: immutable values.
 */
#ifndef DERPKIT_TARGET_H
#define DERPKIT_TARGET_H

#include "bytes.h"
#include "fail.h"
#include "finding.h"

struct headscale_version;

struct target {
	unsigned client_min; /* 1.82 is 1082; 0: not known */
	const struct headscale_version *headscale; /* NULL: not known */
};

/* Reads a client's version: 1.82, also v1.82.3. -1 with *why. */
int target_parse_client(unsigned *client, struct slice text, struct fail *why);

/* Sets the severity that the finding has for the target. false: there is
 * nothing to say. */
bool target_judge(const struct target *target, struct finding *f);

#endif
