/* encode_map: see encode_map.h. */
#include "encode_map.h"

#include "encode.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BINARY_CHUNK 48 /* bytes per base64 piece: whole groups of three */

struct encoder {
	struct buf *out;
	bool json;
	bool full; /* the buffer took no more */
	struct fail *why;
};

__attribute__((format(printf, 2, 3))) static void
put(struct encoder *e, const char *fmt, ...)
{
	char text[128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text ||
	    buf_append(e->out, text, (size_t)n) == -1)
		e->full = true;
}

static void
put_bytes(struct encoder *e, const void *p, size_t n)
{
	if (n > 0 && buf_append(e->out, p, n) == -1)
		e->full = true;
}

static void
put_indent(struct encoder *e, unsigned depth)
{
	put(e, "%*s", (int)(2 * depth), "");
}

/* --- scalars --- */

/* The shortest decimal that reads back as the same number. sent says, for the
 * refusal, what headscale does with it. */
static int
put_float(struct encoder *e, const struct derpmap_float *f, const char *name,
    const char *sent)
{
	struct doc_pos at = derpmap_origin_pos(&f->from);
	char text[32];

	if (!isfinite(f->v) && e->json)
		return fail_at(e->why, at.line, at.column,
		    "%s is %s; JSON has no such number, %s", name,
		    isnan(f->v) ? "not a number" : "infinite", sent);
	if (!isfinite(f->v)) {
		put(e, "%s",
		    isnan(f->v)    ? ".nan"
			: f->v > 0 ? ".inf"
				   : "-.inf");
		return 0;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, f->v);
		if (strtod(text, NULL) == f->v)
			break;
	}
	/* in YAML -0 would be an integer, which has no sign there */
	put(e, "%s%s", text,
	    f->v == 0 && signbit(f->v) && !e->json ? ".0" : "");
	return 0;
}

/* Characters that go into quotes as they are. */
static bool
is_safe(uint32_t code)
{
	return code >= 0x20 && code != '"' && code != '\\' && code != 0x7f &&
	    !(code >= 0x80 && code < 0xa0) && code != 0x2028 &&
	    code != 0x2029 && code != 0xfeff && (code & 0xfffe) != 0xfffe;
}

static void
put_escape(struct encoder *e, uint32_t code)
{
	if (code == '"' || code == '\\')
		put(e, "\\%c", (int)code);
	else if (code == '\n')
		put(e, "\\n");
	else if (code == '\t')
		put(e, "\\t");
	else if (code < 0x10000)
		put(e, "\\u%04x", code);
	else if (!e->json)
		put(e, "\\U%08x", code);
	else
		put(e, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10),
		    0xdc00 + (code & 0x3ff));
}

/* In double quotes; the escapes used are those of JSON and of YAML. Bytes that
 * are not UTF-8 become U+FFFD, as in Go. */
static void
put_text(struct encoder *e, struct slice text)
{
	put(e, "\"");
	while (text.n > 0) {
		uint32_t code = 0xfffd;
		size_t n = utf8_next(text, &code);

		if (n == 0)
			put_bytes(e, "\xef\xbf\xbd", 3);
		else if (is_safe(code))
			put_bytes(e, text.p, n);
		else
			put_escape(e, code);
		n = n > 0 ? n : 1;
		text = slice_of(text.p + n, text.n - n);
	}
	put(e, "\"");
}

/* Only !!binary can hold what is not UTF-8; YAML can say it again. */
static void
put_binary(struct encoder *e, struct slice bytes)
{
	char text[BINARY_CHUNK / 3 * 4 + 1];

	put(e, "!!binary \"");
	while (bytes.n > 0) {
		size_t n = bytes.n < BINARY_CHUNK ? bytes.n : BINARY_CHUNK;

		encode_base64(text, sizeof text, slice_of(bytes.p, n));
		put(e, "%s", text);
		bytes = slice_of(bytes.p + n, bytes.n - n);
	}
	put(e, "\"");
}

/* --- fields --- */

static bool
is_zero(const struct derpmap_field *f, const void *at)
{
	switch (f->type) {
	case DERPMAP_TEXT:
		return ((const struct derpmap_text *)at)->v.n == 0;
	case DERPMAP_INT:
		return ((const struct derpmap_int *)at)->v == 0;
	case DERPMAP_FLOAT:
		return ((const struct derpmap_float *)at)->v == 0;
	case DERPMAP_BOOL:
		return !((const struct derpmap_bool *)at)->v;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return false;
}

static int
put_value(struct encoder *e, const struct derpmap_field *f, const void *at)
{
	struct slice text;

	switch (f->type) {
	case DERPMAP_TEXT:
		text = ((const struct derpmap_text *)at)->v;
		if (!e->json && !utf8_valid(text))
			put_binary(e, text);
		else
			put_text(e, text);
		break;
	case DERPMAP_INT:
		put(e, "%" PRId64, ((const struct derpmap_int *)at)->v);
		break;
	case DERPMAP_FLOAT:
		return put_float(e, at, e->json ? f->json : f->yaml,
		    "so headscale cannot send this map to any client");
	case DERPMAP_BOOL:
		put(e, "%s",
		    ((const struct derpmap_bool *)at)->v ? "true" : "false");
		break;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return 0;
}

/* What comes before a member: JSON wants a comma after the first one, and in
 * YAML the first one comes after the dash of a list's entry. */
static void
begin_member(struct encoder *e, bool *first, bool dashed, unsigned depth)
{
	if (e->json) {
		put(e, *first ? "\n" : ",\n");
		put_indent(e, depth);
	} else if (!(*first && dashed)) {
		put_indent(e, depth);
	}
	*first = false;
}

static void
put_name(struct encoder *e, const struct derpmap_field *f)
{
	if (e->json)
		put(e, "\"%s\": ", f->json);
	else
		put(e, "%s:", f->yaml);
}

static void
end_member(struct encoder *e)
{
	if (!e->json)
		put(e, "\n");
}

/* A collection without entries, or null for one. */
static void
put_empty(struct encoder *e, const char *text)
{
	put(e, e->json ? "%s" : " %s\n", text);
}

/* The simple fields of a struct. */
static int
put_fields(struct encoder *e, enum derpmap_level level, const void *base,
    bool *first, bool dashed, unsigned depth)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		const struct derpmap_field *f = &fields.v[i];
		const void *at = (const char *)base + f->offset;

		if (f->type > DERPMAP_BOOL || (f->omit && is_zero(f, at)))
			continue;
		begin_member(e, first, dashed, depth);
		put_name(e, f);
		put(e, e->json ? "" : " ");
		if (put_value(e, f, at) == -1)
			return -1;
		end_member(e);
	}
	return 0;
}

/* --- nodes and regions --- */

static int
put_node(struct encoder *e, const struct derpmap_node *node, bool *first_node,
    unsigned depth)
{
	bool first = true;

	if (e->json) {
		put(e, *first_node ? "\n" : ",\n");
		put_indent(e, depth);
		put(e, node->is_nil ? "null" : "{");
	} else {
		put_indent(e, depth);
		put(e, node->is_nil ? "- null\n" : "- ");
	}
	*first_node = false;
	if (node->is_nil)
		return 0;
	if (put_fields(e, DERPMAP_LEVEL_NODE, node, &first, true, depth + 1) ==
	    -1)
		return -1;
	if (e->json) {
		put(e, "\n");
		put_indent(e, depth);
		put(e, "}");
	}
	return 0;
}

static int
put_nodes(struct encoder *e, const struct derpmap_region *r, unsigned depth)
{
	bool first = true;

	if (r->node_count == 0) {
		put_empty(e, r->nodes_nil ? "null" : "[]");
		return 0;
	}
	put(e, e->json ? "[" : "\n");
	for (size_t i = 0; i < r->node_count; i++)
		if (put_node(e, r->nodes[i], &first, depth + 1) == -1)
			return -1;
	if (e->json) {
		put(e, "\n");
		put_indent(e, depth);
		put(e, "]");
	}
	return 0;
}

static void
put_key(struct encoder *e, int64_t key)
{
	put(e, e->json ? "\"%" PRId64 "\": " : "%" PRId64 ":", key);
}

static const struct derpmap_field *
find_field(enum derpmap_level level, enum derpmap_type type)
{
	const struct derpmap_field *f = derpmap_fields(level).v;

	while (f->type != type)
		f++;
	return f;
}

static int
put_region(struct encoder *e, const struct derpmap_region *r,
    bool *first_region, unsigned depth)
{
	bool first = true;

	begin_member(e, first_region, false, depth);
	put_key(e, r->key);
	if (r->is_nil) {
		put(e, e->json ? "null" : " null\n");
		return 0;
	}
	put(e, e->json ? "{" : "\n");
	if (put_fields(e, DERPMAP_LEVEL_REGION, r, &first, false, depth + 1) ==
	    -1)
		return -1;
	begin_member(e, &first, false, depth + 1);
	put_name(e, find_field(DERPMAP_LEVEL_REGION, DERPMAP_NODES));
	if (put_nodes(e, r, depth + 1) == -1)
		return -1;
	if (e->json) {
		put(e, "\n");
		put_indent(e, depth);
		put(e, "}");
	}
	return 0;
}

static int
put_regions(struct encoder *e, const struct derpmap *m, bool *first_member)
{
	bool first = true;

	begin_member(e, first_member, false, e->json ? 1 : 0);
	put_name(e, find_field(DERPMAP_LEVEL_MAP, DERPMAP_REGIONS));
	if (m->region_count == 0) {
		put_empty(e, m->regions_nil ? "null" : "{}");
		return 0;
	}
	put(e, e->json ? "{" : "\n");
	for (size_t i = 0; i < m->region_count; i++)
		if (put_region(e, m->regions[i], &first, e->json ? 2 : 1) == -1)
			return -1;
	if (e->json)
		put(e, "\n  }");
	return 0;
}

/* --- the map --- */

static int
put_scores(struct encoder *e, const struct derpmap *m)
{
	bool first = true;
	unsigned depth = e->json ? 3 : 2;

	put(e, e->json ? "\n    " : "\n  ");
	put_name(e, find_field(DERPMAP_LEVEL_HOME, DERPMAP_SCORES));
	put(e, e->json ? "{" : "\n");
	for (size_t i = 0; i < m->score_count; i++) {
		begin_member(e, &first, false, depth);
		put_key(e, m->scores[i].region);
		if (!e->json)
			put(e, " ");
		if (put_float(e, &m->scores[i].score, "a score",
			"and headscale sends no scores") == -1)
			return -1;
		end_member(e);
	}
	if (e->json)
		put(e, "\n    }\n  ");
	return 0;
}

static int
put_home(struct encoder *e, const struct derpmap *m, bool *first)
{
	if (m->home_nil)
		return 0;
	begin_member(e, first, false, e->json ? 1 : 0);
	put_name(e, find_field(DERPMAP_LEVEL_MAP, DERPMAP_HOME));
	if (m->score_count == 0) {
		put_empty(e, "{}");

		return 0;
	}
	if (e->json)
		put(e, "{");
	if (put_scores(e, m) == -1)
		return -1;
	if (e->json)
		put(e, "}");
	return 0;
}

static int
put_map(struct encoder *e, const struct derpmap *m)
{
	bool first = true;

	if (e->json)
		put(e, "{");
	if (put_home(e, m, &first) == -1 || put_regions(e, m, &first) == -1 ||
	    put_fields(
		e, DERPMAP_LEVEL_MAP, m, &first, false, e->json ? 1 : 0) == -1)
		return -1;
	if (e->json)
		put(e, "\n}\n");
	return e->full ? fail_set(e->why, "not enough memory for the text") : 0;
}

int
encode_map_yaml(struct buf *out, const struct derpmap *m, struct fail *why)
{
	struct encoder e = { .out = out, .why = why };

	return put_map(&e, m);
}

int
encode_map_json(struct buf *out, const struct derpmap *m, struct fail *why)
{
	struct encoder e = { .out = out, .json = true, .why = why };

	return put_map(&e, m);
}
