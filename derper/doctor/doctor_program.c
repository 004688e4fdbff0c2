/* doctor_program: see doctor_program.h. */
#include "doctor_program.h"

#include "verify_program.h"

#include <stdio.h>
#include <stdlib.h>

#define OUTPUT_MAX ((size_t)8 << 20)
#define COMMAND_MAX 65536
#define PATH_DEFAULT "/usr/sbin:/usr/bin:/sbin:/bin"

static int
quote_all(struct buf *text, const char *const words[], struct fail *why)
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (verify_program_quote(text, slice_str(words[i]), why) == -1)
			return -1;
	return buf_append(text, "", 1) == 0 ? 0
					    : fail_set(why, "out of memory");
}

/* NULL: memory is short. Owned by the caller. */
static char *
path_variable(void)
{
	const char *path = getenv("PATH");
	char *text;

	if (asprintf(&text, "PATH=%s", path != NULL ? path : PATH_DEFAULT) ==
	    -1)
		return NULL;
	return text;
}

int
doctor_program_run(const char *const words[], uint64_t timeout_ms,
    struct buf *out, struct fail *why)
{
	static const atomic_bool never = false;
	static char locale[] = "LC_ALL=C";
	char *variables[] = { locale, path_variable(), NULL };
	struct verify_program program = { .text = NULL };
	struct buf text;
	int rc = -1;

	buf_init(out, OUTPUT_MAX);
	buf_init(&text, COMMAND_MAX);
	if (quote_all(&text, words, why) == 0 &&
	    verify_program_parse(
		&program, (const char *)buf_slice(&text).p, why) == 0) {
		program.variables = variables;
		if (verify_program_run(&program, timeout_ms, &never, out,
			why) == VERIFY_PROGRAM_DONE)
			rc = 0;
	}
	free(variables[1]);
	verify_program_clear(&program);
	buf_clear(&text);
	return rc;
}
