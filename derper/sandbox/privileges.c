/* privileges: see privileges.h. */
#include "privileges.h"

#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int
privileges_no_dumps(struct fail *why)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return fail_errno(why, "RLIMIT_CORE");
	if (prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == -1)
		return fail_errno(why, "PR_SET_DUMPABLE");
	return 0;
}

int
privileges_no_new(struct fail *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == -1)
		return fail_errno(why, "PR_SET_NO_NEW_PRIVS");
	return 0;
}

int
privileges_use_permitted(struct fail *why)
{
	cap_t now = cap_get_proc();
	int rc = now == NULL ? -1 : cap_fill(now, CAP_EFFECTIVE, CAP_PERMITTED);

	if (rc == 0)
		rc = cap_set_proc(now);
	if (rc == -1)
		fail_errno(why, "capset");
	cap_free(now);
	return rc;
}

static bool
permitted(cap_value_t what)
{
	cap_t now = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (now != NULL)
		(void)cap_get_flag(now, what, CAP_PERMITTED, &value);
	cap_free(now);
	return value == CAP_SET;
}

int
privileges_drop_capabilities(bool keep_read, struct fail *why)
{
	const cap_value_t read_files[] = { permitted(CAP_DAC_READ_SEARCH)
		    ? CAP_DAC_READ_SEARCH
		    : CAP_DAC_OVERRIDE };
	cap_t kept;
	int rc;

	/* what a program that is run later could have at most; without
	 * CAP_SETPCAP there is nothing of it to give up */
	for (cap_value_t i = 0; cap_get_bound(i) >= 0; i++)
		(void)cap_drop_bound(i);
	(void)cap_reset_ambient();
	kept = cap_init();
	if (kept == NULL)
		return fail_set(why, "out of memory");
	if (keep_read && permitted(read_files[0])) {
		(void)cap_set_flag(kept, CAP_PERMITTED, 1, read_files, CAP_SET);
		(void)cap_set_flag(kept, CAP_EFFECTIVE, 1, read_files, CAP_SET);
	}
	rc = cap_set_proc(kept);
	if (rc == -1)
		fail_errno(why, "capset");
	cap_free(kept);
	return rc;
}
