/* debug_access: see debug_access.h. */
#include "debug_access.h"

#include "http_query.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static const char *
value_of(char *(*env)(const char *name), const char *name)
{
	const char *value = env(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int
debug_access_init(
    struct debug_access *a, char *(*env)(const char *name), struct fail *why)
{
	const char *trusted = value_of(env, "TS_DEBUG_TRUSTED_CIDRS");
	struct slice rest, part;

	*a = (struct debug_access){
		.key_file = value_of(env, "TS_DEBUG_KEY_PATH"),
		.allowed_ip = value_of(env, "TS_ALLOW_DEBUG_IP"),
	};
	if (trusted == NULL)
		return 0;
	for (rest = slice_str(trusted); rest.n > 0;) {
		slice_cut(rest, ',', &part, &rest);
		part = slice_trim(part);
		if (part.n == 0)
			continue;
		if (a->trusted_count == DEBUG_ACCESS_PREFIXES_MAX)
			return fail_set(why,
			    "TS_DEBUG_TRUSTED_CIDRS has more than %d prefixes",
			    DEBUG_ACCESS_PREFIXES_MAX);
		if (netaddr_parse_prefix(
			&a->trusted[a->trusted_count++], part) == -1)
			return fail_set(why,
			    "TS_DEBUG_TRUSTED_CIDRS: \"%.*s\" is not a prefix, "
			    "as in 10.0.0.0/8",
			    (int)(part.n < 100 ? part.n : 100),
			    (const char *)part.p);
	}
	return 0;
}

/* Whether the file holds the key, but for white space around it. */
static bool
file_holds(const char *file, struct slice key)
{
	uint8_t text[DEBUG_ACCESS_KEY_MAX];
	struct slice held;
	ssize_t n;
	bool same;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return false;
	n = read(fd, text, sizeof text);
	close(fd);
	held = slice_trim(slice_of(text, n > 0 ? (size_t)n : 0));
	same = held.n == key.n && held.n > 0 &&
	    sodium_memcmp(held.p, key.p, key.n) == 0;
	sodium_memzero(text, sizeof text);
	return same;
}

static bool
has_key(const struct debug_access *a, const struct http1_request *req)
{
	uint8_t key[DEBUG_ACCESS_KEY_MAX];
	struct writer w = writer_of(key, sizeof key);

	/* nobody else has the file read */
	return a->key_file != NULL && slice_is(req->method, "GET") &&
	    (slice_starts(req->path, "/debug/") ||
		slice_is(req->path, "/metrics")) &&
	    http_query_value(req->query, "debugkey", &w) && !w.failed &&
	    w.n > 0 && file_holds(a->key_file, writer_slice(&w));
}

/* CGNAT addresses, but for those that ChromeOS uses for itself. */
static bool
is_tailscale(const struct netaddr *peer)
{
	return (netaddr_in(peer, "100.64.0.0/10") &&
		   !netaddr_in(peer, "100.115.92.0/23")) ||
	    netaddr_in(peer, "fd7a:115c:a1e0::/48");
}

static bool
is_trusted(const struct debug_access *a, const struct netaddr *peer)
{
	char text[NETADDR_TEXT];

	if (netaddr_is_loopback(peer) || is_tailscale(peer))
		return true;
	netaddr_format_ip(peer, text);
	if (a->allowed_ip != NULL && strcmp(text, a->allowed_ip) == 0)
		return true;
	for (size_t i = 0; i < a->trusted_count; i++)
		if (netaddr_in_prefix(peer, &a->trusted[i]))
			return true;
	return false;
}

bool
debug_access_allows(const struct debug_access *a,
    const struct http1_request *req, const struct netaddr *peer)
{
	if (has_key(a, req))
		return true;
	/* the address is a proxy's then, and the header anybody's word */
	if (http1_header(req->headers, req->header_count, "X-Forwarded-For")
		.p != NULL)
		return false;
	return peer != NULL && is_trusted(a, peer);
}
