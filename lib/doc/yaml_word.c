/* yaml_word: see yaml_word.h. */
#include "yaml_word.h"

#include "num.h"

#include <string.h>

static int
take(struct yaml_cursor *cur)
{
	struct slice taken = yaml_source_take(&cur->source);

	if (yaml_cursor_append(cur, taken.p, taken.n) == -1)
		return -1;
	return yaml_cursor_need(cur, 1);
}

static int
take_word(struct yaml_cursor *cur)
{
	while (yaml_is_word(&cur->source, 0))
		if (take(cur) == -1)
			return -1;
	return 0;
}

static void
finish(struct yaml_cursor *cur, struct yaml_token *t)
{
	t->end = yaml_source_pos(&cur->source);
}

int
yaml_word_anchor(struct yaml_cursor *cur, struct yaml_token *t)
{
	struct yaml_source *src = &cur->source;
	bool alias = yaml_source_peek(src, 0) == '*';
	uint8_t c;

	yaml_cursor_reset(cur);
	t->kind = alias ? YAML_ALIAS : YAML_ANCHOR;
	t->start = yaml_source_pos(src);
	yaml_source_skip(src);
	if (yaml_cursor_need(cur, 1) == -1 || take_word(cur) == -1)
		return -1;
	c = yaml_source_peek(src, 0);
	if (buf_len(&cur->text) == 0 ||
	    (!yaml_is_space_or_end(src, 0) && strchr("?:,]}%@`", c) == NULL))
		return yaml_cursor_fail(cur, DOC_SYNTAX,
		    "the name of an %s is letters, digits, - and _",
		    alias ? "alias" : "anchor");
	finish(cur, t);
	return yaml_cursor_keep_name(cur, &t->text);
}

/* --- tags --- */

static bool
is_uri(const struct yaml_cursor *cur)
{
	uint8_t c = yaml_source_peek(&cur->source, 0);

	return yaml_is_word(&cur->source, 0) ||
	    (c != 0 && strchr(";/?:@&=+$,.!~*'()[]%", c) != NULL);
}

/* The bytes of one character, each as %XX. */
static int
take_escapes(struct yaml_cursor *cur)
{
	struct yaml_source *src = &cur->source;
	int left = -1;

	do {
		int high, low, octet;
		uint8_t byte;

		if (yaml_cursor_need(cur, 3) == -1)
			return -1;
		high = num_hex_digit(yaml_source_peek(src, 1));
		low = num_hex_digit(yaml_source_peek(src, 2));
		if (yaml_source_peek(src, 0) != '%' || high < 0 || low < 0)
			return yaml_cursor_fail(
			    cur, DOC_SYNTAX, "%%XX is expected in a tag");
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
			return yaml_cursor_fail(
			    cur, DOC_SYNTAX, "%%XX in a tag that is not UTF-8");
		if (buf_append(&cur->text, &byte, 1) == -1)
			return yaml_cursor_no_memory(cur);
		for (int i = 0; i < 3; i++)
			yaml_source_skip(src);
	} while (--left > 0);
	return 0;
}

/* The characters of a tag; *any tells whether there was one. */
static int
take_uri(struct yaml_cursor *cur, bool *any)
{
	struct yaml_source *src = &cur->source;

	if (yaml_cursor_need(cur, 1) == -1)
		return -1;
	while (is_uri(cur)) {
		*any = true;
		if (yaml_source_peek(src, 0) != '%') {
			if (take(cur) == -1)
				return -1;
		} else if (take_escapes(cur) == -1 ||
		    yaml_cursor_need(cur, 1) == -1) {
			return -1;
		}
	}
	return 0;
}

static int
take_wanted_uri(struct yaml_cursor *cur)
{
	bool any = false;

	if (take_uri(cur, &any) == -1)
		return -1;
	return any ? 0 : yaml_cursor_fail(cur, DOC_SYNTAX, "a tag is expected");
}

/* !, !word or !word! */
static int
take_handle(struct yaml_cursor *cur)
{
	if (yaml_cursor_need(cur, 1) == -1)
		return -1;
	if (yaml_source_peek(&cur->source, 0) != '!')
		return yaml_cursor_fail(cur, DOC_SYNTAX, "'!' is expected");
	if (take(cur) == -1 || take_word(cur) == -1)
		return -1;
	return yaml_source_peek(&cur->source, 0) == '!' ? take(cur) : 0;
}

/* !<uri> */
static int
read_verbatim(struct yaml_cursor *cur, struct yaml_token *t)
{
	struct yaml_source *src = &cur->source;

	yaml_source_skip(src);
	yaml_source_skip(src);
	if (take_wanted_uri(cur) == -1)
		return -1;
	if (yaml_source_peek(src, 0) != '>')
		return yaml_cursor_fail(
		    cur, DOC_SYNTAX, "'>' is expected at the end of a tag");
	yaml_source_skip(src);
	return yaml_cursor_keep_name(cur, &t->more);
}

/* A handle and what follows it; without a second ! the handle is ! alone and
 * the rest of it belongs to the suffix. */
static int
read_tag(struct yaml_cursor *cur, struct yaml_token *t)
{
	struct slice handle;
	bool any = true;

	if (take_handle(cur) == -1)
		return -1;
	handle = buf_slice(&cur->text);
	if (handle.n > 1 && handle.p[handle.n - 1] == '!') {
		if (yaml_cursor_keep_name(cur, &t->text) == -1)
			return -1;
		yaml_cursor_reset(cur);
		return take_wanted_uri(cur) == 0
		    ? yaml_cursor_keep_name(cur, &t->more)
		    : -1;
	}
	if (take_uri(cur, &any) == -1 ||
	    yaml_cursor_keep_name(cur, &t->more) == -1)
		return -1;
	if (t->more.n > 1) {
		t->text = slice_of(t->more.p, 1);
		t->more = slice_of(t->more.p + 1, t->more.n - 1);
	}
	return 0;
}

int
yaml_word_tag(struct yaml_cursor *cur, struct yaml_token *t)
{
	struct yaml_source *src = &cur->source;
	int result;

	yaml_cursor_reset(cur);
	t->kind = YAML_TAG;
	t->start = yaml_source_pos(src);
	if (yaml_cursor_need(cur, 2) == -1)
		return -1;
	result = yaml_source_peek(src, 1) == '<' ? read_verbatim(cur, t)
						 : read_tag(cur, t);
	if (result == -1 || yaml_cursor_need(cur, 1) == -1)
		return -1;
	if (!yaml_is_space_or_end(src, 0))
		return yaml_cursor_fail(
		    cur, DOC_SYNTAX, "a space is expected after a tag");
	finish(cur, t);
	return 0;
}

/* --- directives --- */

static int
bad_directive(struct yaml_cursor *cur, const char *text)
{
	return yaml_cursor_fail(cur, DOC_DIRECTIVE, "%s", text);
}

/* One of the two numbers of a version: one or two digits. */
static int
read_number(struct yaml_cursor *cur, int *number)
{
	struct yaml_source *src = &cur->source;
	int digits = 0;

	*number = 0;
	if (yaml_cursor_need(cur, 1) == -1)
		return -1;
	for (;;) {
		uint8_t c = yaml_source_peek(src, 0);

		if (c < '0' || c > '9')
			break;
		if (++digits > 2)
			return bad_directive(
			    cur, "a version in a %YAML line that is too long");
		*number = *number * 10 + (c - '0');
		yaml_source_skip(src);
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
	}
	return digits > 0
	    ? 0
	    : bad_directive(cur, "a %YAML line without a version");
}

static int
read_version(struct yaml_cursor *cur, struct yaml_token *t)
{
	int major, minor;

	t->kind = YAML_VERSION;
	if (yaml_cursor_skip_blanks(cur) == -1 ||
	    read_number(cur, &major) == -1)
		return -1;
	if (yaml_source_peek(&cur->source, 0) != '.')
		return bad_directive(
		    cur, "a %YAML line needs a version like 1.1");
	yaml_source_skip(&cur->source);
	if (read_number(cur, &minor) == -1)
		return -1;
	yaml_cursor_reset(cur);
	if (buf_printf(&cur->text, "%d.%d", major, minor) == -1)
		return yaml_cursor_no_memory(cur);
	return yaml_cursor_keep_name(cur, &t->text);
}

static int
read_tag_line(struct yaml_cursor *cur, struct yaml_token *t)
{
	t->kind = YAML_TAG_LINE;
	yaml_cursor_reset(cur);
	if (yaml_cursor_skip_blanks(cur) == -1 || take_handle(cur) == -1 ||
	    yaml_cursor_keep_name(cur, &t->text) == -1)
		return -1;
	if (t->text.n > 1 && t->text.p[t->text.n - 1] != '!')
		return bad_directive(
		    cur, "a %TAG line needs a handle: !, !! or !name!");
	if (yaml_cursor_need(cur, 1) == -1)
		return -1;
	if (!yaml_is_blank(&cur->source, 0))
		return bad_directive(cur, "a %TAG line needs a prefix");
	yaml_cursor_reset(cur);
	if (yaml_cursor_skip_blanks(cur) == -1 || take_wanted_uri(cur) == -1)
		return -1;
	if (!yaml_is_space_or_end(&cur->source, 0))
		return bad_directive(
		    cur, "a character that cannot be in a %TAG line's prefix");
	return yaml_cursor_keep_name(cur, &t->more);
}

/* The name after %. */
static int
read_name(struct yaml_cursor *cur)
{
	yaml_cursor_reset(cur);
	yaml_source_skip(&cur->source);
	if (yaml_cursor_need(cur, 1) == -1 || take_word(cur) == -1)
		return -1;
	if (buf_len(&cur->text) == 0 || !yaml_is_space_or_end(&cur->source, 0))
		return bad_directive(
		    cur, "a line that begins with % but is not a directive");
	return 0;
}

int
yaml_word_directive(struct yaml_cursor *cur, struct yaml_token *t)
{
	struct yaml_source *src = &cur->source;
	struct slice name;
	int result;

	t->start = yaml_source_pos(src);
	if (read_name(cur) == -1)
		return -1;
	name = buf_slice(&cur->text);
	if (slice_is(name, "YAML"))
		result = read_version(cur, t);
	else if (slice_is(name, "TAG"))
		result = read_tag_line(cur, t);
	else
		result = bad_directive(cur,
		    "a directive other than %YAML and %TAG; headscale's YAML "
		    "reader rejects it");
	finish(cur, t);
	if (result == -1 || yaml_cursor_skip_blanks(cur) == -1)
		return -1;
	if (yaml_source_peek(src, 0) == '#')
		while (!yaml_is_break_or_end(src, 0)) {
			yaml_source_skip(src);
			if (yaml_cursor_need(cur, 1) == -1)
				return -1;
		}
	if (!yaml_is_break_or_end(src, 0))
		return bad_directive(cur, "text after a directive");
	if (yaml_is_break(src, 0) && yaml_cursor_need(cur, 2) == -1)
		return -1;
	yaml_source_skip_line(src);
	return 0;
}
