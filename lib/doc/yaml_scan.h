/*
 * yaml_scan: YAML characters to tokens.
 *
 * Inside doc_yaml only. The tokens are those of the YAML 1.1 production rules
 * as libyaml and its descendant yaml.v3 cut them: indentation becomes start
 * and end tokens, and a key is only known to be one when its colon comes, so
 * that tokens are put into the queue behind its head. What is accepted, and
 * how far is looked ahead, is that of yaml.v3; see doc_yaml.h.
 *
 * Life: yaml_scan_init -> yaml_scan_peek, yaml_scan_drop -> yaml_scan_clear.
 * Threads: used by one.
 */
#ifndef DERPKIT_YAML_SCAN_H
#define DERPKIT_YAML_SCAN_H

#include "yaml_source.h"

enum yaml_token_kind {
	YAML_STREAM_START,
	YAML_STREAM_END,
	YAML_VERSION,  /* %YAML; text: "1.1" */
	YAML_TAG_LINE, /* %TAG; text: handle, more: prefix */
	YAML_DOCUMENT_START,
	YAML_DOCUMENT_END,
	YAML_BLOCK_SEQUENCE,
	YAML_BLOCK_MAPPING,
	YAML_BLOCK_END,
	YAML_FLOW_SEQUENCE,
	YAML_FLOW_SEQUENCE_END,
	YAML_FLOW_MAPPING,
	YAML_FLOW_MAPPING_END,
	YAML_BLOCK_ENTRY,
	YAML_FLOW_ENTRY,
	YAML_KEY,
	YAML_VALUE,
	YAML_ALIAS,  /* text: name */
	YAML_ANCHOR, /* text: name */
	YAML_TAG,    /* text: handle, more: suffix; no handle: as written */
	YAML_SCALAR, /* text: value */
};

struct yaml_token {
	enum yaml_token_kind kind;
	enum doc_style style; /* of a scalar */
	struct slice text;    /* in the arena */
	struct slice more;    /* in the arena */
	struct doc_pos start, end;
};

/* What may turn out to be a key when a colon comes. One per flow level, and
 * one for the block context. */
struct yaml_key {
	bool possible;
	bool required; /* nothing but a key can stand here */
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
	struct yaml_source source;
	struct doc_builder *builder; /* borrowed: takes the errors */

	struct yaml_queued *queue; /* owned */
	size_t head, count, cap;   /* first one, how many, room */
	size_t parsed;             /* tokens dropped: number of the first */
	size_t next_key;           /* the key slot of the next token */
	enum yaml_token_kind last; /* the token that came last */
	bool available;            /* the head is final */
	bool started, finished;

	struct yaml_key *keys; /* owned; the last one is current */
	size_t key_count, key_cap;
	bool key_allowed; /* a key may begin here */

	int *indents; /* owned: the columns further out */
	size_t indent_count, indent_cap;
	int indent; /* column of the innermost block collection; -1 */
	size_t flow;

	struct buf text, breaks; /* scratch of the text being read */
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

/* --- yaml_text.c: the tokens that hold text --- */

/* Each reads one token from its first character to *t. -1 on an error. */
int yaml_text_plain(struct yaml_scan *s, struct yaml_token *t);
int yaml_text_quoted(struct yaml_scan *s, struct yaml_token *t, bool single);
int yaml_text_block(struct yaml_scan *s, struct yaml_token *t, bool literal);

/* --- yaml_word.c: names, tags and directives --- */
int yaml_word_anchor(struct yaml_scan *s, struct yaml_token *t);
int yaml_word_tag(struct yaml_scan *s, struct yaml_token *t);
int yaml_word_directive(struct yaml_scan *s, struct yaml_token *t);

/* --- for those two files --- */

/* Sets the document's error at the next character; -1. */
__attribute__((format(printf, 3, 4))) int yaml_scan_fail(
    struct yaml_scan *s, enum doc_error error, const char *fmt, ...);

/* yaml_source_need, with the error handed to the document. */
int yaml_scan_need(struct yaml_scan *s, size_t n);

/* Memory was short; -1. */
int yaml_scan_no_memory(struct yaml_scan *s);

/* Copies what was collected in s->text into the arena. */
int yaml_scan_keep(struct yaml_scan *s, struct slice *text);

/* --- yaml_blank.c: what stands between tokens --- */

/* Steps over blanks, comments and line breaks. */
int yaml_blank_skip(struct yaml_scan *s);

/* Steps over the comment that begins on this line behind blanks, if the line
 * has held something else. */
int yaml_blank_line_comment(struct yaml_scan *s);

#endif
