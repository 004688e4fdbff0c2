/* load: recognising the form, files that cannot be read, limits. */
#include "check.h"

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum dialect
form_of(const char *text)
{
	struct fail why = { .text = "" };
	enum dialect dialect;
	struct load l;

	check_int(load_text(&l, "x", slice_str(text), LOAD_DETECT, &why), 0);
	check(l.detected);
	dialect = l.dialect;
	load_close(&l);
	return dialect;
}

static void
load_recognises_the_form(void **state)
{
	(void)state;
	check_int(form_of("{\"Regions\":{}}"), DIALECT_JSON);
	check_int(form_of(" \r\n\t{ \n\"a\":1}"), DIALECT_JSON);
	check_int(form_of("\xef\xbb\xbf{}"), DIALECT_JSON);
	check_int(form_of("{}"), DIALECT_JSON);
	check_int(form_of("{"), DIALECT_JSON);
	check_int(form_of("[]"), DIALECT_JSON);
	check_int(form_of("{regions: {}}"), DIALECT_HEADSCALE);
	check_int(form_of("regions: {}"), DIALECT_HEADSCALE);
	check_int(form_of("# {\n"), DIALECT_HEADSCALE);
	check_int(form_of(""), DIALECT_HEADSCALE);
	check_int(form_of("<html>"), DIALECT_HEADSCALE);
}

static void
load_does_as_told(void **state)
{
	struct fail why = { .text = "" };
	struct load l;

	(void)state;
	check_int(
	    load_text(&l, "x", slice_str("{\"a\":1}"), LOAD_HEADSCALE, &why),
	    0);
	check_int(l.dialect, DIALECT_HEADSCALE);
	check(!l.detected && load_accepted(&l));
	load_close(&l);
	load_close(&l);
	check_int(load_text(&l, "x", slice_str("a: 1"), LOAD_JSON, &why), 0);
	check(!load_accepted(&l));
	check_int(l.doc.error, DOC_SYNTAX);
	load_close(&l);
}

static void
load_reads_files(void **state)
{
	char name[] = "/tmp/test_load.XXXXXX";
	int fd = mkstemp(name);
	struct fail why = { .text = "" };
	struct load l;

	(void)state;
	check(fd != -1);
	check_int(write(fd, "regions: {5: }\n", 15), 15);
	check_int(load_open(&l, name, LOAD_DETECT, &why), 0);
	check(load_accepted(&l));
	check_int(l.map.regions[0]->key, 5);
	check_slice_text(l.text, "regions: {5: }\n");
	check_text(l.file, name);
	load_close(&l);
	check_int(ftruncate(fd, (off_t)LOAD_TEXT_MAX + 1), 0);
	check_int(load_open(&l, name, LOAD_DETECT, &why), -1);
	check_contains(why.text, "larger than");
	close(fd);
	unlink(name);
	why.text[0] = '\0';
	check_int(load_open(&l, name, LOAD_DETECT, &why), -1);
	check_contains(why.text, name);
	check_contains(why.text, "No such file");
	load_close(&l);
	why.text[0] = '\0';
	check_int(load_open(&l, "/tmp", LOAD_DETECT, &why), -1);
	check_contains(why.text, "directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_recognises_the_form),
		cmocka_unit_test(load_does_as_told),
		cmocka_unit_test(load_reads_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
