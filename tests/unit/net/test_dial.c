/* dial: what connections share. */
#include "check.h"

#include "dial.h"

#include <openssl/bio.h>
#include <sys/socket.h>
#include <unistd.h>

/* the linker gives these names their meaning, see ld(1), --wrap */
int __real_BIO_get_new_index(void);
int __wrap_BIO_get_new_index(void);

static unsigned indexes; /* taken */

int
__wrap_BIO_get_new_index(void)
{
	indexes++;
	return __real_BIO_get_new_index();
}

/* OpenSSL has 127 numbers for kinds of BIO in a process; those after them mean
 * something else, or are refused. */
static void
dial_takes_one_kind_of_bio_for_all(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct fail why = { 0 };
		int fds[2];
		const struct dial_config config = { .address = "192.0.2.1",
			.port = 443,
			.tls = true,
			.trust = DIAL_INSECURE,
			.socket = &fds[0] };

		check_int(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
		    0);
		close(fds[1]);
		check_null(dial_open(&config, UINT64_MAX, &why));
		check_contains(why.text, "TLS handshake: ");
	}
	check_int(indexes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dial_takes_one_kind_of_bio_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
