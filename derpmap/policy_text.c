/* policy_text: see policy_text.h. */
#include "policy_text.h"

#include "decode.h"
#include "doc_json.h"
#include "encode_map.h"
#include "json_fold.h"
#include "json_token.h"

#include <string.h>

#define MAP_TEXT_MAX ((size_t)256 << 20)
#define UNIT_MAX 16 /* columns of one step of indentation that are believed */

/* How the file is written. */
struct form {
	struct slice unit;    /* one step of indentation */
	const char *line_end; /* "\n" or "\r\n" */
};

/* What is put where. */
struct place {
	size_t start, end; /* bytes of the policy that the map replaces */
	const struct doc_node *old; /* the map there, or NULL */
	struct slice indent;        /* of the line that the member begins on */
	size_t comma_at;            /* where a comma is missing; 0: nowhere */
	bool is_new;                /* the member's name is not there yet */
	bool own_line;       /* new, and the bracket after it begins a line */
	bool trailing_comma; /* new, and the file ends lists with commas */
};

static struct slice
blanks_at(struct slice text, size_t at)
{
	size_t end = at;

	while (end < text.n && (text.p[end] == ' ' || text.p[end] == '\t'))
		end++;
	return slice_of(text.p + at, end - at);
}

/* Where the line of a byte begins. */
static size_t
line_start(struct slice text, size_t at)
{
	while (at > 0 && text.p[at - 1] != '\n')
		at--;
	return at;
}

/* The indentation of the first member that begins a line; a tab without one. */
static struct form
form_of(struct slice text, const struct doc_node *root)
{
	const uint8_t *lf = memchr(text.p, '\n', text.n);
	struct form form = { .unit = slice_str("\t"), .line_end = "\n" };

	if (lf != NULL && lf > text.p && lf[-1] == '\r')
		form.line_end = "\r\n";
	for (size_t i = 0; i < root->count; i++) {
		size_t at = root->items[2 * i]->start.offset;
		size_t start = line_start(text, at);
		struct slice blanks = blanks_at(text, start);

		if (blanks.n > 0 && blanks.n <= UNIT_MAX &&
		    start + blanks.n == at) {
			form.unit = blanks;
			break;
		}
	}
	return form;
}

static int
put(struct buf *out, struct slice bytes)
{
	return bytes.n == 0 ? 0 : buf_append(out, bytes.p, bytes.n);
}

/* Appends one line of our JSON, its indentation that of the file. */
static int
put_line(struct buf *out, struct slice line, struct slice indent,
    const struct form *form)
{
	size_t blanks = blanks_at(line, 0).n;

	if (put(out, slice_str(form->line_end)) == -1 || put(out, indent) == -1)
		return -1;
	for (size_t i = 0; i < blanks / 2; i++) /* encode_map's two spaces */
		if (put(out, form->unit) == -1)
			return -1;
	return put(out, slice_of(line.p + blanks, line.n - blanks));
}

/* Appends the map's value. No line end of its text is inside a string. */
static int
put_map(struct buf *out, const struct derpmap *m, struct slice indent,
    const struct form *form, struct fail *why)
{
	struct slice line, rest;
	struct buf json;
	int result;

	buf_init(&json, MAP_TEXT_MAX);
	result = encode_map_json(&json, m, why);
	rest = slice_trim(buf_slice(&json));
	if (result == 0 && slice_cut(rest, '\n', &line, &rest))
		result = put(out, line);
	else if (result == 0)
		result = put(out, line);
	while (result == 0 && rest.n > 0) {
		slice_cut(rest, '\n', &line, &rest);
		result = put_line(out, line, indent, form);
	}
	buf_clear(&json);
	return result == 0 ? 0
			   : fail_set(why, "not enough memory for the text");
}

/* Where a new last member goes. */
static void
place_new(struct place *p, struct slice text, const struct doc_node *root,
    const struct form *form)
{
	size_t bracket = root->end.offset - 1;
	size_t start = line_start(text, bracket);
	struct json_scan scan = json_token_scan(text);
	struct json_token token;

	p->is_new = true;
	p->indent = form->unit;
	p->own_line = start + blanks_at(text, start).n == bracket;
	p->start = p->end = p->own_line ? start : bracket;
	if (root->count == 0)
		return;
	scan.comments = true;
	scan.at = root->items[2 * root->count - 1]->end.offset;
	if (json_token_peek(&scan) == JSON_TOKEN_COMMA)
		p->trailing_comma = json_token_take(&scan, &token) == 0;
	else
		p->comma_at = root->items[2 * root->count - 1]->end.offset;
}

static int
find_place(struct place *p, struct slice text, const struct doc_node *root,
    const struct form *form, struct fail *why)
{
	const struct doc_node *key = NULL, *value = NULL;
	size_t start;

	*p = (struct place){ .start = 0 };
	for (size_t i = 0; i < root->count; i++) {
		const struct doc_node *k = root->items[2 * i];

		if (!json_fold_eq(k->text, "derpMap"))
			continue;
		if (key != NULL)
			return fail_at(why, k->start.line, k->start.column,
			    "derpMap is there a second time");
		key = k;
		value = root->items[2 * i + 1];
	}
	if (key == NULL) {
		place_new(p, text, root, form);
		return 0;
	}
	start = line_start(text, key->start.offset);
	p->old = value;
	p->start = value->start.offset;
	p->end = value->end.offset;
	p->indent = blanks_at(text, start);
	return 0;
}

/* Appends what is before the value of a new member, and what is after it. */
static int
put_new_start(struct buf *out, const struct place *p, const struct form *form)
{
	if (!p->own_line && put(out, slice_str(form->line_end)) == -1)
		return -1;
	return put(out, p->indent) == -1 ? -1
					 : put(out, slice_str("\"derpMap\": "));
}

static int
put_new_end(struct buf *out, const struct place *p, const struct form *form)
{
	if (p->trailing_comma && put(out, slice_str(",")) == -1)
		return -1;
	return put(out, slice_str(form->line_end));
}

static int
put_all(struct buf *out, struct slice text, const struct place *p,
    const struct form *form, const struct derpmap *m, struct fail *why)
{
	size_t from = 0;
	int result = 0;

	if (p->comma_at > 0) {
		from = p->comma_at;
		result = put(out, slice_of(text.p, from)) == -1
		    ? -1
		    : put(out, slice_str(","));
	}
	if (result == 0)
		result = put(out, slice_of(text.p + from, p->start - from));
	if (result == 0 && p->is_new)
		result = put_new_start(out, p, form);
	if (result == 0)
		result = put_map(out, m, p->indent, form, why);
	if (result == 0 && p->is_new)
		result = put_new_end(out, p, form);
	if (result == 0)
		result = put(out, slice_of(text.p + p->end, text.n - p->end));
	return result == 0 ? 0
			   : fail_set(why, "not enough memory for the text");
}

static bool
is_set(const struct derpmap_origin *from)
{
	return derpmap_origin_pos(from).line != 0;
}

/* Takes over from the map in the policy file what the new one does not set. -1:
 * memory is short. */
static int
keep_old(struct derpmap *m, struct policy_text_kept *kept, struct arena *a,
    const struct doc_node *root, struct fail *why)
{
	struct derpmap old;

	*kept = (struct policy_text_kept){ .home_params = false };
	if (root == NULL)
		return 0;
	if (decode_map_at(&old, a, root, DIALECT_JSON, true, why) == -1)
		return -1;
	if (old.is_unclear)
		return 0;
	if (!is_set(&m->omit_default_regions.from) &&
	    old.omit_default_regions.v) {
		m->omit_default_regions = old.omit_default_regions;
		kept->omit_default_regions = true;
	}
	if (!is_set(&m->home_from) && !old.home_nil) {
		m->home_nil = false;
		m->scores = old.scores;
		m->score_count = old.score_count;
		kept->home_params = true;
	}
	return 0;
}

int
policy_text_new(struct buf *out, const struct derpmap *m, struct fail *why)
{
	struct policy_text_kept kept;

	return policy_text_put(out, slice_str("{\n}\n"), m, &kept, why);
}

int
policy_text_put(struct buf *out, struct slice policy, const struct derpmap *m,
    struct policy_text_kept *kept, struct fail *why)
{
	struct arena *a = arena_new(DOC_ARENA_MAX);
	struct derpmap map = *m;
	struct form form;
	struct place p;
	struct doc doc;
	int result;

	if (a == NULL)
		return fail_set(why, "not enough memory");
	result = doc_json_read_as(&doc, a, policy, DOC_JSON_HUMAN, why);
	if (result == 0 && doc.root->kind != DOC_MAPPING)
		result = fail_set(why, "a policy file is an object: { ... }");
	if (result == 0) {
		form = form_of(policy, doc.root);
		result = find_place(&p, policy, doc.root, &form, why);
	}
	if (result == 0)
		result = keep_old(&map, kept, a, p.old, why);
	if (result == 0)
		result = put_all(out, policy, &p, &form, &map, why);
	arena_free(a);
	return result;
}
