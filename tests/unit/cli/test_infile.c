/* Unit tests of lib/cli/infile and lib/cli/colour. */
#include "colour.h"
#include "infile.h"

#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static void
infile_reads_up_to_the_limit(void **state)
{
	char name[] = "/tmp/test_infile.XXXXXX";
	int fd = mkstemp(name);
	struct fail why = { 0 };
	struct buf text;

	(void)state;
	check(fd != -1);
	check_int(write(fd, "0123456789", 10), 10);
	check_int(infile_read(&text, name, 10, &why), 0);
	check_size(buf_len(&text), 10);
	buf_clear(&text);
	check_int(infile_read(&text, name, 9, &why), -1);
	check_contains(why.text, "larger than 9 bytes");
	buf_clear(&text);
	check_int(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	check_int(lseek(fd, 5, SEEK_SET), 5);
	check_int(infile_read(&text, "-", 10, &why), 0);
	check_size(buf_len(&text), 5);
	buf_clear(&text);
	close(fd);
	unlink(name);
	why = (struct fail){ 0 };
	check_int(infile_read(&text, name, 10, &why), -1);
	check_contains(why.text, "No such file");
	buf_clear(&text);
	check_text(infile_name("-"), "stdin");
	check_text(infile_name("a"), "a");
}

static void
infile_tells_what_would_be_waited_for(void **state)
{
	struct fail why = { 0 };

	(void)state;
	check_int(infile_check_regular("/nonexistent", &why), 0);
	check_int(infile_check_regular("/proc/self/exe", &why), 0);
	check_text(why.text, "");
	check_int(infile_check_regular("/dev/null", &why), -1);
	check_text(why.text, "/dev/null: not a regular file");
}

static void
colour_is_for_terminals(void **state)
{
	int pipes[2];

	(void)state;
	check_int(pipe(pipes), 0);
	check(!colour_wanted(COLOUR_AUTO, pipes[1]));
	check(colour_wanted(COLOUR_ALWAYS, pipes[1]));
	check(!colour_wanted(COLOUR_NEVER, pipes[1]));
	close(pipes[0]);
	close(pipes[1]);
	check_text(colour_name(COLOUR_NEVER), "never");
	check_null(colour_name(COLOUR_NEVER + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(infile_reads_up_to_the_limit),
		cmocka_unit_test(infile_tells_what_would_be_waited_for),
		cmocka_unit_test(colour_is_for_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
