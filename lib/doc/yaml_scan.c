/* yaml_scan: see yaml_scan.h. */
#include "yaml_scan.h"

#include "yaml_blank.h"
#include "yaml_text.h"
#include "yaml_word.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 1024     /* characters from a key's start to its colon */
#define FLOW_MAX 10000   /* nested flow collections */
#define INDENT_MAX 10000 /* nested block collections */
#define LOOK_AHEAD 2     /* tokens wanted after the head */

int
yaml_scan_init(struct yaml_scan *s, struct doc_builder *b, struct slice text)
{
	*s = (struct yaml_scan){ .queue = NULL };
	return yaml_cursor_init(&s->cur, b, text);
}

void
yaml_scan_clear(struct yaml_scan *s)
{
	free(s->queue);
	free(s->keys);
	free(s->indents);
	yaml_cursor_clear(&s->cur);
	s->queue = NULL;
	s->keys = NULL;
	s->indents = NULL;
}

/* --- growing arrays --- */

/* Room for one more element in *array; -1 when memory is short. */
static int
grow(struct yaml_scan *s, void **array, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? 16 : 2 * *cap;
	void *p;

	if (count < *cap)
		return 0;
	p = reallocarray(*array, more, size);
	if (p == NULL)
		return yaml_cursor_no_memory(&s->cur);
	*array = p;
	*cap = more;
	return 0;
}

/* --- the queue --- */

/* Puts a token before the token with the number `at`; after all others when
 * that one has gone already, or with SIZE_MAX. */
static int
put(struct yaml_scan *s, const struct yaml_token *t, size_t at)
{
	struct yaml_queued *q;
	size_t i = at < s->parsed || at - s->parsed > s->count ? s->count
							       : at - s->parsed;

	if (s->head > 0 && s->head + s->count == s->cap) {
		memmove(
		    s->queue, s->queue + s->head, s->count * sizeof *s->queue);
		s->head = 0;
	}
	if (grow(s, (void **)&s->queue, s->head + s->count, &s->cap,
		sizeof *s->queue) == -1)
		return -1;
	q = s->queue + s->head;
	/* numbers are places: a slot's key stays where it is */
	for (size_t k = s->count; k > i; k--)
		q[k].token = q[k - 1].token;
	q[s->count].key = s->next_key;
	s->next_key = 0;
	q[i].token = *t;
	if (i == s->count)
		s->last = t->kind;
	s->count++;
	return 0;
}

static int
put_kind(struct yaml_scan *s, enum yaml_token_kind kind, struct doc_pos start,
    struct doc_pos end, size_t at)
{
	struct yaml_token t = { .kind = kind, .start = start, .end = end };

	return put(s, &t, at);
}

/* The key slot of the token with this number, which may be the next one. */
static size_t *
key_slot(struct yaml_scan *s, size_t number)
{
	size_t i = number - s->parsed;

	if (number < s->parsed || i > s->count)
		return NULL;
	return i == s->count ? &s->next_key : &s->queue[s->head + i].key;
}

static void
forget_slot(struct yaml_scan *s, size_t number)
{
	size_t *slot = key_slot(s, number);

	if (slot != NULL)
		*slot = 0;
}

/* --- keys --- */

/* Whether the key can still be one. A required one that cannot is an error,
 * -1. */
static int
key_valid(struct yaml_scan *s, struct yaml_key *key)
{
	const struct yaml_source *src = &s->cur.source;

	if (!key->possible)
		return 0;
	if (key->line == src->line && key->index + KEY_MAX >= src->index)
		return 1;
	if (key->required)
		return doc_builder_fail(s->cur.builder, DOC_SYNTAX, key->at,
		    "a key without ':' after it on the same line");
	key->possible = false;
	return 0;
}

static struct yaml_key *
current_key(struct yaml_scan *s)
{
	return &s->keys[s->key_count - 1];
}

/* What came so far is not a key. */
static int
remove_key(struct yaml_scan *s)
{
	struct yaml_key *key = current_key(s);

	if (!key->possible)
		return 0;
	if (key->required)
		return doc_builder_fail(s->cur.builder, DOC_SYNTAX, key->at,
		    "a key without ':' after it");
	key->possible = false;
	forget_slot(s, key->number);
	return 0;
}

/* The next token may begin a key. */
static int
save_key(struct yaml_scan *s)
{
	const struct yaml_source *src = &s->cur.source;

	if (!s->cur.key_allowed)
		return 0;
	if (remove_key(s) == -1)
		return -1;
	*current_key(s) = (struct yaml_key){
		.possible = true,
		.required =
		    s->cur.flow == 0 && s->cur.indent == (int)src->column,
		.number = s->parsed + s->count,
		.at = yaml_source_pos(src),
		.line = src->line,
		.column = src->column,
		.index = src->index,
	};
	s->next_key = s->key_count;
	return 0;
}

static int
push_key(struct yaml_scan *s)
{
	if (grow(s, (void **)&s->keys, s->key_count, &s->key_cap,
		sizeof *s->keys) == -1)
		return -1;
	s->keys[s->key_count++] =
	    (struct yaml_key){ .number = s->parsed + s->count };
	return 0;
}

/* --- indentation --- */

/* Opens a block collection at the column if that is further in. */
static int
indent_to(struct yaml_scan *s, unsigned column, enum yaml_token_kind kind,
    struct doc_pos at, size_t number)
{
	if (s->cur.flow > 0 || s->cur.indent >= (int)column)
		return 0;
	if (s->indent_count == INDENT_MAX)
		return yaml_cursor_fail(&s->cur, DOC_LIMIT,
		    "more than %d levels of indentation", INDENT_MAX);
	if (grow(s, (void **)&s->indents, s->indent_count, &s->indent_cap,
		sizeof *s->indents) == -1)
		return -1;
	s->indents[s->indent_count++] = s->cur.indent;
	s->cur.indent = (int)column;
	return put_kind(s, kind, at, at, number);
}

/* Closes the block collections that are further in than the column. */
static int
dedent_to(struct yaml_scan *s, int column)
{
	struct doc_pos at = yaml_source_pos(&s->cur.source);

	if (s->cur.flow > 0)
		return 0;
	while (s->cur.indent > column) {
		if (put_kind(s, YAML_BLOCK_END, at, at, SIZE_MAX) == -1)
			return -1;
		s->cur.indent = s->indents[--s->indent_count];
	}
	return 0;
}

/* --- one token --- */

/* Takes n characters as a token of this kind. */
static int
fetch_mark(struct yaml_scan *s, enum yaml_token_kind kind, int n)
{
	struct doc_pos start = yaml_source_pos(&s->cur.source);

	while (n-- > 0)
		yaml_source_skip(&s->cur.source);
	return put_kind(
	    s, kind, start, yaml_source_pos(&s->cur.source), SIZE_MAX);
}

static int
fetch_stream_end(struct yaml_scan *s)
{
	/* nothing on this line may become a key any more */
	if (s->cur.source.column != 0) {
		s->cur.source.column = 0;
		s->cur.source.line++;
	}
	if (dedent_to(s, -1) == -1 || remove_key(s) == -1)
		return -1;
	s->cur.key_allowed = false;
	return fetch_mark(s, YAML_STREAM_END, 0);
}

/* `---`, `...` and % lines end everything that is open. */
static int
fetch_document_mark(struct yaml_scan *s)
{
	struct yaml_token t = { .kind = YAML_DOCUMENT_END };
	uint8_t c = yaml_source_peek(&s->cur.source, 0);

	if (dedent_to(s, -1) == -1 || remove_key(s) == -1)
		return -1;
	s->cur.key_allowed = false;
	if (c == '%')
		return yaml_word_directive(&s->cur, &t) == 0
		    ? put(s, &t, SIZE_MAX)
		    : -1;
	return fetch_mark(
	    s, c == '-' ? YAML_DOCUMENT_START : YAML_DOCUMENT_END, 3);
}

static int
fetch_flow_start(struct yaml_scan *s, enum yaml_token_kind kind)
{
	if (save_key(s) == -1 || push_key(s) == -1)
		return -1;
	if (++s->cur.flow > FLOW_MAX)
		return yaml_cursor_fail(&s->cur, DOC_LIMIT,
		    "more than %d nested brackets", FLOW_MAX);
	s->cur.key_allowed = true;
	return fetch_mark(s, kind, 1);
}

static int
fetch_flow_end(struct yaml_scan *s, enum yaml_token_kind kind)
{
	if (remove_key(s) == -1)
		return -1;
	if (s->cur.flow > 0) {
		s->cur.flow--;
		forget_slot(s, current_key(s)->number);
		s->key_count--;
	}
	s->cur.key_allowed = false;
	return fetch_mark(s, kind, 1);
}

/* `-`, `?`, or a `:` without a simple key: they begin a block collection at
 * their own column. */
static int
begin_block(struct yaml_scan *s, enum yaml_token_kind kind, const char *what)
{
	if (s->cur.flow > 0)
		return 0;
	if (!s->cur.key_allowed)
		return yaml_cursor_fail(
		    &s->cur, DOC_SYNTAX, "%s is not allowed here", what);
	return indent_to(s, s->cur.source.column, kind,
	    yaml_source_pos(&s->cur.source), SIZE_MAX);
}

static int
fetch_entry(struct yaml_scan *s)
{
	if (begin_block(s, YAML_BLOCK_SEQUENCE, "a list entry") == -1 ||
	    remove_key(s) == -1)
		return -1;
	s->cur.key_allowed = true;
	return fetch_mark(s, YAML_BLOCK_ENTRY, 1);
}

static int
fetch_flow_entry(struct yaml_scan *s)
{
	if (remove_key(s) == -1)
		return -1;
	s->cur.key_allowed = true;
	return fetch_mark(s, YAML_FLOW_ENTRY, 1);
}

static int
fetch_key(struct yaml_scan *s)
{
	if (begin_block(s, YAML_BLOCK_MAPPING, "a key") == -1 ||
	    remove_key(s) == -1)
		return -1;
	s->cur.key_allowed = s->cur.flow == 0;
	return fetch_mark(s, YAML_KEY, 1);
}

static int
fetch_value(struct yaml_scan *s)
{
	struct yaml_key *key = current_key(s);
	int valid = key_valid(s, key);

	if (valid == -1)
		return -1;
	if (valid == 1) {
		size_t number = key->number;

		if (put_kind(s, YAML_KEY, key->at, key->at, number) == -1 ||
		    indent_to(s, key->column, YAML_BLOCK_MAPPING, key->at,
			number) == -1)
			return -1;
		key->possible = false;
		forget_slot(s, number);
		s->cur.key_allowed = false;
	} else {
		if (begin_block(s, YAML_BLOCK_MAPPING,
			"a ':' that makes a mapping") == -1)
			return -1;
		s->cur.key_allowed = s->cur.flow == 0;
	}
	return fetch_mark(s, YAML_VALUE, 1);
}

/* A token that holds text. */
static int
fetch_text(struct yaml_scan *s, uint8_t c)
{
	struct yaml_token t = { .kind = YAML_SCALAR };
	bool block = s->cur.flow == 0 && (c == '|' || c == '>');
	int result;

	if ((block ? remove_key(s) : save_key(s)) == -1)
		return -1;
	s->cur.key_allowed = block;
	if (c == '*' || c == '&')
		result = yaml_word_anchor(&s->cur, &t);
	else if (c == '!')
		result = yaml_word_tag(&s->cur, &t);
	else if (block)
		result = yaml_text_block(&s->cur, &t, c == '|');
	else if (c == '\'' || c == '"')
		result = yaml_text_quoted(&s->cur, &t, c == '\'');
	else
		result = yaml_text_plain(&s->cur, &t);
	return result == 0 ? put(s, &t, SIZE_MAX) : -1;
}

/* Whether the next character may begin a plain scalar. */
static bool
begins_plain(const struct yaml_scan *s)
{
	const struct yaml_source *src = &s->cur.source;
	uint8_t c = yaml_source_peek(src, 0);

	if (c == '-')
		return !yaml_is_blank(src, 1);
	if (c == '?' || c == ':')
		return s->cur.flow == 0 && !yaml_is_space_or_end(src, 1);
	return !yaml_is_space_or_end(src, 0) &&
	    strchr(",[]{}#&*!|>'\"%@`", c) == NULL;
}

static int
fetch_content(struct yaml_scan *s)
{
	const struct yaml_source *src = &s->cur.source;
	uint8_t c = yaml_source_peek(src, 0);
	bool alone = yaml_is_space_or_end(src, 1);

	switch (c) {
	case '[':
		return fetch_flow_start(s, YAML_FLOW_SEQUENCE);
	case '{':
		return fetch_flow_start(s, YAML_FLOW_MAPPING);
	case ']':
		return fetch_flow_end(s, YAML_FLOW_SEQUENCE_END);
	case '}':
		return fetch_flow_end(s, YAML_FLOW_MAPPING_END);
	case ',':
		return fetch_flow_entry(s);
	}
	if (c == '-' && alone)
		return fetch_entry(s);
	if (c == '?' && (s->cur.flow > 0 || alone))
		return fetch_key(s);
	if (c == ':' && (s->cur.flow > 0 || alone))
		return fetch_value(s);
	if (begins_plain(s) || (c != 0 && strchr("*&!'\"", c) != NULL) ||
	    (s->cur.flow == 0 && (c == '|' || c == '>')))
		return fetch_text(s, c);
	if (c == '\t')
		return yaml_cursor_fail(&s->cur, DOC_TAB,
		    "a tab where indentation or a value is expected; YAML "
		    "indents with spaces");
	return yaml_cursor_fail(
	    &s->cur, DOC_SYNTAX, "'%c' cannot begin a value", c);
}

/* Reads one more token into the queue, with what must come before it. */
static int
fetch(struct yaml_scan *s)
{
	const struct yaml_source *src = &s->cur.source;

	if (yaml_cursor_need(&s->cur, 1) == -1)
		return -1;
	if (!s->started) {
		s->started = true;
		s->cur.key_allowed = true;
		return push_key(s) == 0 ? fetch_mark(s, YAML_STREAM_START, 0)
					: -1;
	}
	if (yaml_blank_skip(&s->cur) == -1 ||
	    dedent_to(s, (int)src->column) == -1 ||
	    yaml_cursor_need(&s->cur, 4) == -1)
		return -1;
	if (yaml_source_peek(src, 0) == 0)
		return fetch_stream_end(s);
	if (yaml_is_document_mark(src) ||
	    (src->column == 0 && yaml_source_peek(src, 0) == '%'))
		return fetch_document_mark(s);
	if (fetch_content(s) == -1)
		return -1;
	return s->last == YAML_BLOCK_ENTRY ? 0
					   : yaml_blank_line_comment(&s->cur);
}

/* Whether the head may still get a token put before it. */
static int
head_open(struct yaml_scan *s)
{
	size_t key = s->queue[s->head].key;

	if (key == 0)
		return 0;
	if (key > s->key_count)
		return doc_builder_fail(s->cur.builder, DOC_SYNTAX,
		    s->queue[s->head].token.start,
		    "a key whose ':' is on another line, where the bracket "
		    "ends: headscale's YAML reader crashes here");
	return key_valid(s, &s->keys[key - 1]);
}

const struct yaml_token *
yaml_scan_peek(struct yaml_scan *s)
{
	if (s->cur.builder->doc->error != DOC_OK)
		return NULL;
	while (!s->available) {
		if (s->count > LOOK_AHEAD) {
			int open = head_open(s);

			if (open == -1)
				return NULL;
			if (open == 0)
				break;
		}
		if (fetch(s) == -1)
			return NULL;
	}
	s->available = true;
	return &s->queue[s->head].token;
}

void
yaml_scan_drop(struct yaml_scan *s)
{
	s->finished = s->queue[s->head].token.kind == YAML_STREAM_END;
	s->available = false;
	s->head++;
	s->count--;
	s->parsed++;
}
