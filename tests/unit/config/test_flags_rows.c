/* flags_rows: the relay's flags are those of the list that derpmap has too. */
#include "check.h"

#include "derper_flags.h"
#include "flags_rows.h"
#include "verify_kinds.h"

/* Whether the list that derpmap has too knows the flag, and as what. */
static void
check_listed(const char *name, bool is_switch)
{
	const struct derper_flag *flag = derper_flags_find(slice_str(name));

	if (flag == NULL)
		fail_msg("-%s is not in lib/derp/derper_flags.c", name);
	check_int(flag->is_switch, is_switch);
}

static void
flags_are_those_of_the_one_list(void **state)
{
	size_t count = flags_row_count;

	(void)state;
	for (size_t i = 0; i < flags_row_count; i++)
		check_listed(
		    flags_rows[i].name, flags_rows[i].kind == OPTS_BOOL);
	for (size_t i = 0; verify_kinds_get(i) != NULL; i++) {
		const struct verify_source_kind *kind = verify_kinds_get(i);
		const struct verify_option *option = kind->options;

		if (kind->relay_option == NULL)
			continue;
		check_listed(kind->relay_option, false);
		count++;
		for (; option != NULL && option->name != NULL; option++)
			if (option->relay_option != NULL) {
				check_listed(option->relay_option, false);
				count++;
			}
	}
	check_size(derper_flag_count, count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_those_of_the_one_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
