/*
 * yaml_scan: YAML characters to tokens.
 *
 * Inside doc_yaml only. The tokens are those of the YAML 1.1 production rules
 * as libyaml and its descendant yaml.v3 cut them: indentation becomes start
 * and end tokens, and a key is only known to be one when its colon comes, so
 * that tokens are put into the queue after its head. What is accepted, and
 * how far is looked ahead, is that of yaml.v3; see doc_yaml.h.
 *
 * Life: yaml_scan_init -> yaml_scan_peek, yaml_scan_drop -> yaml_scan_clear.
 * Threads: used by one.
 */
#ifndef DERPKIT_YAML_SCAN_H
#define DERPKIT_YAML_SCAN_H

#include "yaml_cursor.h"
#include "yaml_token.h"

/* What may turn out to be a key when a colon comes. One per flow level, and
 * one for the block context. */
struct yaml_key {
	bool possible;
	bool required; /* nothing but a key is allowed here */
	size_t number; /* of the token it begins with */
	struct doc_pos at;
	unsigned line, column;
	size_t index;
};

struct yaml_queued {
	struct yaml_token token;
	size_t key; /* 1 + index of the key it begins; 0: none */
};

struct yaml_scan {
	struct yaml_cursor cur;

	struct yaml_queued *queue; /* owned */
	size_t head, count, cap;   /* first one, how many, room */
	size_t parsed;             /* tokens dropped: number of the first */
	size_t next_key;           /* the key slot of the next token */
	enum yaml_token_kind last; /* the token that came last */
	bool available;            /* the head is final */
	bool started, finished;

	struct yaml_key *keys; /* owned; the last one is current */
	size_t key_count, key_cap;

	int *indents; /* owned: the columns further out */
	size_t indent_count, indent_cap;
};

/* -1 when memory is short; clear it in either case. text and builder are
 * borrowed as long as the scanner lives. */
int yaml_scan_init(
    struct yaml_scan *s, struct doc_builder *b, struct slice text);
void yaml_scan_clear(struct yaml_scan *s);

/* The next token, borrowed until the next call; NULL on an error, which is
 * then in the document. */
const struct yaml_token *yaml_scan_peek(struct yaml_scan *s);

/* Drops the token that yaml_scan_peek gave. */
void yaml_scan_drop(struct yaml_scan *s);

#endif
