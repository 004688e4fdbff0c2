/*
 * yaml_word: anchors, aliases, tags and directives. Part of yaml_scan.
 *
 * YAML 1.1 sections 6.8, 6.9 and 7.1, as yaml.v3 reads them: , [ ] belong to a
 * tag, and a ! alone is a tag that says nothing.
 */
#include "yaml_scan.h"

#include <string.h>

static int
take(struct yaml_scan *s)
{
	if (yaml_source_take(&s->source, &s->text) == -1)
		return yaml_scan_no_memory(s);
	return yaml_scan_need(s, 1);
}

static void
reset(struct yaml_scan *s)
{
	buf_consume(&s->text, buf_len(&s->text));
}

static int
take_word(struct yaml_scan *s)
{
	while (yaml_is_word(&s->source, 0))
		if (take(s) == -1)
			return -1;
	return 0;
}

static int
skip_blanks(struct yaml_scan *s)
{
	if (yaml_scan_need(s, 1) == -1)
		return -1;
	while (yaml_is_blank(&s->source, 0)) {
		yaml_source_skip(&s->source);
		if (yaml_scan_need(s, 1) == -1)
			return -1;
	}
	return 0;
}

static void
finish(struct yaml_scan *s, struct yaml_token *t)
{
	t->end = yaml_source_pos(&s->source);
}

int
yaml_word_anchor(struct yaml_scan *s, struct yaml_token *t)
{
	struct yaml_source *src = &s->source;
	bool alias = yaml_source_peek(src, 0) == '*';
	uint8_t c;

	reset(s);
	t->kind = alias ? YAML_ALIAS : YAML_ANCHOR;
	t->start = yaml_source_pos(src);
	yaml_source_skip(src);
	if (yaml_scan_need(s, 1) == -1 || take_word(s) == -1)
		return -1;
	c = yaml_source_peek(src, 0);
	if (buf_len(&s->text) == 0 ||
	    (!yaml_is_space_or_end(src, 0) && strchr("?:,]}%@`", c) == NULL))
		return yaml_scan_fail(s, DOC_SYNTAX,
		    "the name of an %s is letters, digits, - and _",
		    alias ? "alias" : "anchor");
	finish(s, t);
	return yaml_scan_keep(s, &t->text);
}

/* --- tags --- */

static bool
is_uri(const struct yaml_scan *s)
{
	uint8_t c = yaml_source_peek(&s->source, 0);

	return yaml_is_word(&s->source, 0) ||
	    (c != 0 && strchr(";/?:@&=+$,.!~*'()[]%", c) != NULL);
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The bytes of one character, each as %XX. */
static int
take_escapes(struct yaml_scan *s)
{
	struct yaml_source *src = &s->source;
	int left = -1;

	do {
		int high, low, octet;
		uint8_t byte;

		if (yaml_scan_need(s, 3) == -1)
			return -1;
		high = hex_digit(yaml_source_peek(src, 1));
		low = hex_digit(yaml_source_peek(src, 2));
		if (yaml_source_peek(src, 0) != '%' || high < 0 || low < 0)
			return yaml_scan_fail(
			    s, DOC_SYNTAX, "%%XX is expected in a tag");
		octet = high << 4 | low;
		byte = (uint8_t)octet;
		if (left == -1)
			left = octet < 0x80      ? 1
			    : octet >> 5 == 0x6  ? 2
			    : octet >> 4 == 0xe  ? 3
			    : octet >> 3 == 0x1e ? 4
						 : 0;
		else if (octet >> 6 != 2)
			left = 0;
		if (left == 0)
			return yaml_scan_fail(
			    s, DOC_SYNTAX, "%%XX in a tag that is not UTF-8");
		if (buf_append(&s->text, &byte, 1) == -1)
			return yaml_scan_no_memory(s);
		for (int i = 0; i < 3; i++)
			yaml_source_skip(src);
	} while (--left > 0);
	return 0;
}

/* The characters of a tag; *any tells whether there was one. */
static int
take_uri(struct yaml_scan *s, bool *any)
{
	struct yaml_source *src = &s->source;

	if (yaml_scan_need(s, 1) == -1)
		return -1;
	while (is_uri(s)) {
		*any = true;
		if (yaml_source_peek(src, 0) != '%') {
			if (take(s) == -1)
				return -1;
		} else if (take_escapes(s) == -1 ||
		    yaml_scan_need(s, 1) == -1) {
			return -1;
		}
	}
	return 0;
}

static int
take_wanted_uri(struct yaml_scan *s)
{
	bool any = false;

	if (take_uri(s, &any) == -1)
		return -1;
	return any ? 0 : yaml_scan_fail(s, DOC_SYNTAX, "a tag is expected");
}

/* !, !word or !word! */
static int
take_handle(struct yaml_scan *s)
{
	if (yaml_scan_need(s, 1) == -1)
		return -1;
	if (yaml_source_peek(&s->source, 0) != '!')
		return yaml_scan_fail(s, DOC_SYNTAX, "'!' is expected");
	if (take(s) == -1 || take_word(s) == -1)
		return -1;
	return yaml_source_peek(&s->source, 0) == '!' ? take(s) : 0;
}

/* !<uri> */
static int
read_verbatim(struct yaml_scan *s, struct yaml_token *t)
{
	struct yaml_source *src = &s->source;

	yaml_source_skip(src);
	yaml_source_skip(src);
	if (take_wanted_uri(s) == -1)
		return -1;
	if (yaml_source_peek(src, 0) != '>')
		return yaml_scan_fail(
		    s, DOC_SYNTAX, "'>' is expected at the end of a tag");
	yaml_source_skip(src);
	return yaml_scan_keep(s, &t->more);
}

/* A handle and what follows it; without a second ! the handle is ! alone and
 * the rest of it belongs to the suffix. */
static int
read_tag(struct yaml_scan *s, struct yaml_token *t)
{
	struct slice handle;
	bool any = true;

	if (take_handle(s) == -1)
		return -1;
	handle = buf_slice(&s->text);
	if (handle.n > 1 && handle.p[handle.n - 1] == '!') {
		if (yaml_scan_keep(s, &t->text) == -1)
			return -1;
		reset(s);
		return take_wanted_uri(s) == 0 ? yaml_scan_keep(s, &t->more)
					       : -1;
	}
	if (take_uri(s, &any) == -1 || yaml_scan_keep(s, &t->more) == -1)
		return -1;
	if (t->more.n > 1) {
		t->text = slice_of(t->more.p, 1);
		t->more = slice_of(t->more.p + 1, t->more.n - 1);
	}
	return 0;
}

int
yaml_word_tag(struct yaml_scan *s, struct yaml_token *t)
{
	struct yaml_source *src = &s->source;
	int result;

	reset(s);
	t->kind = YAML_TAG;
	t->start = yaml_source_pos(src);
	if (yaml_scan_need(s, 2) == -1)
		return -1;
	result = yaml_source_peek(src, 1) == '<' ? read_verbatim(s, t)
						 : read_tag(s, t);
	if (result == -1 || yaml_scan_need(s, 1) == -1)
		return -1;
	if (!yaml_is_space_or_end(src, 0))
		return yaml_scan_fail(
		    s, DOC_SYNTAX, "a space is expected behind a tag");
	finish(s, t);
	return 0;
}

/* --- directives --- */

static int
bad_directive(struct yaml_scan *s, const char *text)
{
	return yaml_scan_fail(s, DOC_DIRECTIVE, "%s", text);
}

/* One of the two numbers of a version: one or two digits. */
static int
read_number(struct yaml_scan *s, int *number)
{
	struct yaml_source *src = &s->source;
	int digits = 0;

	*number = 0;
	if (yaml_scan_need(s, 1) == -1)
		return -1;
	for (;;) {
		uint8_t c = yaml_source_peek(src, 0);

		if (c < '0' || c > '9')
			break;
		if (++digits > 2)
			return bad_directive(
			    s, "a version in a %YAML line that is too long");
		*number = *number * 10 + (c - '0');
		yaml_source_skip(src);
		if (yaml_scan_need(s, 1) == -1)
			return -1;
	}
	return digits > 0 ? 0
			  : bad_directive(s, "a %YAML line without a version");
}

static int
read_version(struct yaml_scan *s, struct yaml_token *t)
{
	int major, minor;

	t->kind = YAML_VERSION;
	if (skip_blanks(s) == -1 || read_number(s, &major) == -1)
		return -1;
	if (yaml_source_peek(&s->source, 0) != '.')
		return bad_directive(
		    s, "a %YAML line needs a version like 1.1");
	yaml_source_skip(&s->source);
	if (read_number(s, &minor) == -1)
		return -1;
	reset(s);
	if (buf_printf(&s->text, "%d.%d", major, minor) == -1)
		return yaml_scan_no_memory(s);
	return yaml_scan_keep(s, &t->text);
}

static int
read_tag_line(struct yaml_scan *s, struct yaml_token *t)
{
	t->kind = YAML_TAG_LINE;
	reset(s);
	if (skip_blanks(s) == -1 || take_handle(s) == -1 ||
	    yaml_scan_keep(s, &t->text) == -1)
		return -1;
	if (t->text.n > 1 && t->text.p[t->text.n - 1] != '!')
		return bad_directive(
		    s, "a %TAG line needs a handle: !, !! or !name!");
	if (yaml_scan_need(s, 1) == -1)
		return -1;
	if (!yaml_is_blank(&s->source, 0))
		return bad_directive(s, "a %TAG line needs a prefix");
	reset(s);
	if (skip_blanks(s) == -1 || take_wanted_uri(s) == -1)
		return -1;
	if (!yaml_is_space_or_end(&s->source, 0))
		return bad_directive(
		    s, "a character that cannot be in a %TAG line's prefix");
	return yaml_scan_keep(s, &t->more);
}

/* The name behind %. */
static int
read_name(struct yaml_scan *s)
{
	reset(s);
	yaml_source_skip(&s->source);
	if (yaml_scan_need(s, 1) == -1 || take_word(s) == -1)
		return -1;
	if (buf_len(&s->text) == 0 || !yaml_is_space_or_end(&s->source, 0))
		return bad_directive(
		    s, "a line that begins with % but is no directive");
	return 0;
}

int
yaml_word_directive(struct yaml_scan *s, struct yaml_token *t)
{
	struct yaml_source *src = &s->source;
	struct slice name;
	int result;

	t->start = yaml_source_pos(src);
	if (read_name(s) == -1)
		return -1;
	name = buf_slice(&s->text);
	if (slice_is(name, "YAML"))
		result = read_version(s, t);
	else if (slice_is(name, "TAG"))
		result = read_tag_line(s, t);
	else
		result = bad_directive(s,
		    "a directive other than %YAML and %TAG; headscale's YAML "
		    "reader refuses it");
	finish(s, t);
	if (result == -1 || skip_blanks(s) == -1)
		return -1;
	if (yaml_source_peek(src, 0) == '#')
		while (!yaml_is_break_or_end(src, 0)) {
			yaml_source_skip(src);
			if (yaml_scan_need(s, 1) == -1)
				return -1;
		}
	if (!yaml_is_break_or_end(src, 0))
		return bad_directive(s, "text behind a directive");
	if (yaml_is_break(src, 0) && yaml_scan_need(s, 2) == -1)
		return -1;
	yaml_source_skip_line(src);
	return 0;
}
