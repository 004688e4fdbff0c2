/* fetch_short: see fetch_short.h. */
#include "fetch_short.h"

#include <errno.h>
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
	s->socket_error = fd == -1 ? errno : 0;
	return fd == -1 ? CURL_SOCKET_BAD : fd;
}

void
fetch_short_begin(struct fetch_short *s, CURL *curl)
{
	*s = (struct fetch_short){ .allocations = atomic_load(&failed) };
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, s);
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM;
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

bool
fetch_short_seen(const struct fetch_short *s, struct fail *why)
{
	int error = s->socket_error;

	if (atomic_load(&failed) != s->allocations) {
		fail_set(why, "out of memory");
		return true;
	}
	/* resolving a name takes descriptors too, of which nothing is told but
	 * that there is no such host */
	if (error == 0)
		error = try_descriptor();
	if (!is_shortage(error))
		return false;
	errno = error;
	fail_errno(why, "cannot open a socket");
	return true;
}
