/* fetch_short: see fetch_short.h. */
#include "fetch_short.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Allocations of libcurl that failed; resolving does some on a thread of its
 * own. */
static atomic_ulong failed;

static void *
counted(void *p)
{
	if (p == NULL)
		atomic_fetch_add(&failed, 1);
	return p;
}

static void *
counted_malloc(size_t n)
{
	return counted(malloc(n));
}

static void *
counted_realloc(void *p, size_t n)
{
	return counted(realloc(p, n));
}

static void *
counted_calloc(size_t count, size_t size)
{
	return counted(calloc(count, size));
}

static char *
counted_strdup(const char *text)
{
	const size_t n = strlen(text) + 1;
	char *copy = counted_malloc(n);

	return copy != NULL ? memcpy(copy, text, n) : NULL;
}

int
fetch_short_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, counted_malloc, free,
		   counted_realloc, counted_strdup, counted_calloc) == CURLE_OK
	    ? 0
	    : -1;
}

static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch_short *s = ctx;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);

	(void)purpose;
	s->tried[s->tried_count++ % FETCH_SHORT_TRIED] = *address;
	s->socket_error = fd == -1 ? errno : 0;
	return fd == -1 ? CURL_SOCKET_BAD : fd;
}

void
fetch_short_begin(struct fetch_short *s, CURL *curl)
{
	*s = (struct fetch_short){ .curl = curl,
		.allocations = atomic_load(&failed) };
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, s);
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM || error == EAGAIN;
}

/* Why a descriptor is not to be had now; 0: one is. */
static int
try_descriptor(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static void *
end_at_once(void *arg)
{
	return arg;
}

/* Why a thread, on which libcurl resolves names, is not to be had now; 0: one
 * is. */
static int
try_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, end_at_once, NULL);

	if (error == 0)
		pthread_join(thread, NULL);
	return error;
}

/* What connect() says at once to a socket of that type. */
static int
try_connect(const struct curl_sockaddr *to, int type)
{
	int fd = socket(to->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd == -1)
		return errno;
	if (connect(fd, &to->addr, to->addrlen) == -1)
		error = errno;
	close(fd);
	return error;
}

/* Whether the ports are used up from which one could connect to an address. The
 * same error comes of an address family that this host does not have, but then
 * for datagrams too, which have ports of their own. */
static bool
lacks_port(const struct fetch_short *s, long os_error)
{
	const unsigned n = s->tried_count < FETCH_SHORT_TRIED
	    ? s->tried_count
	    : FETCH_SHORT_TRIED;

	for (unsigned i = 0; i < n; i++) {
		const struct curl_sockaddr *to = &s->tried[i];

		if (to->family != AF_INET && to->family != AF_INET6)
			continue;
		if (os_error != EADDRNOTAVAIL &&
		    try_connect(to, SOCK_STREAM) != EADDRNOTAVAIL)
			continue;
		if (try_connect(to, SOCK_DGRAM) != EADDRNOTAVAIL)
			return true;
	}
	return false;
}

static bool
never_connected(const struct fetch_short *s, CURLcode code)
{
	curl_off_t connect_us = 0;

	curl_easy_getinfo(s->curl, CURLINFO_CONNECT_TIME_T, &connect_us);
	return code == CURLE_COULDNT_CONNECT ||
	    (code == CURLE_OPERATION_TIMEDOUT && connect_us == 0);
}

/* A resolver that may not read its own files (a sandbox) knows no name; the
 * same error comes of it as of a name that nobody has. */
static int
try_resolver_files(void)
{
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts" };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		int fd = open(files[i], O_RDONLY | O_CLOEXEC);

		if (fd == -1 && (errno == EACCES || errno == EPERM))
			return errno;
		if (fd != -1)
			close(fd);
	}
	return 0;
}

/* The errno of what is short; 0: nothing is. */
static int
find_shortage(const struct fetch_short *s, CURLcode code)
{
	long os_error = 0;
	int error;

	curl_easy_getinfo(s->curl, CURLINFO_OS_ERRNO, &os_error);
	if (is_shortage(s->socket_error))
		return s->socket_error;
	if (code == CURLE_COULDNT_CONNECT && is_shortage((int)os_error))
		return (int)os_error;
	if (never_connected(s, code) && lacks_port(s, os_error))
		return EADDRNOTAVAIL;
	/* resolving a name takes descriptors and a thread, of which nothing is
	 * told but that there is no such host */
	error = try_descriptor();
	if (error == 0 &&
	    (code == CURLE_COULDNT_RESOLVE_HOST ||
		code == CURLE_COULDNT_RESOLVE_PROXY))
		error = try_thread();
	if (is_shortage(error))
		return error;
	return code == CURLE_COULDNT_RESOLVE_HOST ||
		code == CURLE_COULDNT_RESOLVE_PROXY
	    ? try_resolver_files()
	    : 0;
}

static const char *
describe(int error)
{
	switch (error) {
	case EADDRNOTAVAIL:
		return "no free local port";
	case EAGAIN:
		return "cannot start a thread or connect";
	case EACCES:
	case EPERM:
		return "cannot read the resolver's files in /etc";
	default:
		return "cannot open a socket";
	}
}

bool
fetch_short_seen(const struct fetch_short *s, CURLcode code, struct fail *why)
{
	int error;

	if (atomic_load(&failed) != s->allocations) {
		fail_set(why, "out of memory");
		return true;
	}
	error = find_shortage(s, code);
	if (error == 0)
		return false;
	errno = error;
	fail_errno(why, "%s", describe(error));
	return true;
}
