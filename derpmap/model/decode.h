/*
 * decode: a document to a map, as a given program reads it.
 *
 * A dialect is a program: headscale's loader for files in derp.paths
 * (yaml.v3 3.0.1 into tailcfg.DERPMap: keys in lower case and exact, YAML 1.1
 * words, octal, truncation, merge keys, the limit on aliases) or Go's
 * encoding/json into the same struct, which is what clients and headscale's
 * derp.urls use. What these do is the contract; where a value would surprise
 * the person who wrote it, origin.how and diagnostics tell, and the value is
 * still theirs.
 *
 * Source: measured behaviour of both (tests/interop/maps_test.go compares).
 * Threads: pure function over the caller's arena.
 */
#ifndef DERPKIT_DECODE_H
#define DERPKIT_DECODE_H

#include "derpmap.h"

enum dialect {
	DIALECT_HEADSCALE, /* YAML of derp.paths */
	DIALECT_JSON,      /* Go JSON of derp.urls and of the wire */
};

/*
 * Decodes the document, which must have been read by the dialect's reader and
 * without error, into *m; all of it is borrowed from the arena and the
 * document. The decoder goes on after a refusal as far as the program would,
 * so that all of them can be shown.
 *
 * 0: m is complete; m->refused tells whether the program would take it, and
 * the diagnostics with `refuses` why not (m then holds what could be read,
 * which is good for rules and for nothing else). -1: memory is short; *why says
 * so.
 */
int decode_map(struct derpmap *m, struct arena *a, const struct doc *d,
    enum dialect dialect, struct fail *why);

/*
 * The same below `root`, a node of the document or NULL for nothing. With
 * as_meant, slips do not hide what is written: keys that are known but for
 * their spelling, quoted numbers, booleans and region keys, a stunport that is
 * "none" or another word for that, and nodes of which each key became an
 * element of the list are reported as the program treats them, and decoded as
 * they were meant all the same. A map that the program would ignore or refuse
 * for that can then be judged in one go; m->is_unclear tells that something in
 * it has no meaning at all.
 */
int decode_map_at(struct derpmap *m, struct arena *a,
    const struct doc_node *root, enum dialect dialect, bool as_meant,
    struct fail *why);

#endif
