/* mesh_config: see mesh_config.h. */
#include "mesh_config.h"

#include "keyfile.h"
#include "log.h"
#include "num.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_VARIABLE "TAILSCALE_DERPER_MESH_KEY"

/* More than slice_trim takes for blank: what Go's TrimSpace does in ASCII. */
static struct slice
trimmed(struct slice text)
{
	static const char blanks[] = " \t\r\n\v\f";

	while (text.n > 0 && strchr(blanks, text.p[0]) != NULL &&
	    text.p[0] != '\0')
		text = slice_of(text.p + 1, text.n - 1);
	while (text.n > 0 && strchr(blanks, text.p[text.n - 1]) != NULL &&
	    text.p[text.n - 1] != '\0')
		text.n--;
	return text;
}

/* A text that is empty says that there is no key. */
static int
parse_key(struct slice text, const char *from, struct relay_mesh_key *key,
    struct fail *why)
{
	if (text.n > 0 && derp_mesh_key_parse(key->b, trimmed(text)) == -1)
		return fail_set(why,
		    "invalid mesh key: %s is not 64 hex digits "
		    "(openssl rand -hex 32 makes one)",
		    from);
	key->is_set = !sodium_is_zero(key->b, sizeof key->b);
	if (!key->is_set)
		log_warn(
		    "%s %s, which is the same as no mesh key: other relays "
		    "of the region cannot connect to this one (openssl "
		    "rand -hex 32 makes a key)",
		    from, text.n == 0 ? "is empty" : "is zero");
	return 0;
}

/* The descriptor of a regular file; a FIFO that nobody writes to would read as
 * an empty file. */
static int
open_file(const char *path, struct fail *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd == -1)
		return fail_errno(why, "unable to get key: %s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return fail_set(why,
	    "unable to get key: %s: not a regular file; write the key to a "
	    "file that only the relay can read",
	    path);
}

static int
read_file(const char *path, struct relay_mesh_key *key, struct fail *why)
{
	uint8_t text[MESH_CONFIG_FILE_MAX];
	size_t n = 0;
	ssize_t got;
	int rc, fd = open_file(path, why);

	if (fd == -1)
		return -1;
	while ((got = read(fd, text + n, sizeof text - n)) > 0)
		n += (size_t)got;
	if (got == -1)
		rc = fail_errno(why, "unable to get key: %s", path);
	else
		rc = parse_key(slice_of(text, n), path, key, why);
	close(fd);
	sodium_memzero(text, sizeof text);
	if (key->is_set)
		log_info("Got mesh key from static file");
	return rc;
}

static int
read_variable(char *(*env)(const char *name), struct relay_mesh_key *key,
    struct fail *why)
{
	const char *text = env(KEY_VARIABLE);

	if (text == NULL || text[0] == '\0')
		return 0;
	log_info("Set mesh key from " KEY_VARIABLE);
	return parse_key(slice_str(text), KEY_VARIABLE, key, why);
}

int
mesh_config_read_key(const struct config *config,
    char *(*env)(const char *name), struct relay_mesh_key *key,
    struct fail *why)
{
	const char *path = config->mesh_psk_file;

	*key = (struct relay_mesh_key){ .is_set = false };
	if (config->dev) {
		if (path[0] != '\0')
			log_warn("-dev: %s is not read; the mesh key is that "
				 "of " KEY_VARIABLE " alone",
			    path);
		if (read_variable(env, key, why) == -1)
			return -1;
	} else if (path[0] != '\0') {
		if (read_file(path, key, why) == -1)
			return -1;
		keyfile_warn_readable(path);
	}
	if (key->is_set)
		log_info("DERP mesh key configured");
	else if (config->mesh_with[0] != '\0')
		return fail_set(why,
		    "startMesh: --mesh-with requires --mesh-psk-file%s",
		    config->dev ? " or, with -dev, " KEY_VARIABLE : "");
	return 0;
}

static int
copy_text(
    char *to, size_t cap, struct slice text, const char *what, struct fail *why)
{
	if (text.n == 0 || text.n >= cap ||
	    memchr(text.p, '\0', text.n) != NULL)
		return fail_set(
		    why, "-mesh-with: %s is empty or too long", what);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] == 0x7f)
			return fail_set(why,
			    "-mesh-with: \"%.*s\" has a blank or a control "
			    "character; entries are separated by commas alone",
			    (int)text.n, (const char *)text.p);
	memcpy(to, text.p, text.n);
	to[text.n] = '\0';
	return 0;
}

/* "name", "name:port", "[ip6]" or "[ip6]:port". */
static int
parse_host(struct slice host, struct mesh_target *t, struct fail *why)
{
	struct slice name = host, port = slice_of(NULL, 0);
	const uint8_t *end;
	int64_t n = 443;

	if (host.n > 0 && host.p[0] == '[') {
		end = memchr(host.p, ']', host.n);
		if (end == NULL)
			return fail_set(
			    why, "-mesh-with: %s: no \"]\"", t->host);
		name = slice_of(host.p + 1, (size_t)(end - host.p) - 1);
		port = slice_of(end + 1, host.n - name.n - 2);
	} else if ((end = memchr(host.p, ':', host.n)) != NULL) {
		name = slice_of(host.p, (size_t)(end - host.p));
		port = slice_of(end, host.n - name.n);
	}
	if (port.n > 0 &&
	    (port.p[0] != ':' ||
		num_parse_int(slice_of(port.p + 1, port.n - 1), 1, 65535, &n) ==
		    -1))
		return fail_set(why,
		    "-mesh-with: %s: the port is not a number from 1 to 65535",
		    t->host);
	t->port = (uint16_t)n;
	return copy_text(t->name, sizeof t->name, name, "a host", why);
}

static int
parse_target(struct slice entry, struct mesh_target *t, struct fail *why)
{
	struct slice host, dial;

	*t = (struct mesh_target){ .port = 443 };
	slice_cut(entry, '/', &host, &dial);
	if (memchr(dial.p != NULL ? dial.p : (const uint8_t *)"", '/',
		dial.n) != NULL)
		return fail_set(why,
		    "-mesh-with: too many slashes in \"%.*s\"; an entry is "
		    "HOST or HOST/DIALHOST",
		    (int)entry.n, (const char *)entry.p);
	if (copy_text(t->host, sizeof t->host, host, "a host", why) == -1 ||
	    parse_host(host, t, why) == -1)
		return -1;
	if (host.n == entry.n)
		dial = slice_str(t->name);
	return copy_text(t->dial, sizeof t->dial, dial, "a dial host", why);
}

/* Two links to one relay would each keep all of its keys, and packets would go
 * over one of them. */
static int
refuse_duplicate(
    const struct mesh_target *targets, size_t count, struct fail *why)
{
	const struct mesh_target *last = &targets[count];

	for (const struct mesh_target *t = targets; t < last; t++) {
		if (t->port != last->port ||
		    strcasecmp(t->dial, last->dial) != 0)
			continue;
		if (strcasecmp(t->name, last->name) == 0)
			return fail_set(why,
			    "-mesh-with: %s (at %s, port %u) is named twice; "
			    "name each relay once",
			    last->host, last->dial, last->port);
		log_warn("-mesh-with: %s and %s are both at %s, port %u: if "
			 "they are one relay, name it once",
		    t->host, last->host, last->dial, last->port);
	}
	return 0;
}

int
mesh_config_read_targets(const char *text,
    struct mesh_target targets[static MESH_LINKS_MAX], size_t *count,
    struct fail *why)
{
	struct slice entry, rest = slice_str(text);
	bool more = rest.n > 0;

	*count = 0;
	while (more) {
		more = slice_cut(rest, ',', &entry, &rest);
		if (*count == MESH_LINKS_MAX)
			return fail_set(why, "-mesh-with: more than %u relays",
			    MESH_LINKS_MAX);
		if (parse_target(entry, &targets[*count], why) == -1 ||
		    refuse_duplicate(targets, *count, why) == -1)
			return -1;
		++*count;
	}
	return 0;
}
