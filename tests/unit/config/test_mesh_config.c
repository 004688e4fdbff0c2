/* mesh_config: the mesh key and the relays that -mesh-with names. */
#include "check.h"

#include "mesh_config.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5E"

static const char *variable; /* TAILSCALE_DERPER_MESH_KEY */

static char *
env(const char *name)
{
	if (strcmp(name, "TAILSCALE_DERPER_MESH_KEY") != 0)
		return NULL;
	return (char *)(uintptr_t)variable;
}

static size_t
targets_of(const char *text, struct mesh_target t[static MESH_LINKS_MAX])
{
	struct fail why = { 0 };
	size_t count;

	check_int(mesh_config_read_targets(text, t, &count, &why), 0);
	check_text(why.text, "");
	return count;
}

static void
refused(const char *text, const char *want)
{
	struct mesh_target t[MESH_LINKS_MAX];
	struct fail why = { 0 };
	size_t count;

	check_int(mesh_config_read_targets(text, t, &count, &why), -1);
	check_contains(why.text, want);
}

static void
mesh_config_reads_targets(void **state)
{
	struct mesh_target t[MESH_LINKS_MAX];

	(void)state;
	check_size(targets_of("", t), 0);
	check_size(targets_of("a.example,b.example:8443/10.0.0.2", t), 2);
	check_text(t[0].host, "a.example");
	check_text(t[0].name, "a.example");
	check_text(t[0].dial, "a.example");
	check_int(t[0].port, 443);
	check_text(t[1].host, "b.example:8443");
	check_text(t[1].name, "b.example");
	check_text(t[1].dial, "10.0.0.2");
	check_int(t[1].port, 8443);
	check_size(targets_of("[2001:db8::1]:444,[2001:db8::2]", t), 2);
	check_text(t[0].name, "2001:db8::1");
	check_int(t[0].port, 444);
	check_text(t[1].dial, "2001:db8::2");
	check_int(t[1].port, 443);
}

/* As upstream, nothing is trimmed, and nothing is left out in silence. */
static void
mesh_config_refuses_bad_targets(void **state)
{
	char many[MESH_LINKS_MAX * 4 + 8] = "aaa";

	(void)state;
	refused("a/b/c", "too many slashes in \"a/b/c\"");
	refused("a,", "a host is empty");
	refused(",a", "a host is empty");
	refused("a/", "a dial host is empty");
	refused("/b", "a host is empty");
	refused("a, b", "\" b\" has a blank");
	refused("a/b\t", "has a blank or a control character");
	refused("a:0", "the port is not a number from 1 to 65535");
	refused("a:http", "the port is not a number");
	refused("a:", "the port is not a number");
	refused("[::1", "no \"]\"");
	refused("[::1]443", "the port is not a number");
	for (unsigned i = 0; i < MESH_LINKS_MAX; i++)
		snprintf(many + 3 + 4 * i, 5, ",%03u", i);
	refused(many, "more than 64 relays");
}

static void
mesh_config_refuses_a_relay_that_is_named_twice(void **state)
{
	struct mesh_target t[MESH_LINKS_MAX];

	(void)state;
	refused(
	    "a,b,a", "a (at a, port 443) is named twice; name each relay once");
	refused("a,A:443", "A:443 (at A, port 443) is named twice");
	refused("a/10.0.0.2,a/10.0.0.2", "a (at 10.0.0.2, port 443) is named");
	refused("[::1]:5,[::1]:5", "[::1]:5 (at ::1, port 5) is named twice");
	/* one name for several relays, or several names at one address */
	check_size(targets_of("a/10.0.0.2,a/10.0.0.3", t), 2);
	check_size(targets_of("a,a:444", t), 2);
	check_size(targets_of("a/10.0.0.2,b/10.0.0.2", t), 2);
}

static int
read_key(const struct config *c, struct relay_mesh_key *key, struct fail *why)
{
	*why = (struct fail){ 0 };
	return mesh_config_read_key(c, env, key, why);
}

/* A key of a file with these bytes. */
static int
read_text(const char *text, const char *with, struct relay_mesh_key *key,
    struct fail *why)
{
	char path[] = "/tmp/derpkit-mesh-XXXXXX";
	struct config c = { .mesh_psk_file = path, .mesh_with = with };
	int rc, fd = mkstemp(path);

	check(fd != -1);
	check_int(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	rc = read_key(&c, key, why);
	unlink(path);
	return rc;
}

static void
mesh_config_reads_the_key(void **state)
{
	struct relay_mesh_key key;
	struct fail why;

	(void)state;
	check_int(read_text(" " KEY "\r\n", "a", &key, &why), 0);
	check(key.is_set);
	for (size_t i = 0; i < sizeof key.b; i++)
		check_int(key.b[i], 0x5e);
	/* an empty file holds no key, and blanks are a bad one, as upstream */
	check_int(read_text("", "", &key, &why), 0);
	check(!key.is_set);
	check_int(read_text("\n", "", &key, &why), -1);
	check_contains(why.text, "invalid mesh key: /tmp/derpkit-mesh-");
	check_int(read_text("badf00d", "", &key, &why), -1);
	check_contains(why.text, "invalid mesh key");
	check_int(read_text(KEY "00", "", &key, &why), -1);
	check_int(read_text("", "a", &key, &why), -1);
	check_contains(why.text, "--mesh-with requires --mesh-psk-file");
}

/* A FIFO that nobody writes to reads as an empty file. */
static void
mesh_config_refuses_what_is_not_a_file(void **state)
{
	char folder[] = "/tmp/derpkit-mesh-XXXXXX", path[64];
	struct config c = { .mesh_psk_file = path, .mesh_with = "" };
	struct relay_mesh_key key;
	struct fail why;

	(void)state;
	check_ptr(mkdtemp(folder), folder);
	snprintf(path, sizeof path, "%s/fifo", folder);
	check_int(mkfifo(path, 0600), 0);
	check_int(read_key(&c, &key, &why), -1);
	check_contains(why.text, "fifo: not a regular file");
	unlink(path);
	c.mesh_psk_file = folder;
	check_int(read_key(&c, &key, &why), -1);
	check_contains(why.text, ": not a regular file");
	rmdir(folder);
}

static void
mesh_config_reads_the_variable_with_dev(void **state)
{
	struct config c = {
		.dev = true, .mesh_psk_file = "/is-not-read", .mesh_with = ""
	};
	struct relay_mesh_key key;
	struct fail why;

	(void)state;
	variable = NULL;
	check_int(read_key(&c, &key, &why), 0);
	check(!key.is_set);
	variable = KEY;
	check_int(read_key(&c, &key, &why), 0);
	check(key.is_set);
	c.dev = false;
	check_int(read_key(&c, &key, &why), -1);
	check_contains(why.text, "unable to get key: /is-not-read");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mesh_config_reads_targets),
		cmocka_unit_test(mesh_config_refuses_bad_targets),
		cmocka_unit_test(
		    mesh_config_refuses_a_relay_that_is_named_twice),
		cmocka_unit_test(mesh_config_refuses_what_is_not_a_file),
		cmocka_unit_test(mesh_config_reads_the_key),
		cmocka_unit_test(mesh_config_reads_the_variable_with_dev),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
