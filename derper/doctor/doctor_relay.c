/* doctor_relay: see doctor_relay.h. */
#include "doctor_relay.h"

#include "control_client.h"
#include "infile.h"
#include "num.h"
#include "port_owner.h"
#include "sd_listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)
#define VARIABLE_MAX 256 /* bytes of a name */

/* Whether its network is not ours, whose ports and rules we see. False, too,
 * when that is hidden from us. */
static bool
has_other_network(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	return stat(path, &theirs) == 0 &&
	    stat("/proc/self/ns/net", &ours) == 0 &&
	    (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino);
}

int
doctor_relay_find(
    struct doctor_relay *r, const char *socket_path, struct fail *why)
{
	const int fd = control_client_connect(socket_path);
	pid_t pid = 0;

	if (fd == -1) {
		r->error = errno;
		return fail_errno(why, "%s", socket_path);
	}
	if (doctor_rights_ask_peer(fd, &r->user, &pid) == -1) {
		r->error = errno;
		fail_errno(why, "%s", socket_path);
		close(fd);
		return -1;
	}
	if (pid == 0)
		fail_set(why,
		    "%s: its relay is in another PID namespace, as that of a "
		    "container: run this there (docker exec, kubectl exec)",
		    socket_path);
	else if (has_other_network(pid)) {
		fail_set(why,
		    "%s: its relay (process %d) is in another network "
		    "namespace, as that of a container: run this there "
		    "(docker exec, kubectl exec, nsenter -n -t %d)",
		    socket_path, (int)pid, (int)pid);
		pid = 0;
	}
	close(fd);
	r->is_elsewhere = pid == 0;
	r->pid = pid;
	return pid != 0 ? 0 : -1;
}

/* The next text of a list whose texts end with NUL; NULL after the last. */
static char *
next_text(struct buf *list, size_t *at)
{
	char *text = (char *)list->p + list->start + *at;

	if (*at >= buf_len(list))
		return NULL;
	*at += strlen(text) + 1;
	return text;
}

static int
read_list(struct buf *list, pid_t pid, const char *file, struct fail *why)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	if (infile_read(list, path, TEXT_MAX, why) == -1)
		return -1;
	/* so that the last text surely ends */
	return buf_append(list, "", 1) == 0 ? 0
					    : fail_set(why, "out of memory");
}

/* Variables that relays read: by name, and by how names begin or end. Whoever
 * took a relay over can write what he likes over its variables: PATH,
 * LD_PRELOAD and what else libraries read are not for us. The endings are of
 * secrets, whose variables the configuration names (key-variable=). */
static bool
is_read(struct slice name)
{
	static const char *const names[] = { "HOME", "XDG_CACHE_HOME",
		"RUNTIME_DIRECTORY", "REQUEST_METHOD" };
	static const char *const begins[] = { "DERP_", "TS_", "SSL_CERT_",
		"TAILSCALE_DERPER_" };
	static const char *const ends[] = { "_PROXY", "_KEY", "_TOKEN",
		"_SECRET" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_is(name, names[i]))
			return true;
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
		if (slice_starts(name, begins[i]))
			return true;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (slice_ends_nocase(name, ends[i]))
			return true;
	return false;
}

/* Removes the variables of ours that relays read. */
static void
remove_variables(void)
{
	struct slice name, value;
	size_t i = 0;

	while (environ[i] != NULL) {
		char text[VARIABLE_MAX];

		slice_cut(slice_str(environ[i]), '=', &name, &value);
		snprintf(text, sizeof text, "%.*s", (int)name.n,
		    (const char *)name.p);
		if (!is_read(name) || name.n >= sizeof text ||
		    unsetenv(text) == -1)
			i++; /* else the next one is there now */
	}
}

/* What the variables of socket activation say: sd_listen_fds(3). */
struct given {
	pid_t pid;
	uint64_t count;
	struct slice names; /* with : between them */
};

static void
read_given(struct given *g, struct slice name, struct slice value)
{
	uint64_t n = 0;

	if (slice_is(name, "LISTEN_PID") &&
	    num_parse_decimal(value, INT32_MAX, &n) == 0)
		g->pid = (pid_t)n;
	else if (slice_is(name, "LISTEN_FDS") &&
	    num_parse_decimal(value, SD_LISTEN_MAX, &n) == 0)
		g->count = n;
	else if (slice_is(name, "LISTEN_FDNAMES"))
		g->names = value;
}

/* Of several of one name, the first: the relay is there, too. */
static void
take_port(struct doctor_relay *r, struct slice name, int fd)
{
	struct netaddr *to = slice_is(name, "https") ? &r->given_https
	    : slice_is(name, "http")                 ? &r->given_http
	    : slice_is(name, "stun")                 ? &r->given_stun
						     : NULL;

	if (to != NULL && to->port == 0)
		(void)port_owner_address(r->pid, fd, to == &r->given_stun, to);
}

/* The number that a process has for itself: another one than for us when it is
 * in a PID namespace of its own, as in a container. */
static pid_t
own_number(pid_t pid)
{
	char path[64], line[512];
	const char *last;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		last = strrchr(line, '\t');
		if (strncmp(line, "NSpid:", 6) == 0 && last != NULL)
			pid = (pid_t)strtol(last + 1, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	return pid;
}

static void
take_ports(struct doctor_relay *r, const struct given *g)
{
	struct slice rest = g->names, one;

	if (g->count == 0 || g->pid != own_number(r->pid))
		return;
	for (uint64_t i = 0; i < g->count; i++) {
		slice_cut(rest, ':', &one, &rest);
		take_port(r, one, SD_LISTEN_FIRST + (int)i);
	}
}

/* Of these, only what it was started with counts. */
static void
take_variables(struct doctor_relay *r)
{
	struct given given = { .pid = 0 };
	struct buf list;
	size_t at = 0;
	char *text, *equals;

	buf_init(&r->left, TEXT_MAX);
	r->has_variables = read_list(&list, r->pid, "environ", NULL) == 0;
	if (r->has_variables)
		remove_variables();
	while (r->has_variables && (text = next_text(&list, &at)) != NULL) {
		equals = strchr(text, '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		read_given(&given, slice_str(text), slice_str(equals + 1));
		if (is_read(slice_str(text)))
			(void)setenv(text, equals + 1, 1);
		else
			(void)buf_append(&r->left, text, strlen(text) + 1);
	}
	take_ports(r, &given);
	buf_clear(&list);
}

int
doctor_relay_read(struct doctor_relay *r, struct fail *why)
{
	size_t at = 0;
	char *text;

	if (read_list(&r->text, r->pid, "cmdline", why) == -1)
		return -1;
	while ((text = next_text(&r->text, &at)) != NULL &&
	    at < buf_len(&r->text)) {
		if (r->word_count == DOCTOR_RELAY_WORDS_MAX)
			return fail_set(why, "it has too many arguments");
		r->words[r->word_count++] = text;
	}
	if (r->word_count == 0)
		return fail_set(why, "process %d has ended", (int)r->pid);
	take_variables(r);
	return 0;
}

bool
doctor_relay_left(const struct doctor_relay *r, const char *name)
{
	struct slice rest = buf_slice(&r->left), one;

	while (rest.n > 0) {
		slice_cut(rest, '\0', &one, &rest);
		if (slice_is(one, name))
			return true;
	}
	return false;
}

void
doctor_relay_clear(struct doctor_relay *r)
{
	buf_clear(&r->text);
	buf_clear(&r->left);
}
