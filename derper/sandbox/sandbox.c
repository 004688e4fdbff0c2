/* sandbox: see sandbox.h. */
#include "sandbox.h"

#include "bytes.h"
#include "landlock.h"
#include "privileges.h"
#include "syscall_filter.h"

/* What the C library, OpenSSL and libcurl read while serving: name resolution
 * and the modules for it, the roots that admission URLs are verified with, the
 * time zone of log lines. A rule is for the file that is there now: what is
 * renamed over it, as is done with resolv.conf and hosts, would not be allowed
 * any more, so /etc is allowed as a folder. */
static const char *const library_paths[] = {
	"/etc",
	"/run/NetworkManager",
	"/run/resolvconf",
	"/run/systemd/resolve",
	"/usr/lib",
	"/usr/lib64",
	"/lib",
	"/lib64",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/share/zoneinfo",
	"/dev/urandom",
	"/dev/null",
	"/proc/self",
	"/proc/sys",
	"/sys/devices/system/cpu",
};

static int
allow_all(struct landlock *l, const char *const *paths, size_t count,
    bool write, struct fail *why)
{
	for (size_t i = 0; i < count; i++)
		if (paths[i][0] != '\0' &&
		    landlock_allow(l, paths[i], write, why) == -1)
			return -1;
	return 0;
}

static int
limit_files(const struct sandbox_config *c, struct fail *why)
{
	const size_t count = sizeof library_paths / sizeof library_paths[0];
	struct landlock l;

	if (landlock_open(&l, why) == -1)
		return -1;
	if (allow_all(&l, library_paths, count, false, why) == -1 ||
	    allow_all(&l, c->read_paths, c->read_count, false, why) == -1 ||
	    allow_all(&l, c->write_paths, c->write_count, true, why) == -1) {
		landlock_close(&l);
		return -1;
	}
	return landlock_enforce(&l, why);
}

/* One measure's part of the report. */
static void
note(struct writer *w, const char *what, bool wanted, int rc,
    const struct fail *why)
{
	writer_printf(w, "%s%s: %s", w->n > 0 ? ", " : "", what,
	    !wanted       ? "off"
		: rc == 0 ? "on"
			  : "NOT in force");
	if (wanted && rc != 0)
		writer_printf(w, " (%s)", why->text);
}

void
sandbox_enter(
    const struct sandbox_config *config, char report[static SANDBOX_TEXT])
{
	struct fail dumps_why = { 0 }, new_why = { 0 }, files_why = { 0 },
		    caps_why = { 0 }, calls_why = { 0 };
	struct writer w = writer_of(report, SANDBOX_TEXT - 1);
	const bool needs_no_new =
	    config->landlock || config->seccomp || !config->capabilities;
	int dumps = 0, no_new = 0, files = -1, caps = 0, calls = 0;

	if (!config->core_dumps)
		dumps = privileges_no_dumps(&dumps_why);
	if (needs_no_new)
		no_new = privileges_no_new(&new_why);
	if (config->landlock)
		files = limit_files(config, &files_why);
	if (!config->capabilities)
		caps = privileges_drop_capabilities(files == 0, &caps_why);
	if (config->seccomp)
		calls = syscall_filter_enforce(&calls_why);
	note(&w, "memory dumps prevented", !config->core_dumps, dumps,
	    &dumps_why);
	note(&w, "no_new_privs", needs_no_new, no_new, &new_why);
	note(
	    &w, "capabilities dropped", !config->capabilities, caps, &caps_why);
	note(&w, "Landlock", config->landlock, files, &files_why);
	note(&w, "system call filter", config->seccomp, calls, &calls_why);
	report[w.n] = '\0';
}
