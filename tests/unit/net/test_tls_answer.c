/* tls_answer: what is told apart, and that no more is kept than there is room
 * for. */
#include "check.h"

#include "tls_answer.h"

#include <string.h>

static enum tls_answer_kind
kind_of(const char *bytes, size_t n)
{
	struct tls_answer a = { .n = 0 };

	tls_answer_keep(&a, slice_of(bytes, n));
	return tls_answer_kind(&a);
}

static void
tls_answer_tells_protocols_apart(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum tls_answer_kind want;
	} samples[] = {
		{ "", 0, TLS_ANSWER_NONE },
		{ "\x16", 1, TLS_ANSWER_TLS },
		{ "\x16\x03\x03\x00\x7a", 5, TLS_ANSWER_TLS },
		{ "\x15\x03\x01\x00\x02\x02\x28", 7, TLS_ANSWER_TLS },
		{ "\x16\x00\x00", 3, TLS_ANSWER_OTHER },
		{ "\x13\x03", 2, TLS_ANSWER_OTHER },
		{ "\x19\x03", 2, TLS_ANSWER_OTHER },
		{ "HTTP/1.1 400 Bad Request\r\n", 26, TLS_ANSWER_HTTP },
		{ "<!DOCTYPE html>", 15, TLS_ANSWER_HTTP },
		{ "<HTML>", 6, TLS_ANSWER_HTTP },
		{ "HTTP", 4, TLS_ANSWER_OTHER },
		{ "SSH-2.0-OpenSSH_9.2p1\r\n", 23, TLS_ANSWER_OTHER },
		{ "\0\0\0\0", 4, TLS_ANSWER_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
		check_int(
		    kind_of(samples[i].bytes, samples[i].n), samples[i].want);
}

static void
tls_answer_keeps_the_first_bytes(void **state)
{
	struct tls_answer a = { .n = 0 };
	uint8_t zeros[TLS_ANSWER_BYTES] = { 0 };

	(void)state;
	tls_answer_keep(&a, slice_str("HTT"));
	tls_answer_keep(&a, slice_str(""));
	tls_answer_keep(&a, slice_str("P/1.0 400"));
	check_int(tls_answer_kind(&a), TLS_ANSWER_HTTP);
	tls_answer_keep(&a, slice_of(zeros, sizeof zeros));
	check_size(a.n, TLS_ANSWER_BYTES);
	tls_answer_keep(&a, slice_of(zeros, sizeof zeros));
	check_size(a.n, TLS_ANSWER_BYTES);
	assert_memory_equal(a.first, "HTTP/1.0 400", 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_answer_tells_protocols_apart),
		cmocka_unit_test(tls_answer_keeps_the_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
