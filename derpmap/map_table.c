/* map_table: see map_table.h. */
#include "map_table.h"

#include "quote.h"
#include "width.h"

#include <inttypes.h>
#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

#define COLUMNS 9
#define ARENA_MAX ((size_t)1 << 30)
#define DERP_PORT 443  /* of a node that does not say; tailcfg/derpmap.go */
#define STUN_PORT 3478 /* likewise */

struct table {
	struct arena *arena;
	const char *(*rows)[COLUMNS]; /* cells are in the arena */
	size_t count;
	unsigned width[COLUMNS];
	bool failed; /* memory is short */
};

/* Foreign text, escaped. */
static const char *
clean(struct table *t, struct slice text)
{
	const size_t cap = text.n * QUOTE_PUT_GROWTH;
	char *room = arena_alloc(t->arena, cap + 1, 1);
	struct writer w = writer_of(room, room != NULL ? cap : 0);

	if (room == NULL) {
		t->failed = true;
		return "";
	}
	quote_put(&w, text);
	return room; /* zeroed by the arena: it ends after w.n */
}

static const char *
number(struct table *t, int64_t n)
{
	const char *text = arena_printf(t->arena, "%" PRId64, n);

	t->failed |= text == NULL;
	return text != NULL ? text : "";
}

/* The branch that leads to the last or another entry, and past it. */
static const char *
branch(bool is_last)
{
	return is_last ? "└─ " : "├─ ";
}

static const char *
trunk(bool is_last)
{
	return is_last ? "   " : "│  ";
}

/* What a map says beside its regions; nothing for most. */
static void
print_rest(FILE *to, const struct derpmap *m)
{
	if (m->omit_default_regions.v)
		fputs("omitdefaultregions: true\n", to);
	if (m->score_count > 0)
		fputs("homeparams.regionscore\n", to);
	for (size_t i = 0; i < m->score_count; i++)
		fprintf(to, "%s%" PRId64 ": %.15g\n",
		    branch(i + 1 == m->score_count), m->scores[i].region,
		    m->scores[i].score.v);
}

/* --- the table --- */

static void
add_row(struct table *t, const char *const cells[static COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		unsigned width = width_of(slice_str(cells[i]));

		t->rows[t->count][i] = cells[i];
		if (width > t->width[i])
			t->width[i] = width;
	}
	t->count++;
}

/* How clients know the certificate, and what else is unusual about a node. */
static const char *
notes_of(struct table *t, const struct derpmap_node *n)
{
	const bool is_pinned = slice_starts(n->cert_name.v, "sha256-raw:");
	char *text = arena_printf(t->arena, "%s%s%s%s%s",
	    is_pinned                  ? "pinned "
		: n->cert_name.v.n > 0 ? "certname "
				       : "",
	    n->stun_only.v ? "stun-only " : "",
	    n->can_port80.v ? "port80 " : "",
	    n->insecure_for_tests.v ? "INSECURE " : "",
	    n->stun_test_ip.v.n > 0 ? "stuntestip " : "");

	t->failed |= text == NULL;
	if (text == NULL || text[0] == '\0')
		return "";
	text[strlen(text) - 1] = '\0';
	return text;
}

/* A port; 0 is the default, negative means none. */
static const char *
port_of(struct table *t, int64_t port, int64_t otherwise)
{
	return port < 0 ? "off" : number(t, port != 0 ? port : otherwise);
}

static const char *
or_dns(struct table *t, struct slice address)
{
	return address.n > 0 ? clean(t, address) : "(DNS)";
}

static void
add_node(struct table *t, const char *const region[static 3],
    const struct derpmap_node *n)
{
	const char *cells[COLUMNS] = { region[0], region[1], region[2], "", "",
		"", "", "", "" };

	if (n->is_nil) {
		cells[3] = "null";
	} else {
		cells[3] = clean(t, n->host_name.v);
		cells[4] = or_dns(t, n->ipv4.v);
		cells[5] = or_dns(t, n->ipv6.v);
		cells[6] = n->stun_only.v
		    ? "off"
		    : port_of(t, n->derp_port.v, DERP_PORT);
		cells[7] = port_of(t, n->stun_port.v, STUN_PORT);
		cells[8] = notes_of(t, n);
	}
	add_row(t, cells);
}

static void
add_region(struct table *t, const struct derpmap_region *r)
{
	static const char *const empty[] = { "", "", "" };
	const char *region[3] = { number(t, r->key),
		r->is_nil ? "null" : clean(t, r->region_code.v),
		clean(t, r->region_name.v) };

	if (r->is_nil || r->node_count == 0) {
		const char *cells[COLUMNS] = { region[0], region[1], region[2],
			r->is_nil ? "" : "no nodes", "", "", "", "", "" };

		add_row(t, cells);
		return;
	}
	for (size_t i = 0; i < r->node_count; i++)
		add_node(t, i == 0 ? region : empty, r->nodes[i]);
}

/* The last cell that is not empty ends its line. */
static void
print_row(FILE *to, const struct table *t, size_t row)
{
	size_t last = COLUMNS;

	while (last > 1 && t->rows[row][last - 1][0] == '\0')
		last--;
	for (size_t i = 0; i < last; i++) {
		const char *cell = t->rows[row][i];
		unsigned width = width_of(slice_str(cell));

		fputs(cell, to);
		if (i + 1 < last)
			fprintf(to, "%*s", (int)(t->width[i] - width + 2), "");
	}
	fputc('\n', to);
}

static int
print_table(FILE *to, struct table *t, const struct derpmap *m, bool colour)
{
	static const char *const head[COLUMNS] = { "REGION", "CODE", "NAME",
		"HOST", "IPV4", "IPV6", "DERP", "STUN", "NOTES" };
	size_t rows = 1;

	for (size_t i = 0; i < m->region_count; i++)
		rows += m->regions[i]->node_count + 1;
	t->rows = arena_alloc(t->arena, rows, sizeof *t->rows);
	if (t->rows == NULL)
		return -1;
	add_row(t, head);
	for (size_t i = 0; i < m->region_count; i++)
		add_region(t, m->regions[i]);
	if (t->failed)
		return -1;
	for (size_t i = 0; i < t->count; i++) {
		fputs(colour && i == 0 ? BOLD : "", to);
		print_row(to, t, i);
		fputs(colour && i == 0 ? PLAIN : "", to);
	}
	print_rest(to, m);
	return 0;
}

int
map_table_print(FILE *to, const struct derpmap *m, bool colour)
{
	struct table t = { .arena = arena_new(ARENA_MAX) };
	int result = t.arena != NULL ? print_table(to, &t, m, colour) : -1;

	arena_free(t.arena);
	return result;
}

/* --- the tree --- */

/* The value of a field as text; NULL when it is zero or not a simple one. */
static const char *
value_of(struct table *t, const struct derpmap_field *f, const void *owner)
{
	const void *at = (const char *)owner + f->offset;
	const char *text = NULL;

	switch (f->type) {
	case DERPMAP_TEXT:
		return ((const struct derpmap_text *)at)->v.n > 0
		    ? clean(t, ((const struct derpmap_text *)at)->v)
		    : NULL;
	case DERPMAP_INT:
		return ((const struct derpmap_int *)at)->v != 0
		    ? number(t, ((const struct derpmap_int *)at)->v)
		    : NULL;
	case DERPMAP_FLOAT:
		if (((const struct derpmap_float *)at)->v == 0)
			return NULL;
		text = arena_printf(
		    t->arena, "%.15g", ((const struct derpmap_float *)at)->v);
		t->failed |= text == NULL;
		return text;
	case DERPMAP_BOOL:
		return ((const struct derpmap_bool *)at)->v ? "true" : NULL;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return NULL;
}

/* The fields that are set, but for those that the heading has. */
static void
print_fields(FILE *to, struct table *t, enum derpmap_level level,
    const void *owner, const char *indent, const char *indent2)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++) {
		const struct derpmap_field *f = &fields.v[i];
		const char *value = value_of(t, f, owner);

		if (value != NULL && strcmp(f->yaml, "name") != 0 &&
		    strcmp(f->yaml, "regionname") != 0 &&
		    strcmp(f->yaml, "regioncode") != 0)
			fprintf(to, "%s%s%s: %s\n", indent, indent2, f->yaml,
			    value);
	}
}

static void
print_region(FILE *to, struct table *t, const struct derpmap_region *r,
    bool is_last, bool colour)
{
	const char *indent = trunk(is_last);

	fprintf(to, "%s%s%" PRId64 "%s%s%s%s%s\n", branch(is_last),
	    colour ? BOLD : "", r->key, colour ? PLAIN : "",
	    r->is_nil || r->region_code.v.n > 0 ? " " : "",
	    r->is_nil ? "null" : clean(t, r->region_code.v),
	    r->region_name.v.n > 0 ? ", " : "", clean(t, r->region_name.v));
	if (r->is_nil)
		return;
	print_fields(to, t, DERPMAP_LEVEL_REGION, r, indent, "");
	for (size_t i = 0; i < r->node_count; i++) {
		const struct derpmap_node *n = r->nodes[i];
		bool last_node = i + 1 == r->node_count;

		fprintf(to, "%s%s%s%s%s\n", indent, branch(last_node),
		    colour ? BOLD : "",
		    n->is_nil ? "null" : clean(t, n->name.v),
		    colour ? PLAIN : "");
		if (!n->is_nil)
			print_fields(to, t, DERPMAP_LEVEL_NODE, n, indent,
			    trunk(last_node));
	}
}

int
map_table_tree(FILE *to, const struct derpmap *m, bool colour)
{
	struct table t = { .arena = arena_new(ARENA_MAX) };

	if (t.arena == NULL)
		return -1;
	fputs("regions\n", to);
	for (size_t i = 0; i < m->region_count; i++)
		print_region(
		    to, &t, m->regions[i], i + 1 == m->region_count, colour);
	print_rest(to, m);
	arena_free(t.arena);
	return t.failed ? -1 : 0;
}
