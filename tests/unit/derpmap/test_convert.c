/* The cases of tests/convert: a folder each with in.yaml or in.json, and
 * expect.json (what it comes to) or expect.error (LINE:COLUMN: REASON). */
#include "check.h"

#include "encode_map.h"
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FOLDER TESTS_DIR "/convert"

static size_t cases;

/* A file of the case; an empty buffer and false when it is not there. */
static bool
slurp(const char *name, const char *file, struct buf *b)
{
	char path[600];
	uint8_t *room;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, FOLDER "/%s/%s", name, file);
	buf_init(b, 1 << 22);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	do {
		room = buf_room(b, 65536);
		assert_non_null(room);
		n = fread(room, 1, 65536, f);
		buf_added(b, n);
	} while (n > 0);
	fclose(f);
	return true;
}

/* What convert prints about a refused document, without the file's name. */
static void
put_refusals(struct buf *b, const struct load *l)
{
	if (l->doc.error != DOC_OK) {
		buf_printf(b, "%u:%u: %s\n", l->doc.error_at.line,
		    l->doc.error_at.column, l->doc.error_text);
		return;
	}
	for (const struct derpmap_diagnostic *r = l->map.diagnostics; r != NULL;
	     r = r->next)
		if (r->refuses)
			buf_printf(b, "%u:%u: %s\n", r->at.line, r->at.column,
			    r->text);
}

static void
compare(const char *name, struct slice got, struct slice want)
{
	if (slice_eq(got, want))
		return;
	fail_msg("%s\ngot:  %.*s\nwant: %.*s", name, (int)got.n,
	    (const char *)got.p, (int)want.n, (const char *)want.p);
}

/* The canonical YAML must come to the same again. */
static void
check_round_trip(const char *name, const struct derpmap *m, struct slice json)
{
	struct fail why = { .text = "" };
	struct buf yaml, again;
	struct load l;

	buf_init(&yaml, 1 << 22);
	buf_init(&again, 1 << 22);
	check_int(encode_map_yaml(&yaml, m, &why), 0);
	check_int(
	    load_text(&l, name, buf_slice(&yaml), LOAD_HEADSCALE, &why), 0);
	if (!load_accepted(&l))
		fail_msg("%s: our YAML is refused:\n%.*s", name,
		    (int)buf_len(&yaml), (const char *)buf_slice(&yaml).p);
	check_int(encode_map_json(&again, &l.map, &why), 0);
	compare(name, buf_slice(&again), json);
	load_close(&l);
	buf_clear(&yaml);
	buf_clear(&again);
}

static void
run_case(const char *name)
{
	struct buf in, want, got;
	struct fail why = { .text = "" };
	enum load_form form = LOAD_HEADSCALE;
	bool refused;
	struct load l;

	if (!slurp(name, "in.yaml", &in)) {
		form = LOAD_JSON;
		check(slurp(name, "in.json", &in));
	}
	refused = slurp(name, "expect.error", &want);
	if (!refused)
		check(slurp(name, "expect.json", &want));
	buf_init(&got, 1 << 22);
	check_int(load_text(&l, name, buf_slice(&in), form, &why), 0);
	if (!load_accepted(&l)) {
		put_refusals(&got, &l);
	} else if (encode_map_json(&got, &l.map, &why) == -1) {
		buf_clear(&got);
		buf_printf(&got, "%u:%u: %s\n", why.line, why.column, why.text);
	} else {
		check_round_trip(name, &l.map, buf_slice(&got));
	}
	compare(name, buf_slice(&got), buf_slice(&want));
	load_close(&l);
	buf_clear(&in);
	buf_clear(&want);
	buf_clear(&got);
}

static void
convert_comes_to_what_is_expected(void **state)
{
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		/* run.py and the like are not cases */
		if (strchr(entry->d_name, '.') == NULL) {
			run_case(entry->d_name);
			cases++;
		}
	closedir(folder);
	check(cases >= 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convert_comes_to_what_is_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
