/* acme_jws: see acme_jws.h. */
#include "acme_jws.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "acme_json.h"
#include "encode.h"

#define INPUT_MAX 65536 /* bytes of "protected.payload" */
#define MAC_BYTES 32

/* Appends the text in base64url. */
static int
put_encoded(struct buf *to, struct slice in)
{
	const size_t n = in.n / 3 * 4 + 5;
	uint8_t *room = buf_room(to, n);

	if (room == NULL || encode_base64url((char *)room, n, in) == -1)
		return -1;
	buf_added(to, strlen((const char *)room));
	return 0;
}

/* "protected.payload", which is what is signed. Takes the header. */
static int
make_input(struct buf *input, json_t *header, const char *payload)
{
	char *text = acme_json_dump(header);
	int rc = -1;

	if (text != NULL && put_encoded(input, slice_str(text)) == 0 &&
	    buf_append(input, ".", 1) == 0)
		rc = put_encoded(input, slice_str(payload));
	free(text);
	return rc;
}

/* The flattened form; none of its parts needs an escape. */
static int
put_object(struct buf *to, struct slice input, struct slice signature)
{
	struct slice head, payload;

	slice_cut(input, '.', &head, &payload);
	if (buf_printf(to, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\"",
		(int)head.n, (const char *)head.p, (int)payload.n,
		(const char *)payload.p) == -1 ||
	    buf_printf(to, ",\"signature\":\"") == -1 ||
	    put_encoded(to, signature) == -1)
		return -1;
	return buf_printf(to, "\"}");
}

static json_t *
header_of(const struct acme_jws *jws)
{
	json_t *jwk;

	if (jws->kid != NULL)
		return json_pack("{s:s, s:s, s:s, s:s}", "alg", "ES256", "kid",
		    jws->kid, "nonce", jws->nonce, "url", jws->url);
	(void)acme_json_load(slice_str(acme_key_jwk(jws->key)), &jwk);
	return json_pack("{s:s, s:o, s:s, s:s}", "alg", "ES256", "jwk", jwk,
	    "nonce", jws->nonce, "url", jws->url);
}

int
acme_jws_sign(const struct acme_jws *jws, struct buf *body)
{
	uint8_t signature[ACME_KEY_SIGNATURE];
	struct buf input;
	int rc;

	buf_init(&input, INPUT_MAX);
	rc = make_input(&input, header_of(jws), jws->payload);
	if (rc == 0)
		rc = acme_key_sign(jws->key, buf_slice(&input), signature);
	if (rc == 0)
		rc = put_object(body, buf_slice(&input),
		    slice_of(signature, sizeof signature));
	buf_clear(&input);
	return rc;
}

int
acme_jws_bind(const struct acme_binding *binding,
    const struct acme_key *account, const char *url, struct buf *object)
{
	uint8_t mac[MAC_BYTES];
	unsigned n = sizeof mac;
	struct buf input;
	int rc;

	buf_init(&input, INPUT_MAX);
	rc = make_input(&input,
	    json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid", binding->kid,
		"url", url),
	    acme_key_jwk(account));
	if (rc == 0 &&
	    HMAC(EVP_sha256(), binding->secret.p, (int)binding->secret.n,
		buf_slice(&input).p, buf_slice(&input).n, mac, &n) == NULL)
		rc = -1;
	if (rc == 0)
		rc = put_object(
		    object, buf_slice(&input), slice_of(mac, sizeof mac));
	buf_clear(&input);
	return rc;
}
