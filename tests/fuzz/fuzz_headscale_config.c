/* headscale's config.yaml and its environment: the first line of the input is
 * the variables, separated by tabs, the rest is the file. No path in it is
 * read: the settings are decided and judged. */
#include "fuzz.h"

#include "embedded_region.h"
#include "headscale_config.h"

static void
check_place(const struct headscale_config *c, const struct viper_value *from)
{
	struct doc_pos at = headscale_config_place(from);

	FUZZ_CHECK((from->source == VIPER_FILE) == (at.line >= 1));
	FUZZ_CHECK(at.offset <= c->text.n);
}

/* Cuts the variables out of a line. */
static void
add_variables(struct environment *e, struct slice line)
{
	struct slice variable, name, value;

	while (line.n > 0 && e->n < 20) {
		slice_cut(line, '\t', &variable, &line);
		if (slice_cut(variable, '=', &name, &value))
			e->v[e->n++] =
			    (struct environment_variable){ name, value, 0 };
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct environment_variable variables[20];
	struct environment environment = { .v = variables };
	struct slice line, text;
	struct fail why = { .text = "" };
	struct headscale_config c;

	slice_cut(slice_of(data, n), '\n', &line, &text);
	add_variables(&environment, line);
	for (size_t v = 0; headscale_version_at(v) != NULL; v++) {
		if (headscale_config_text(&c, "x", text, &environment,
			headscale_version_at(v), &why) == -1)
			return 0;
		check_place(&c, &c.urls.from);
		check_place(&c, &c.update_frequency.from);
		check_place(&c, &c.server_url.from);
		for (size_t i = 0; i < c.paths.v.n; i++)
			FUZZ_CHECK(c.paths.v.v[i].p != NULL);
		embedded_region_can_listen(c.stun_listen_addr.v, NULL);
		embedded_region(&c, c.arena, NULL);
		headscale_config_close(&c);
	}
	return 0;
}
