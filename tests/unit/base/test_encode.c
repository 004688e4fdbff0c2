/* encode: strict hex and base64, with the vectors of RFC 4648. */
#include "check.h"

#include "encode.h"

static void
encode_hex_is_lower_case(void **state)
{
	char out[9];

	(void)state;
	encode_hex(out, slice_of("\x00\x7f\xAb\xff", 4));
	check_text(out, "007fabff");
	encode_hex(out, slice_of(NULL, 0));
	check_text(out, "");
}

static void
decode_hex_is_exact(void **state)
{
	static const char *const bad[] = { "", "0", "007fab", "007fabff0",
		"007fabff00", "007fabfg", "0x7fabff", "00 7fabf", "007fab\nf",
		"007fabf:" };
	uint8_t out[4];

	(void)state;
	check_int(decode_hex(out, 4, slice_str("007FaBff")), 0);
	check_bytes(out, "\x00\x7f\xab\xff", 4);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(out, 9, sizeof out);
		check_int(decode_hex(out, 4, slice_str(bad[i])), -1);
		check_bytes(out, "\0\0\0\0", 4);
	}
}

static const struct {
	const char *plain, *coded;
} vectors[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
	{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfb", "//77" },
	{ "\xfb\xff", "+/8=" } };

static void
base64_is_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		size_t len = strlen(vectors[i].coded), n = 99;
		uint8_t plain[16];
		char coded[16];

		check_int(
		    encode_base64(coded, len + 1, slice_str(vectors[i].plain)),
		    0);
		check_text(coded, vectors[i].coded);
		check_int(
		    encode_base64(coded, len, slice_str(vectors[i].plain)), -1);
		check_int(decode_base64(plain, sizeof plain, &n,
			      slice_str(vectors[i].coded)),
		    0);
		check_slice_text(slice_of(plain, n), vectors[i].plain);
	}
}

static void
base64_rejects_the_rest(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zm8",
		"Zh==", "Zm9v ", " Zm9v", "Zm9v\n", "Zm-v", "Zm_v",
		"Zg==Zg==", "====", "Zm9vYmFyZm9vYmFy", "\xb0x1F", "Zm9\xb0",
		"Zm\xf5v" };
	uint8_t plain[11];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (decode_base64(plain, sizeof plain, &n, slice_str(bad[i])) ==
		    0)
			fail_msg("accepted: %s", bad[i]);
}

/* The bytes that make a difference, and neither padding nor the other
 * alphabet. */
static void
base64url_has_its_own_alphabet(void **state)
{
	static const char *const bad[] = { "-_8=", "+/8", "-_8 ", "-", "-_9" };
	uint8_t plain[4];
	char out[4];
	size_t n;

	(void)state;
	check_int(encode_base64url(out, 3, slice_of("\xfb\xff", 2)), -1);
	check_int(encode_base64url(out, 4, slice_of("\xfb\xff", 2)), 0);
	check_text(out, "-_8");
	check_int(
	    decode_base64url(plain, sizeof plain, &n, slice_str("-_8")), 0);
	check_slice(slice_of(plain, n), slice_of("\xfb\xff", 2));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check_int(decode_base64url(
			      plain, sizeof plain, &n, slice_str(bad[i])),
		    -1);
}

static void
base64url_is_its_alphabet(void **state)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				  "stuvwxyz0123456789-_";
	uint8_t byte;

	(void)state;
	check(encode_is_base64url(slice_str(all)));
	check(encode_is_base64url(slice_str("a"))); /* of no byte */
	check(!encode_is_base64url(slice_str("")));
	for (unsigned i = 0; i < 256; i++) {
		byte = (uint8_t)i;
		check_int(encode_is_base64url(slice_of(&byte, 1)),
		    memchr(all, byte, sizeof all - 1) != NULL);
	}
	check(!encode_is_base64url(slice_of("a\0b", 3)));
	check(!encode_is_base64url(slice_str("abc=")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_hex_is_lower_case),
		cmocka_unit_test(decode_hex_is_exact),
		cmocka_unit_test(base64_is_rfc_4648),
		cmocka_unit_test(base64_rejects_the_rest),
		cmocka_unit_test(base64url_has_its_own_alphabet),
		cmocka_unit_test(base64url_is_its_alphabet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
