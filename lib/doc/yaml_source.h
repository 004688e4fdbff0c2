/*
 * yaml_source: the characters of a YAML text, one after the other.
 *
 * Inside doc_yaml only. It hides the encoding (UTF-8, or UTF-16 after a byte
 * order mark), counts lines and columns and rejects characters that YAML does
 * not have. Decoding goes ahead in the portions that yaml.v3 reads, because a
 * bad byte far after the document is noticed there only when its portion is
 * fetched: yaml_source_need says how many characters must be there, as that
 * reader does, and the same portions follow.
 *
 * Life: yaml_source_init over an arena; nothing to free. Threads: used by one.
 */
#ifndef DERPKIT_YAML_SOURCE_H
#define DERPKIT_YAML_SOURCE_H

#include "buf.h"
#include "doc.h"

struct yaml_source {
	/* the text as given */
	struct slice raw; /* borrowed */
	size_t raw_at;    /* next byte to decode */
	size_t portion;   /* end of the portion being decoded */
	bool ended;       /* all of it is decoded */
	bool utf16, big_endian;
	size_t bom; /* bytes of the mark */

	/* as UTF-8; zeros are read past its end */
	const uint8_t *text; /* in raw, or decoded */
	uint8_t *decoded;    /* UTF-16: in the arena */
	size_t n;            /* decoded so far */
	size_t at;           /* next byte to read */
	size_t unread;       /* characters between both */
	size_t window;       /* where `at` was when the last portion came */

	/* place of the next character, counted from 0 */
	unsigned line, column;
	size_t index;      /* characters from the start */
	unsigned newlines; /* line breaks since something that is not a blank */

	bool failed; /* a portion had no text in it */
	struct doc_pos failed_at;
	const char *failed_text; /* static */
};

/* text is borrowed as long as what is read of it is used. -1 when memory is
 * short. */
int yaml_source_init(struct yaml_source *s, struct arena *a, struct slice text);

/* Makes at least n characters readable, the end counting as many. false when
 * the text is bad; s->failed is then set and stays. */
bool yaml_source_need(struct yaml_source *s, size_t n);

/* The byte i places ahead; 0 past the end. */
uint8_t yaml_source_peek(const struct yaml_source *s, size_t i);

/* Steps over one character that is not a line break. */
void yaml_source_skip(struct yaml_source *s);

/* Steps over a line break if there is one; CR LF is one. */
void yaml_source_skip_line(struct yaml_source *s);

/* Steps over one character that is not a line break, and gives its bytes,
 * borrowed from the text or the arena; none at the end. */
struct slice yaml_source_take(struct yaml_source *s);

/* The same with the visible ASCII characters that come next, up to one of the
 * two given, as far as they are readable without a new portion: a shorter way
 * to take them one by one with one that is needed after each. */
struct slice yaml_source_take_run(
    struct yaml_source *s, uint8_t stop, uint8_t other);

/* The same with the spaces that come next. */
struct slice yaml_source_take_spaces(struct yaml_source *s);

/* Steps over a line break and appends it to out; CR LF, CR, LF and NEL become
 * LF. -1 when memory is short. */
int yaml_source_take_line(struct yaml_source *s, struct buf *out);

/* The place of the next character. */
struct doc_pos yaml_source_pos(const struct yaml_source *s);

/* Classes of the character i bytes ahead. A break is CR, LF, NEL (U+0085),
 * U+2028 or U+2029, a blank is a space or a tab, the end counts as named. */
bool yaml_is_break(const struct yaml_source *s, size_t i);
bool yaml_is_blank(const struct yaml_source *s, size_t i);
bool yaml_is_break_or_end(const struct yaml_source *s, size_t i);
bool yaml_is_space_or_end(const struct yaml_source *s, size_t i);

/* Letters, digits, - and _. */
bool yaml_is_word(const struct yaml_source *s, size_t i);

/* Whether `---` or `...` is here, at a line's start and alone. */
bool yaml_is_document_mark(const struct yaml_source *s);

#endif
