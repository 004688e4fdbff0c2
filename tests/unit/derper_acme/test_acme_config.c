/* acme_config: which flags go together, and what follows from them. */
#include "acme_config.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct acme_config
blank(void)
{
	return (struct acme_config){ .email = "",
		.eab_kid = "",
		.eab_key = "",
		.eab_key_file = "",
		.directory = "",
		.ca_file = "" };
}

static const struct acme_config_host named = { .mode = "letsencrypt",
	.hostname = "Derp.Example.org",
	.has_http_port = true };
static const struct acme_config_host address = { .mode = "letsencrypt",
	.hostname = "2001:db8::1",
	.is_ip = true,
	.has_http_port = true };
static const struct acme_config_host google = { .mode = "gcp",
	.hostname = "derp.example.org" };

static void
good(struct acme_config *acme, const struct acme_config_host *host)
{
	struct fail why = { 0 };

	check_int(acme_config_derive(acme, host, &why), 0);
	check_text(why.text, "");
	check(acme->used);
}

static void
refused(struct acme_config acme, const struct acme_config_host *host,
    const char *want)
{
	struct fail why = { 0 };

	check_int(acme_config_derive(&acme, host, &why), -1);
	check_contains(why.text, want);
}

static void
acme_config_chooses_the_directory(void **state)
{
	struct acme_config acme = blank();

	(void)state;
	good(&acme, &named);
	check_text(acme.url, ACME_CONFIG_LETSENCRYPT);
	check_text(acme.name, "derp.example.org");
	check(!acme.waits_for_name && !acme.is_ip);
	acme = blank();
	acme.directory = "https://ca.example/dir";
	good(&acme, &named);
	check_text(acme.url, "https://ca.example/dir");
	acme = blank();
	acme.eab_kid = "k";
	acme.eab_key = "-_8";
	acme.email = "me@example.org";
	good(&acme, &google);
	check_text(acme.url, ACME_CONFIG_GCP);
	check_size(acme.secret_len, 2);
	check_bytes(acme.secret, "\xfb\xff", 2);
	acme.eab_key = "+/8=";
	good(&acme, &google);
	check_bytes(acme.secret, "\xfb\xff", 2);
	acme_config_wipe(&acme);
	check_size(acme.secret_len, 0);
	check_bytes(acme.secret, "\0\0", 2);
	acme = blank();
	acme.ip_certs = true;
	good(&acme, &address);
	check(acme.is_ip);
	check_text(acme.name, "2001:db8::1");
}

/* Writes a file that holds that, of which the caller removes the name. */
static void
write_key(char path[static 32], const char *text)
{
	int fd;

	strcpy(path, "/tmp/derpkit-key-XXXXXX");
	fd = mkstemp(path);
	check(fd != -1);
	check_size((size_t)write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
acme_config_reads_the_key_from_a_file(void **state)
{
	struct acme_config acme = blank();
	char path[32], longest[1025];

	(void)state;
	write_key(path, " -_8\n");
	acme.eab_key_file = path;
	refused(acme, &named, "go together");
	acme.eab_kid = "k";
	good(&acme, &named);
	check_size(acme.secret_len, 2);
	check_bytes(acme.secret, "\xfb\xff", 2);
	unlink(path);
	refused(acme, &named, "No such file");
	write_key(path, "!");
	refused(acme, &named, "is not base64");
	unlink(path);
	memset(longest, 'A', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	write_key(path, longest);
	refused(acme, &named, "not a file with a key");
	unlink(path);
	acme.eab_key_file = "/";
	refused(acme, &named, "not a file with a key");
}

/* A public authority is not asked for upstream's own name, and nobody's limit
 * is used up for it. */
static void
acme_config_waits_for_a_name(void **state)
{
	struct acme_config_host host = named;
	struct acme_config acme = blank();

	(void)state;
	host.is_default = true;
	good(&acme, &host);
	check(acme.waits_for_name);
	acme = blank();
	acme.directory = "https://ca.example/dir";
	good(&acme, &host);
	check(!acme.waits_for_name);
	/* nor for what is none */
	host = named;
	host.hostname = "d\xc3\xa9rp.example";
	acme = blank();
	good(&acme, &host);
	check(acme.waits_for_name);
	check_text(acme.name, "unusable");
}

static void
acme_config_knows_names_that_can_be_ordered(void **state)
{
	static const struct {
		const char *hostname, *name;
		bool waits; /* without a directory of one's own */
	} rows[] = {
		{ "derp.example.org.", "derp.example.org", false },
		{ "DERP.example.org", "derp.example.org", false },
		{ "xn--drp-bla.example.org", "xn--drp-bla.example.org", false },
		{ "derp", "derp", true },
		{ "localhost.", "localhost", true },
		{ "my_derp.example.org", "my_derp.example.org", true },
		{ ".", "unusable", true },
	};
	struct acme_config_host host = named;
	struct acme_config acme;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		host.hostname = rows[i].hostname;
		acme = blank();
		good(&acme, &host);
		check_text(acme.name, rows[i].name);
		check_int(acme.waits_for_name, rows[i].waits);
		acme = blank();
		acme.directory = "https://ca.example/dir";
		good(&acme, &host);
		check_int(
		    acme.waits_for_name, strcmp(rows[i].name, "unusable") == 0);
	}
}

/* Authorities compare the text. */
static void
acme_config_writes_addresses_in_one_way(void **state)
{
	static const char *const spellings[] = { "2001:db8::1", "2001:DB8:0::1",
		"2001:0db8:0000:0000:0000:0000:0000:0001" };
	struct acme_config_host host = address;

	(void)state;
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		struct acme_config acme = blank();

		acme.ip_certs = true;
		host.hostname = spellings[i];
		good(&acme, &host);
		check_text(acme.name, "2001:db8::1");
		check(!acme.waits_for_name);
	}
}

static void
acme_config_refuses_what_does_not_go_together(void **state)
{
	struct acme_config_host host = address;
	struct acme_config acme = blank();

	(void)state;
	refused(acme, &google, "-certmode gcp needs -acme-eab-kid");
	acme.eab_kid = "k";
	refused(acme, &google, "-certmode gcp needs -acme-eab-key");
	refused(acme, &named, "go together");
	acme.eab_key = "Zm9v";
	refused(acme, &google, "-certmode gcp needs -acme-email");
	acme.email = "me@example.org";
	host.mode = "gcp";
	refused(acme, &host, "needs a -hostname that is a DNS name");
	acme.eab_key = "!";
	refused(acme, &google, "-acme-eab-key is not base64");
	acme.eab_key_file = "/dev/null";
	refused(acme, &google, "give one of them");
	acme.eab_key_file = "";
	acme.ip_certs = true;
	refused(acme, &google, "-acme-ip-certs needs -certmode letsencrypt");
	acme = blank();
	refused(acme, &address, "use -acme-ip-certs");
	acme.ip_certs = true;
	refused(acme, &named, "give the relay's public IP address");
	host = address;
	host.has_http_port = false;
	refused(acme, &host, "-acme-ip-certs needs -http-port");
	acme = blank();
	acme.directory = "ftp://x";
	refused(acme, &named, "-acme-directory: ");
	acme = blank();
	acme.ca_file = "/nowhere/ca.pem";
	refused(acme, &named, "-acme-ca: ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_config_chooses_the_directory),
		cmocka_unit_test(acme_config_reads_the_key_from_a_file),
		cmocka_unit_test(acme_config_waits_for_a_name),
		cmocka_unit_test(acme_config_knows_names_that_can_be_ordered),
		cmocka_unit_test(acme_config_writes_addresses_in_one_way),
		cmocka_unit_test(acme_config_refuses_what_does_not_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
