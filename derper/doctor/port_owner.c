/* port_owner: see port_owner.h. */
#include "port_owner.h"

#include "bytes.h"
#include "num.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INODES_MAX 256 /* sockets of one port: a relay has one per worker */
#define TCP_LISTEN 0x0a

struct inodes {
	unsigned long v[INODES_MAX];
	size_t n;
};

/* Adds the sockets of the port in one of the kernel's tables. */
static void
read_table(struct inodes *inodes, const char *table, bool is_udp, uint16_t port)
{
	char path[64], line[512];
	unsigned local_port, state;
	unsigned long inode;
	FILE *f;

	snprintf(path, sizeof path, "/proc/net/%s", table);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	/* the line of titles does not fit the form */
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line,
			" %*[0-9]: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x "
			"%*s %*s %*s %*s %*s %lu",
			&local_port, &state, &inode) == 3 &&
		    local_port == port && (is_udp || state == TCP_LISTEN) &&
		    inodes->n < INODES_MAX)
			inodes->v[inodes->n++] = inode;
	fclose(f);
}

static bool
has_inode(const struct inodes *inodes, const char *link)
{
	unsigned long inode;

	if (sscanf(link, "socket:[%lu]", &inode) != 1)
		return false;
	for (size_t i = 0; i < inodes->n; i++)
		if (inodes->v[i] == inode)
			return true;
	return false;
}

/* Whether a descriptor of the process is one of the sockets. */
static bool
process_has(const char *pid, const struct inodes *inodes)
{
	char folder[64], path[64 + 256], link[64];
	const struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *d;

	snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
	d = opendir(folder);
	while (d != NULL && !found && (entry = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		n = readlink(path, link, sizeof link - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		found = has_inode(inodes, link);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

static void
read_name(struct port_owner *o)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)o->pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(o->name, sizeof o->name, f) == NULL)
		o->name[0] = '\0';
	o->name[strcspn(o->name, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

static void
find_process(struct port_owner *o, const struct inodes *inodes)
{
	const struct dirent *entry;
	DIR *d = opendir("/proc");
	uint64_t pid;

	while (d != NULL && (entry = readdir(d)) != NULL)
		if (num_parse_decimal(
			slice_str(entry->d_name), INT32_MAX, &pid) == 0 &&
		    process_has(entry->d_name, inodes)) {
			o->pid = (pid_t)pid;
			read_name(o);
			break;
		}
	if (d != NULL)
		closedir(d);
}

void
port_owner_find(struct port_owner *o, bool is_udp, uint16_t port, pid_t first)
{
	struct inodes inodes = { .n = 0 };
	char text[16];

	*o = (struct port_owner){ .pid = 0 };
	read_table(&inodes, is_udp ? "udp" : "tcp", is_udp, port);
	read_table(&inodes, is_udp ? "udp6" : "tcp6", is_udp, port);
	o->is_taken = inodes.n > 0;
	snprintf(text, sizeof text, "%d", (int)first);
	if (o->is_taken && first != 0 && process_has(text, &inodes)) {
		o->pid = first;
		read_name(o);
	} else if (o->is_taken) {
		find_process(o, &inodes);
	}
}
