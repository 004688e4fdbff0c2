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

/* One of the kernel's tables. NULL: it has none of these. */
static FILE *
open_table(bool is_udp, bool is_v6)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/net/%s%s", is_udp ? "udp" : "tcp",
	    is_v6 ? "6" : "");
	return fopen(path, "re");
}

/* An address in it: words of 32 bits, each as a number of this machine. */
static void
read_address(struct netaddr *a, const char *text, bool is_v6, uint16_t port)
{
	static const uint8_t any[16];
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
	uint8_t *to = is_v6 ? ip : ip + 12;
	unsigned word;

	for (; to < ip + sizeof ip && sscanf(text, "%8x", &word) == 1;
	     to += sizeof word, text += 8)
		memcpy(to, &word, sizeof word);
	netaddr_from_ip16(a, ip, port);
	if (memcmp(ip, any, sizeof any) == 0)
		a->is_set = false;
}

struct entry {
	char address[33]; /* in hexadecimal */
	unsigned port;
	unsigned long inode;
};

/* The next socket in it that takes what comes to its port. */
static bool
next_socket(FILE *f, bool is_udp, struct entry *e)
{
	char line[512];
	unsigned state;

	/* the line of titles does not fit the form */
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line,
			" %*[0-9]: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x "
			"%*s %*s %*s %*s %*s %lu",
			e->address, &e->port, &state, &e->inode) == 4 &&
		    (is_udp || state == TCP_LISTEN))
			return true;
	return false;
}

/* Adds the sockets of the port in one of the kernel's tables. */
static void
read_table(struct inodes *inodes, bool is_udp, bool is_v6, uint16_t port)
{
	FILE *f = open_table(is_udp, is_v6);
	struct entry e;

	while (next_socket(f, is_udp, &e))
		if (e.port == port && inodes->n < INODES_MAX)
			inodes->v[inodes->n++] = e.inode;
	if (f != NULL)
		fclose(f);
}

/* The number of the socket that a descriptor is; 0: it is none. */
static unsigned long
inode_of(const char *path)
{
	unsigned long inode;
	char link[64];
	const ssize_t n = readlink(path, link, sizeof link - 1);

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

static bool
has_inode(const struct inodes *inodes, unsigned long inode)
{
	for (size_t i = 0; i < inodes->n; i++)
		if (inodes->v[i] == inode)
			return true;
	return false;
}

/* Whether a descriptor of the process is one of the sockets. */
static bool
process_has(const char *pid, const struct inodes *inodes)
{
	char folder[64], path[64 + 256];
	const struct dirent *entry;
	bool found = false;
	DIR *d;

	snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
	d = opendir(folder);
	while (d != NULL && !found && (entry = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		found = has_inode(inodes, inode_of(path));
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
	read_table(&inodes, is_udp, false, port);
	read_table(&inodes, is_udp, true, port);
	o->is_taken = inodes.n > 0;
	snprintf(text, sizeof text, "%d", (int)first);
	if (o->is_taken && first != 0 && process_has(text, &inodes)) {
		o->pid = first;
		read_name(o);
	} else if (o->is_taken) {
		find_process(o, &inodes);
	}
}

bool
port_owner_address(pid_t pid, int fd, bool is_udp, struct netaddr *address)
{
	unsigned long wanted;
	bool found = false;
	struct entry e;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
	wanted = inode_of(path);
	for (int v6 = 0; v6 < 2 && wanted != 0 && !found; v6++) {
		FILE *f = open_table(is_udp, v6 != 0);

		while (!found && next_socket(f, is_udp, &e))
			found = e.inode == wanted;
		if (found)
			read_address(
			    address, e.address, v6 != 0, (uint16_t)e.port);
		if (f != NULL)
			fclose(f);
	}
	return found;
}
