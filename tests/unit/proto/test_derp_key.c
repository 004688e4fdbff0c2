/* derp_key: text forms, strictness, generation. */
#include "vectors.h"

#include "derp_key.h"

#define HEX "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13"
#define UPPER "7B4E909BBE7FFE44C465A220037D608EE35897D31EF972F07F74892CB0F73F13"

static void
derp_key_parses_and_formats_text(void **state)
{
	char text[DERP_KEY_TEXT], hex[DERP_KEY_HEX_TEXT];
	struct derp_key k, want = { { 0 } };

	(void)state;
	vector_get("box.txt", "client_public", want.b, DERP_KEY);
	check_int(derp_key_parse(&k, slice_str("nodekey:" HEX)), 0);
	check_bytes(k.b, want.b, DERP_KEY);
	check_int(derp_key_parse(&k, slice_str("nodekey:" UPPER)), 0);
	check(derp_key_eq(&k, &want));
	check_int(derp_key_parse_hex(&k, slice_str(HEX)), 0);
	check(derp_key_eq(&k, &want));
	derp_key_format(&k, text);
	check_text(text, "nodekey:" HEX);
	derp_key_format_hex(&k, hex);
	check_text(hex, HEX);
}

static void
derp_key_rejects_other_text(void **state)
{
	static const char *const bad[] = { "", "nodekey:", HEX,
		"nodekey:" HEX "0", "nodekey:" HEX " ", " nodekey:" HEX,
		"Nodekey:" HEX, "NODEKEY:" HEX, "privkey:" HEX, "discokey:" HEX,
		"nodekey:7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f748"
		"92cb0f73f1",
		"nodekey:7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f748"
		"92cb0f73f1g" };
	struct derp_key k;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&k, 7, sizeof k);
		check_int(derp_key_parse(&k, slice_str(bad[i])), -1);
		check(derp_key_is_zero(&k));
	}
	check_int(derp_key_parse_hex(&k, slice_str("nodekey:" HEX)), -1);
	check_int(derp_key_parse_hex(&k, slice_of(HEX, 63)), -1);
	check_int(derp_key_parse_hex(&k, slice_of(NULL, 0)), -1);
}

static void
derp_key_formats_short(void **state)
{
	char text[DERP_KEY_SHORT_TEXT];
	struct derp_key k = { { 0 } };

	(void)state;
	derp_key_format_short(&k, text);
	check_text(text, "");
	check(derp_key_is_zero(&k));
	/* base64 of 7b4e909b.. begins with e06Qm */
	derp_key_parse_hex(&k, slice_str(HEX));
	derp_key_format_short(&k, text);
	check_text(text, "[e06Qm]");
	check(!derp_key_is_zero(&k));
}

static void
derp_key_tells_keys_apart(void **state)
{
	struct derp_key a = { { 1 } }, b = a;

	(void)state;
	check(derp_key_eq(&a, &b));
	for (size_t i = 0; i < DERP_KEY; i++) {
		b = a;
		b.b[i] ^= 0x80;
		check(!derp_key_eq(&a, &b));
	}
}

static void
derp_private_key_is_generated_clamped(void **state)
{
	struct derp_private_key k, other;

	(void)state;
	derp_private_key_generate(&other);
	for (int i = 0; i < 64; i++) {
		derp_private_key_generate(&k);
		check_int(k.b[0] & 7, 0);
		check_int(k.b[31] & 0xc0, 0x40);
		check(memcmp(k.b, other.b, DERP_KEY) != 0);
		other = k;
	}
	derp_private_key_clear(&k);
	for (size_t i = 0; i < DERP_KEY; i++)
		check_int(k.b[i], 0);
}

static void
derp_private_key_gives_public(void **state)
{
	struct derp_private_key k = { { 0 } };
	struct derp_key got, want;

	(void)state;
	memset(&got, 7, sizeof got);
	check_int(derp_private_key_public(&k, &got), -1);
	check(derp_key_is_zero(&got));
	vector_get("box.txt", "client_private", k.b, DERP_KEY);
	vector_get("box.txt", "client_public", want.b, DERP_KEY);
	check_int(derp_private_key_public(&k, &got), 0);
	check_bytes(got.b, want.b, DERP_KEY);
	vector_get("box.txt", "server_private", k.b, DERP_KEY);
	vector_get("box.txt", "server_public", want.b, DERP_KEY);
	check_int(derp_private_key_public(&k, &got), 0);
	check_bytes(got.b, want.b, DERP_KEY);
}

static void
derp_private_key_parses_and_formats_text(void **state)
{
	struct derp_private_key k;
	char text[DERP_KEY_TEXT];

	(void)state;
	check_int(derp_private_key_parse(&k, slice_str("privkey:" UPPER)), 0);
	derp_private_key_format(&k, text);
	check_text(text, "privkey:" HEX);
	check_int(derp_private_key_parse(&k, slice_str("nodekey:" HEX)), -1);
	check_int(
	    derp_private_key_parse(&k, slice_str("privkey:" HEX "\n")), -1);
	check_int(derp_private_key_parse(&k, slice_str(HEX)), -1);
}

/* derp_test: 64 hex accepted, "badf00d" rejected */
static void
derp_mesh_key_is_64_hex(void **state)
{
	uint8_t k[DERP_KEY];

	(void)state;
	check_int(derp_mesh_key_parse(k, slice_str(HEX)), 0);
	check_int(k[0], 0x7b);
	check_int(k[31], 0x13);
	check_int(derp_mesh_key_parse(k, slice_str("badf00d")), -1);
	check_int(derp_mesh_key_parse(k, slice_str("")), -1);
	check_int(derp_mesh_key_parse(k, slice_str(HEX "badf")), -1);
	check_int(derp_mesh_key_parse(k, slice_str(HEX "\n")), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derp_key_parses_and_formats_text),
		cmocka_unit_test(derp_key_rejects_other_text),
		cmocka_unit_test(derp_key_formats_short),
		cmocka_unit_test(derp_key_tells_keys_apart),
		cmocka_unit_test(derp_private_key_is_generated_clamped),
		cmocka_unit_test(derp_private_key_gives_public),
		cmocka_unit_test(derp_private_key_parses_and_formats_text),
		cmocka_unit_test(derp_mesh_key_is_64_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
