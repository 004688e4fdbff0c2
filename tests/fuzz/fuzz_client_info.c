/*
 * ClientInfo and ServerInfo: the boxes around the input as they are, then the
 * JSON alone, which no input gets to through a box.
 */
#include "derp_handshake.h"
#include "fuzz.h"
#include "gojson.h"
#include "utf8.h"

/* What a reader of Go's rules must answer for every value. */
static void
walk(struct slice text)
{
	struct gojson root, name, value;
	uint8_t out[64];
	struct slice rest;
	size_t members = 0;

	if (gojson_parse(text, &root) == -1)
		return;
	FUZZ_CHECK(root.text.n > 0);
	rest = root.text;
	while (
	    root.type == GOJSON_OBJECT && gojson_next(&rest, &name, &value)) {
		struct writer w = writer_of(out, sizeof out);
		struct gojson again;

		members++;
		FUZZ_CHECK(name.type == GOJSON_STRING);
		FUZZ_CHECK(gojson_parse(value.text, &again) == 0);
		FUZZ_CHECK(again.type == value.type);
		if (gojson_string(&name, &w) == 0)
			FUZZ_CHECK(utf8_valid(writer_slice(&w)));
	}
	/* what is left is the closing brace, with nothing unread before it */
	if (root.type == GOJSON_OBJECT)
		FUZZ_CHECK(rest.n > 0 && (members > 0 || rest.p[0] == '{'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct derp_private_key private = { { 8, 1, 2, 3 } };
	struct slice in = slice_of(data, n);
	struct derp_client_info info;
	struct fail why = { 0 };
	struct derp_key key = { { 9 } };
	struct derp_session session;
	int64_t version;

	if (derp_client_info_parse_json(in, &info, &why) == -1)
		FUZZ_CHECK(why.text[0] != '\0');
	walk(in);
	why = (struct fail){ 0 };
	/* a box that opens would mean that its author knows the key */
	FUZZ_CHECK(
	    derp_client_info_open(in, &private, &session, &info, &why) == -1);
	FUZZ_CHECK(why.text[0] != '\0');
	derp_server_info_open(in, &private, &key, &version, &why);
	derp_server_key_parse(in, &key);
	return 0;
}
