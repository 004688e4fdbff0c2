/* fetch_state: see fetch_state.h. */
#include "fetch_state.h"

#include "encode.h"
#include "infile.h"
#include "outfile.h"
#include "utf8.h"

#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDECAR_MAX ((size_t)1 << 20) /* bytes */
#define SHA256_TEXT (2 * crypto_hash_sha256_BYTES + 1)

static void
sha256_of(struct slice bytes, char out[static SHA256_TEXT])
{
	uint8_t sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, bytes.p, bytes.n);
	encode_hex(out, slice_of(sum, sizeof sum));
}

/* -1: the name is too long for a file. */
static int
name_of(char out[static PATH_MAX], const char *output)
{
	const int n = snprintf(out, PATH_MAX, "%s.fetched", output);

	return n > 0 && n < PATH_MAX ? 0 : -1;
}

static bool
is_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL && strcmp(value, text) == 0;
}

void
fetch_state_load(struct fetch_state *s, const char *output, struct slice bytes,
    const char *how)
{
	char name[PATH_MAX], sum[SHA256_TEXT];
	struct slice text;
	struct buf whole;

	*s = (struct fetch_state){ 0 };
	if (name_of(name, output) == -1)
		return;
	if (infile_read(&whole, name, SIDECAR_MAX, NULL) == 0) {
		text = buf_slice(&whole);
		s->root = json_loadb((const char *)text.p, text.n, 0, NULL);
	}
	buf_clear(&whole);
	sha256_of(bytes, sum);
	if (!is_text(s->root, "sha256", sum) || !is_text(s->root, "how", how))
		fetch_state_clear(s);
}

/* Which URL it was, not the URL: there may be a password in it. */
static void
digest_of(const char *url, char out[static SHA256_TEXT])
{
	sha256_of(slice_str(url), out);
}

static const json_t *
urls_of(const struct fetch_state *s)
{
	return json_object_get(s->root, "urls");
}

bool
fetch_state_is_for(
    const struct fetch_state *s, const char *const *urls, size_t count)
{
	char sum[SHA256_TEXT];

	if (json_array_size(urls_of(s)) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		digest_of(urls[i], sum);
		if (!is_text(json_array_get(urls_of(s), i), "url_sha256", sum))
			return false;
	}
	return count > 0;
}

/* A value that may be sent in a header, or "". */
static const char *
value_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && strpbrk(text, "\r\n") == NULL ? text : "";
}

struct fetch_validators
fetch_state_get(const struct fetch_state *s, size_t n)
{
	const json_t *entry = json_array_get(urls_of(s), n);

	return (struct fetch_validators){
		.etag = value_of(entry, "etag"),
		.last_modified = value_of(entry, "last_modified"),
	};
}

int
fetch_state_add(
    struct fetch_state *s, const char *url, struct fetch_validators v)
{
	char sum[SHA256_TEXT];

	/* an ETag may have bytes that JSON cannot hold; RFC 9110 section 8.8.3
	 */
	if (!utf8_valid(slice_str(v.etag)))
		v.etag = "";
	if (!utf8_valid(slice_str(v.last_modified)))
		v.last_modified = "";
	digest_of(url, sum);
	if (s->root == NULL)
		s->root = json_pack("{s:[]}", "urls");
	return json_array_append_new(json_object_get(s->root, "urls"),
	    json_pack("{s:s, s:s, s:s}", "url_sha256", sum, "etag", v.etag,
		"last_modified", v.last_modified));
}

int
fetch_state_save(const struct fetch_state *s, const char *output,
    struct slice bytes, const char *how, struct fail *why)
{
	char name[PATH_MAX], sum[SHA256_TEXT];
	char *text = NULL;
	int result = -1;

	sha256_of(bytes, sum);
	if (name_of(name, output) == -1)
		return fail_set(why, "%s: name too long", output);
	if (json_object_set_new(s->root, "sha256", json_string(sum)) == 0 &&
	    json_object_set_new(s->root, "how", json_string(how)) == 0)
		text = json_dumps(s->root, JSON_INDENT(2));
	result = text != NULL ? outfile_write(name, slice_str(text), why)
			      : fail_set(why, "not enough memory");
	free(text);
	return result;
}

void
fetch_state_clear(struct fetch_state *s)
{
	json_decref(s->root);
	s->root = NULL;
}
