/* yaml_blank: see yaml_blank.h. */
#include "yaml_blank.h"

#include <string.h>

#define COMMENT_LOOK 512 /* bytes in which a comment is looked for */

/* Steps over everything up to the line break after the comment that begins
 * `ahead` bytes ahead, with only blanks and breaks before. */
static int
skip_comment(struct yaml_cursor *cur, size_t ahead)
{
	struct yaml_source *src = &cur->source;
	size_t seen = src->index + ahead;

	for (;;) {
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
		if (!yaml_is_break_or_end(src, 0)) {
			yaml_source_skip(src);
			continue;
		}
		if (src->index >= seen)
			return 0;
		if (yaml_cursor_need(cur, 2) == -1)
			return -1;
		yaml_source_skip_line(src);
	}
}

int
yaml_blank_line_comment(struct yaml_cursor *cur)
{
	struct yaml_source *src = &cur->source;

	if (src->newlines > 0)
		return 0;
	for (size_t i = 0; i < COMMENT_LOOK; i++) {
		if (yaml_cursor_need(cur, i + 1) == -1)
			return -1;
		if (yaml_is_blank(src, i))
			continue;
		if (yaml_source_peek(src, i) == '#')
			return skip_comment(cur, i);
		return 0;
	}
	return 0;
}

/*
 * A comment, and the comments on lines of their own that follow it: yaml.v3
 * collects them in one go, and allows tabs before all but the first.
 */
static int
skip_comments(struct yaml_cursor *cur)
{
	struct yaml_source *src = &cur->source;

	for (size_t i = 0; i < COMMENT_LOOK; i++) {
		uint8_t c;

		if (yaml_cursor_need(cur, i + 1) == -1)
			return -1;
		c = yaml_source_peek(src, i);
		if (c == '#') {
			if (skip_comment(cur, i) == -1)
				return -1;
			i = 0;
		} else if (!yaml_is_blank(src, i) && c != '\r' && c != '\n') {
			return 0;
		}
	}
	return 0;
}

int
yaml_blank_skip(struct yaml_cursor *cur)
{
	struct yaml_source *src = &cur->source;

	for (;;) {
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
		/* yaml.v3 looks for the mark at the start of its window */
		if (src->column == 0 && src->n - src->window >= 3 &&
		    memcmp(src->text + src->window, "\xef\xbb\xbf", 3) == 0)
			yaml_source_skip(src);
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
		(void)yaml_source_take_spaces(src);
		while (yaml_source_peek(src, 0) == ' ' ||
		    ((cur->flow > 0 || !cur->key_allowed) &&
			yaml_source_peek(src, 0) == '\t')) {
			yaml_source_skip(src);
			if (yaml_cursor_need(cur, 1) == -1)
				return -1;
		}
		if (yaml_source_peek(src, 0) == '#' && skip_comments(cur) == -1)
			return -1;
		if (!yaml_is_break(src, 0))
			return 0;
		if (yaml_cursor_need(cur, 2) == -1)
			return -1;
		yaml_source_skip_line(src);
		if (cur->flow == 0)
			cur->key_allowed = true;
	}
}
