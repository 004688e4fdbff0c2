/*
 * policy_text: a map as the derpMap member of a Tailscale policy file (HuJSON).
 *
 * Threads: pure functions. Source: tailscale.com/kb/1337 (policy file syntax);
 * github.com/tailscale/hujson (comments, trailing commas).
 */
#ifndef DERPKIT_POLICY_TEXT_H
#define DERPKIT_POLICY_TEXT_H

#include "buf.h"
#include "derpmap.h"

/* Appends a policy file that has the map and nothing else. -1 with *why. */
int policy_text_new(struct buf *out, const struct derpmap *m, struct fail *why);

/* What of the derpMap before stays in it. */
struct policy_text_kept {
	bool omit_default_regions; /* it was true */
	bool home_params;
};

/*
 * Appends the policy file with the map in it: in place of the value of its
 * derpMap, or as a new last member. OmitDefaultRegions and HomeParams of the
 * derpMap before stay, and *kept says so, unless the map sets them itself:
 * headscale's YAML has neither, and without the first Tailscale's own regions
 * would come back. All other bytes stay as they are, comments included;
 * indentation and line ends are those of the file. -1 with *why: it is not a
 * policy file in UTF-8, or derpMap is there twice.
 */
int policy_text_put(struct buf *out, struct slice policy,
    const struct derpmap *m, struct policy_text_kept *kept, struct fail *why);

#endif
