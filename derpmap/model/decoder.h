/*
 * decoder: what the decoders of all dialects share: diagnostics, memory, and
 * putting the finished parts into the map.
 *
 * Life: decoder_init -> ... -> decoder_finish, which frees what is not in the
 * arena. Threads: used by one.
 */
#ifndef DERPKIT_DECODER_H
#define DERPKIT_DECODER_H

#include "derpmap.h"
#include "entries.h"

struct decoder {
	struct arena *arena;
	struct derpmap *map;
	const struct derpmap_diagnostic **diagnostics_end;
	struct entries regions; /* to struct derpmap_region */
	struct entries scores;  /* to struct derpmap_score */
	bool as_meant;          /* see decode.h */
	bool stopped;           /* the program gives up here */
	bool no_memory;
};

void decoder_init(struct decoder *d, struct arena *a, struct derpmap *m);

/* Puts regions and scores into the map; frees what is not in the arena. -1
 * when memory was short. */
int decoder_finish(struct decoder *d, struct fail *why);

/* Zeroed memory; NULL sets no_memory and stopped. */
void *decoder_alloc(struct decoder *d, size_t count, size_t size);
int decoder_put(struct decoder *d, struct entries *e, int64_t key, void *value);

/* Adds a diagnostic at the node. Those up to DERPMAP_PANIC refuse. */
__attribute__((format(printf, 5, 6))) void decoder_report(struct decoder *d,
    enum derpmap_diagnostic_kind kind, enum derpmap_level level,
    const struct doc_node *node, const char *fmt, ...);

/* The same, and the value at the node counts as it was meant. */
__attribute__((format(printf, 5, 6))) void decoder_report_meant(
    struct decoder *d, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *fmt,
    ...);

/* A key that the program ignores, which is `meant` but for its spelling, or
 * nothing (NULL). */
__attribute__((format(printf, 5, 6))) void decoder_report_key(struct decoder *d,
    enum derpmap_level level, const struct doc_node *key,
    const struct derpmap_field *meant, const char *fmt, ...);

/* What a node is, for messages: "a list", "a mapping", "text"... */
const char *decoder_node_name(const struct doc_node *node);

#endif
