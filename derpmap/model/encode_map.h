/*
 * encode_map: the canonical text of a map.
 *
 * The same map always gives the same bytes, because any difference makes
 * clients reconnect: regions by id, nodes in their own order, fields in the
 * order of the tables in derpmap.h, two-space indent, LF, one document, no
 * anchors. YAML for headscale, written by libyaml's emitter: keys in lower
 * case, region keys unquoted, every string in double quotes. JSON: Go's names,
 * the same zero values left out as Go does.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_ENCODE_MAP_H
#define DERPKIT_ENCODE_MAP_H

#include "buf.h"
#include "derpmap.h"

/* Appends the map as headscale YAML. -1: the buffer is full or memory is
 * short; *why says so, and out holds a part of it. */
int encode_map_yaml(struct buf *out, const struct derpmap *m, struct fail *why);

/* Appends the map as JSON. -1 as above, and for a latitude, longitude or score
 * that is not finite: JSON has no such number, which is why headscale fails to
 * send such a map, unless it is a score, which it drops; *why has the place. */
int encode_map_json(struct buf *out, const struct derpmap *m, struct fail *why);

#endif
