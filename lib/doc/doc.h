/*
 * doc: a document as a tree in which everything knows its place.
 *
 * The readers (doc_json, doc_yaml) make it; it is not changed afterwards. It
 * says what is written, not what it means: a scalar is its text, its style and
 * its tag, an alias stays an alias, a key that comes twice is there twice, the
 * merge key is a key like others. What a number or `yes` means is decided by
 * who decodes the tree, because it differs between programs.
 *
 * Life: everything is borrowed from the arena given to the reader and ends
 * with it. Threads: immutable after reading.
 */
#ifndef DERPKIT_DOC_H
#define DERPKIT_DOC_H

#include "arena.h"
#include "doc_pos.h"
#include "fail.h"

#include <assert.h>

/* Bytes of text that a reader takes; more is rejected. A map costs about 25
 * bytes of memory per byte of text; the most that a text can cost is about 200,
 * and such a text of more than 20 MiB does not fit DOC_ARENA_MAX. */
#define DOC_TEXT_MAX ((size_t)128 << 20)
#define DOC_ARENA_MAX ((size_t)4 << 30)
#define DOC_DEPTH_MAX 10000 /* nested collections; Go's limits */
static_assert(DOC_TEXT_MAX <= UINT32_MAX, "places have 32 bits");

/* Packed: a byte each in a node. */
enum __attribute__((packed)) doc_kind {
	DOC_SCALAR,
	DOC_MAPPING,
	DOC_SEQUENCE,
	DOC_ALIAS, /* YAML: *name */
};

enum __attribute__((packed)) doc_style {
	DOC_PLAIN, /* YAML: without quotes; JSON: a number, true, false, null */
	DOC_SINGLE,
	DOC_DOUBLE, /* also every JSON string */
	DOC_LITERAL,
	DOC_FOLDED,
	DOC_BLOCK, /* collections */
	DOC_FLOW,  /* collections, and every collection of JSON */
};

/* What YAML can have before a node; NULL where it is not written. */
struct doc_props {
	const char *tag;    /* as resolved and shortened: "!!int", "!x", "!"
			       (non-specific) */
	const char *anchor; /* &name */
};

struct doc_node {
	enum doc_kind kind;
	enum doc_style style;
	uint32_t count;       /* elements, or pairs of a mapping */
	struct doc_pos start; /* its first character, quote or bracket; of an
				 empty scalar where it would be */
	struct doc_pos end;   /* one past its last character */
	struct slice text;    /* scalar: its value without quotes and escapes,
				 valid UTF-8, may hold NUL and has none
				 after it; alias: its name */
	const struct doc_props *props; /* never NULL */
	union {
		struct doc_node **items;       /* sequence: elements;
						  mapping: key, value, key, value… */
		const struct doc_node *target; /* alias: the node it refers to;
						  may be a collection that it
						  is part of */
	};
};

/* A map of some MiB is half a million of them: one cache line each. */
static_assert(sizeof(struct doc_node) <= 64, "a node has grown");

/* Why there is no tree. */
enum doc_error {
	DOC_OK,
	DOC_SYNTAX,    /* not YAML, not JSON */
	DOC_TAB,       /* YAML: a tab where indentation or a token begins */
	DOC_ENCODING,  /* bytes that are not text */
	DOC_DIRECTIVE, /* YAML: a % line the program rejects */
	DOC_LIMIT,     /* too deep, too long */
	DOC_MEMORY,
};

/* What is legal and unexpected: facts for the caller to judge. */
enum doc_note_kind {
	DOC_NOTE_BOM,             /* starts with a byte order mark */
	DOC_NOTE_UTF16,           /* is UTF-16 */
	DOC_NOTE_SECOND_DOCUMENT, /* place: its `---`; never read */
	DOC_NOTE_EMPTY_FIRST,     /* an empty document comes before content */
	DOC_NOTE_IGNORED_TEXT,    /* place: text after the document's end that
				     the program drops without a word */
};

struct doc_note {
	enum doc_note_kind kind;
	struct doc_pos at;
	const struct doc_note *next;
};

struct doc {
	const struct doc_node *root; /* NULL: no content, or an error */
	enum doc_error error;
	struct doc_pos error_at;
	const char *error_text;       /* "" without error */
	const struct doc_note *notes; /* in the order of the text */
};

/* The value of the first key with this text, aliases not followed; NULL when
 * there is none or node is not a mapping. node may be NULL. */
const struct doc_node *doc_get(const struct doc_node *node, const char *key);

/* How many keys, values or elements of the node begin at or before the offset.
 */
size_t doc_items_until(const struct doc_node *node, size_t offset);

/* The value of the key that is this node, wherever it is below root, and the
 * mapping that has it; NULL when it is not a key there. Either may be NULL. */
const struct doc_node *doc_value_of(
    const struct doc_node *root, const struct doc_node *key);
const struct doc_node *doc_mapping_of(
    const struct doc_node *root, const struct doc_node *key);

/* The node an alias refers to, however many aliases are in between; other
 * nodes are themselves. */
const struct doc_node *doc_resolve(const struct doc_node *node);

/* Whether the document has a note of this kind. */
const struct doc_note *doc_note_find(
    const struct doc *d, enum doc_note_kind kind);

/*
 * For readers: a tree under construction. Nothing recurses, so that a deep
 * text cannot use up the stack. A failed builder stays failed (memory or
 * depth) and says so in doc->error.
 */
struct doc_builder {
	struct arena *arena; /* borrowed */
	struct doc *doc;     /* borrowed */
	struct doc_level *top, *spare;
	struct doc_node **list; /* items of open collections, the outer first */
	size_t list_count, list_cap;
	const struct doc_note **notes_end;
	size_t depth;
	size_t depth_max;
};

void doc_builder_init(
    struct doc_builder *b, struct arena *a, struct doc *d, size_t depth_max);

/* A new node as the next key, value or element of the innermost open
 * collection, which has its items once it is closed, or as the root; without
 * tag and anchor. NULL on failure. */
struct doc_node *doc_builder_add(
    struct doc_builder *b, enum doc_kind kind, struct doc_pos start);

/* Opens the collection that was just added; what follows goes into it. */
int doc_builder_open(struct doc_builder *b, struct doc_node *collection);

/* Closes the innermost open collection. */
int doc_builder_close(struct doc_builder *b, struct doc_pos end);

/* The innermost open collection, or NULL. */
struct doc_node *doc_builder_top(const struct doc_builder *b);

/* Whether something was added to it. */
bool doc_builder_has_items(const struct doc_builder *b);

int doc_builder_note(
    struct doc_builder *b, enum doc_note_kind kind, struct doc_pos at);

/* Sets the document's error if there is none yet, and drops the root. -1. */
__attribute__((format(printf, 4, 5))) int doc_builder_fail(
    struct doc_builder *b, enum doc_error error, struct doc_pos at,
    const char *fmt, ...);

#endif
