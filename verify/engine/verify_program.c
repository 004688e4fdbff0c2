/* verify_program: see verify_program.h. */
#include "verify_program.h"

#include "clock.h"
#include "quote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 50      /* whether to stop, while it prints nothing */
#define END_POLL_MS 5   /* whether it has ended, when it has closed all */
#define KILLED_MS 5000  /* for what is killed to be gone */
#define STOPPED_MS 1000 /* the same when it is told to stop */
#define CHUNK 65536
#define COMPLAINT_MAX 200 /* bytes of standard error that are kept */

int
verify_program_parse(
    struct verify_program *p, const char *text, struct fail *why)
{
	char *to;
	size_t n = 0;
	bool in_word = false;

	*p = (struct verify_program){ .text = strdup(text) };
	if (p->text == NULL)
		return fail_set(why, "out of memory");
	to = p->text;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == ' ' || *at == '\t') {
			if (in_word)
				*to++ = '\0';
			in_word = false;
			continue;
		}
		if (!in_word && n == VERIFY_PROGRAM_WORDS_MAX)
			return fail_set(why, "a command has at most %d words",
			    VERIFY_PROGRAM_WORDS_MAX);
		if (!in_word)
			p->words[n++] = to;
		in_word = true;
		if (*at == '\\' && at[1] != '\0')
			at++;
		*to++ = *at;
	}
	*to = '\0';
	return n > 0 ? 0 : fail_set(why, "the command is empty");
}

void
verify_program_clear(struct verify_program *p)
{
	free(p->text);
	*p = (struct verify_program){ .text = NULL };
}

static bool
is_special(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\\';
}

int
verify_program_quote(struct buf *text, struct slice word, struct fail *why)
{
	struct reader r = { .rest = word };
	int rc = 0;

	if (word.n == 0)
		return fail_set(why, "a word of a command is empty");
	if (buf_len(text) > 0)
		rc = buf_append(text, " ", 1);
	while (r.rest.n > 0 && rc == 0) {
		const uint8_t c = reader_u8(&r);

		if (is_special(c))
			rc = buf_append(text, "\\", 1);
		if (rc == 0)
			rc = buf_append(text, &c, 1);
	}
	return rc == 0 ? 0 : fail_set(why, "out of memory");
}

/* ---- running */

struct run {
	struct run *next; /* of those that run; locked by running.lock */
	pid_t pid;
	int out, err; /* -1: it has been closed there */
	struct buf *text;
	char complaint[COMPLAINT_MAX]; /* its first bytes */
	size_t complaint_len;
};

/* All that run in this process. A signal that ends it is for all of it, too,
 * and so this is one of the few things that exist once. */
static struct {
	pthread_mutex_t lock;
	struct run *first;
} running = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
is_shortage(int error)
{
	return error == EAGAIN || error == ENOMEM || error == EMFILE ||
	    error == ENFILE;
}

/* As a program expects it to be, whatever the threads here do. */
static void
set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETPGROUP);
}

/* Returns an errno. */
static int
spawn(struct run *r, const struct verify_program *p, int out, int err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	set_signals(&attr);
	rc = posix_spawn_file_actions_addopen(
	    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
		    &files, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
		    &files, err, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(
		    &files, STDERR_FILENO + 1);
	if (rc == 0)
		rc = posix_spawnp(&r->pid, p->words[0], &files, &attr, p->words,
		    p->variables != NULL ? p->variables : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* The same for one that verify_program_end_all finds. */
static int
spawn_known(struct run *r, const struct verify_program *p, int out, int err)
{
	int rc;

	pthread_mutex_lock(&running.lock);
	rc = spawn(r, p, out, err);
	if (rc == 0) {
		r->next = running.first;
		running.first = r;
	}
	pthread_mutex_unlock(&running.lock);
	return rc;
}

/* Nobody may kill a group that is reaped: its number may be another's then. */
static void
forget(struct run *r)
{
	struct run **at = &running.first;

	pthread_mutex_lock(&running.lock);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	pthread_mutex_unlock(&running.lock);
}

/* Keeps the lock: whoever runs one waits for it in forget(), and does not get
 * to know how it ended. */
void
verify_program_end_all(void)
{
	pthread_mutex_lock(&running.lock);
	for (const struct run *r = running.first; r != NULL; r = r->next)
		kill(-r->pid, SIGKILL);
}

/* -1 with errno. */
static int
start(struct run *r, const struct verify_program *p)
{
	int out[2], err[2], rc;

	if (pipe2(out, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(err, O_CLOEXEC) == -1) {
		close(out[0]);
		close(out[1]);
		return -1;
	}
	rc = spawn_known(r, p, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	r->out = out[0];
	r->err = err[0];
	if (rc == 0)
		return 0;
	close(r->out);
	close(r->err);
	errno = rc;
	return -1;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* -1: there is no room for it, or memory is short. */
static int
take_output(struct run *r)
{
	uint8_t *to = buf_room(r->text, CHUNK);
	ssize_t n;

	if (to == NULL)
		return -1;
	n = read(r->out, to, CHUNK);
	if (n > 0)
		buf_added(r->text, (size_t)n);
	else if (n == 0 || errno != EINTR)
		close_fd(&r->out);
	return 0;
}

/* What does not fit is read all the same, or it would wait for us. */
static void
take_complaint(struct run *r)
{
	char rest[512];
	const size_t room = COMPLAINT_MAX - r->complaint_len;
	ssize_t n =
	    read(r->err, room > 0 ? r->complaint + r->complaint_len : rest,
		room > 0 ? room : sizeof rest);

	if (n > 0 && room > 0)
		r->complaint_len += (size_t)n;
	else if (n == 0 || (n == -1 && errno != EINTR))
		close_fd(&r->err);
}

/* Whether the time is up, or it is told to stop. */
static bool
is_over(uint64_t until_ms, const atomic_bool *stop)
{
	return atomic_load(stop) || clock_now_ms() >= until_ms;
}

/* Reads until all who have them have closed both. -1: there is no room, or
 * memory is short. */
static int
read_all(struct run *r, uint64_t until_ms, const atomic_bool *stop)
{
	while ((r->out != -1 || r->err != -1) && !is_over(until_ms, stop)) {
		struct pollfd fds[] = { { .fd = r->out, .events = POLLIN },
			{ .fd = r->err, .events = POLLIN } };

		if (poll(fds, 2, POLL_MS) <= 0)
			continue;
		if (fds[0].revents != 0 && take_output(r) == -1)
			return -1;
		if (fds[1].revents != 0)
			take_complaint(r);
	}
	return 0;
}

/* Waits for its end, and leaves it a zombie: until it is reaped, its group can
 * be that of nobody else. False: it does not end. */
static bool
wait_for(struct run *r, uint64_t until_ms, const atomic_bool *stop)
{
	siginfo_t info = { .si_pid = 0 };
	const int how = WEXITED | WNOHANG | WNOWAIT;

	while (waitid(P_PID, (id_t)r->pid, &info, how) == -1 ||
	    info.si_pid != r->pid) {
		if (is_over(until_ms, stop))
			return false;
		poll(NULL, 0, END_POLL_MS);
	}
	return true;
}

/* Kills what is left of the group, and the program where it has left that, and
 * reaps it. False: it stays, as it runs with the rights of another user, or in
 * a call that cannot be interrupted. */
static bool
end_group(struct run *r, const atomic_bool *stop, int *status)
{
	const uint64_t begun_ms = clock_now_ms();
	bool is_killed;

	kill(-r->pid, SIGKILL);
	is_killed = kill(r->pid, SIGKILL) == 0;
	forget(r);
	while (waitpid(r->pid, status, WNOHANG) == 0) {
		const uint64_t limit_ms =
		    atomic_load(stop) ? STOPPED_MS : KILLED_MS;

		if (!is_killed || clock_now_ms() - begun_ms >= limit_ms)
			return false;
		poll(NULL, 0, END_POLL_MS);
	}
	return true;
}

/* The first line that it said on standard error, as ": LINE"; or "". */
static void
put_complaint(struct run *r, char *out, size_t cap)
{
	struct slice line, rest;
	struct writer w = writer_of(out, cap - 1);

	slice_cut(slice_trim(slice_of(r->complaint, r->complaint_len)), '\n',
	    &line, &rest);
	if (line.n > 0)
		writer_printf(&w, ": ");
	quote_put(&w, slice_trim(line));
	out[w.n] = '\0';
}

static enum verify_program_end
judge(struct run *r, const char *name, int status, struct fail *why)
{
	char said[COMPLAINT_MAX * QUOTE_PUT_GROWTH + 4];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return VERIFY_PROGRAM_DONE;
	put_complaint(r, said, sizeof said);
	if (WIFEXITED(status))
		fail_set(why, "%s ended with status %d%s", name,
		    WEXITSTATUS(status), said);
	else
		fail_set(why, "%s was ended by signal %d%s", name,
		    WTERMSIG(status), said);
	return VERIFY_PROGRAM_FAILED;
}

/* Its output does not fit, or memory for it is short. */
static enum verify_program_end
judge_flood(const struct run *r, const char *name, struct fail *why)
{
	if (buf_len(r->text) + CHUNK <= r->text->max) {
		fail_set(why, "out of memory");
		return VERIFY_PROGRAM_SHORT;
	}
	fail_set(why,
	    "%s printed more than a node list may have, and was "
	    "killed",
	    name);
	return VERIFY_PROGRAM_FAILED;
}

/* It has been killed, or what it started, as the time was up or it was told to
 * stop. What it had complained of by then may say why. */
static enum verify_program_end
judge_killed(struct run *r, const char *name, bool ended, uint64_t timeout_ms,
    struct fail *why)
{
	char said[COMPLAINT_MAX * QUOTE_PUT_GROWTH + 4];

	put_complaint(r, said, sizeof said);
	fail_set(why, "%s %s within %llu ms, and was killed%s", name,
	    ended ? "left a program that did not close its output"
		  : "did not end",
	    (unsigned long long)timeout_ms, said);
	return VERIFY_PROGRAM_FAILED;
}

/* It has not ended, and goes on. */
static enum verify_program_end
judge_left(const char *name, uint64_t timeout_ms, struct fail *why)
{
	fail_set(why,
	    "%s did not end within %llu ms, and cannot be killed; it is not "
	    "run again before it has ended",
	    name, (unsigned long long)timeout_ms);
	return VERIFY_PROGRAM_FAILED;
}

static enum verify_program_end
follow(struct run *r, struct verify_program *p, uint64_t timeout_ms,
    const atomic_bool *stop, struct fail *why)
{
	const char *name = p->words[0];
	const uint64_t until_ms = clock_now_ms() + timeout_ms;
	const bool fits = read_all(r, until_ms, stop) == 0;
	const bool ended = fits && wait_for(r, until_ms, stop);
	int status = 0;

	if (!end_group(r, stop, &status)) {
		p->left = r->pid;
		return atomic_load(stop) ? VERIFY_PROGRAM_STOPPED
					 : judge_left(name, timeout_ms, why);
	}
	if (!fits)
		return judge_flood(r, name, why);
	if (ended && r->out == -1)
		return judge(r, name, status, why);
	if (atomic_load(stop))
		return VERIFY_PROGRAM_STOPPED;
	return judge_killed(r, name, ended, timeout_ms, why);
}

/* Whether the run before has not ended: there is one at a time. */
static bool
still_runs(struct verify_program *p)
{
	if (p->left != 0 && waitpid(p->left, NULL, WNOHANG) == 0)
		return true;
	p->left = 0;
	return false;
}

enum verify_program_end
verify_program_run(struct verify_program *p, uint64_t timeout_ms,
    const atomic_bool *stop, struct buf *out, struct fail *why)
{
	struct run r = { .out = -1, .err = -1, .text = out };
	enum verify_program_end end;

	if (still_runs(p))
		return judge_left(p->words[0], timeout_ms, why);
	if (start(&r, p) == -1) {
		end = is_shortage(errno) ? VERIFY_PROGRAM_SHORT
					 : VERIFY_PROGRAM_FAILED;
		fail_errno(why, "cannot run %s", p->words[0]);
		return end;
	}
	end = follow(&r, p, timeout_ms, stop, why);
	close_fd(&r.out);
	close_fd(&r.err);
	return end;
}
