/* derp_handshake: see derp_handshake.h. */
#include "derp_handshake.h"

#include "encode.h"
#include "gojson.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define NONCE crypto_box_NONCEBYTES
#define TAG crypto_box_MACBYTES
#define CLIENT_JSON_MAX 160 /* bytes of the longest ClientInfo we write */
#define MESH_TEXT (2 * DERP_KEY)
#define SERVER_INFO_MAX (NONCE + (1U << 20))

static_assert(DERP_MIN_CLIENT_INFO == DERP_KEY + NONCE, "ClientInfo minimum");

struct opened {
	uint8_t *text; /* owned: opened_box, then opened_clear */
	size_t n;
};

static void write_client_json(
    struct writer *w, const struct derp_client_info *info);
static int opened_box(struct opened *o, struct slice sealed,
    const uint8_t shared[static 32], struct fail *why);
static void opened_clear(struct opened *o);
static int parse_object(
    struct slice json, struct gojson *root, struct fail *why);
static int read_client_member(const struct gojson *name,
    const struct gojson *value, struct derp_client_info *info,
    struct fail *why);
static int read_mesh_key(
    const struct gojson *value, uint8_t out[static DERP_KEY], struct fail *why);
static int read_int(const struct gojson *value, const char *name, int64_t *out,
    struct fail *why);
static int read_bool(
    const struct gojson *value, const char *name, bool *out, struct fail *why);
static int parse_server_json(
    struct slice json, int64_t *version, struct fail *why);

static const uint8_t magic[8] = { 'D', 'E', 'R', 'P', 0xf0, 0x9f, 0x94, 0x91 };

void
derp_server_key_put(struct writer *w, const struct derp_key *server)
{
	uint8_t frame[DERP_SERVER_KEY_FRAME];
	struct writer whole = writer_of(frame, sizeof frame);

	derp_header_write(&whole, DERP_SERVER_KEY, sizeof magic + DERP_KEY);
	writer_bytes(&whole, magic, sizeof magic);
	writer_bytes(&whole, server->b, DERP_KEY);
	writer_bytes(w, frame, whole.n);
}

int
derp_server_key_parse(struct slice body, struct derp_key *server)
{
	struct reader r = { .rest = body };
	struct slice got = reader_take(&r, sizeof magic);

	reader_copy(&r, server->b, DERP_KEY);
	return !r.failed && slice_eq(got, slice_of(magic, sizeof magic)) ? 0
									 : -1;
}

int
derp_session_init(struct derp_session *s, const struct derp_private_key *server,
    const struct derp_key *client)
{
	s->client = *client;
	return crypto_box_beforenm(s->shared, client->b, server->b) == 0 ? 0
									 : -1;
}

void
derp_session_clear(struct derp_session *s)
{
	sodium_memzero(s->shared, sizeof s->shared);
}

/* Writes nonce and box of the text. */
static int
put_box(struct writer *w, struct slice text, const uint8_t shared[static 32])
{
	uint8_t nonce[NONCE], box[TAG + CLIENT_JSON_MAX];

	randombytes_buf(nonce, sizeof nonce);
	if (text.n > CLIENT_JSON_MAX ||
	    crypto_box_easy_afternm(box, text.p, text.n, nonce, shared) != 0)
		return -1;
	writer_bytes(w, nonce, sizeof nonce);
	writer_bytes(w, box, TAG + text.n);
	return w->failed ? -1 : 0;
}

int
derp_client_info_put(struct writer *w, const struct derp_client_info *info,
    const struct derp_private_key *client, const struct derp_key *server)
{
	char json[CLIENT_JSON_MAX];
	uint8_t
	    frame[DERP_HEADER + DERP_MIN_CLIENT_INFO + TAG + CLIENT_JSON_MAX];
	struct writer text = writer_of(json, sizeof json);
	struct writer whole = writer_of(frame, sizeof frame);
	struct derp_session session;
	struct derp_key public;
	int result;

	write_client_json(&text, info);
	if (text.failed || derp_private_key_public(client, &public) == -1 ||
	    derp_session_init(&session, client, server) == -1)
		return -1;
	derp_header_write(
	    &whole, DERP_CLIENT_INFO, DERP_MIN_CLIENT_INFO + TAG + text.n);
	writer_bytes(&whole, public.b, DERP_KEY);
	result = put_box(&whole, writer_slice(&text), session.shared);
	sodium_memzero(json, sizeof json); /* may hold the mesh key */
	derp_session_clear(&session);
	if (result == -1)
		return -1;
	writer_bytes(w, frame, whole.n);
	return w->failed ? -1 : 0;
}

/* Names in the order in which Go clients write them. */
static void
write_client_json(struct writer *w, const struct derp_client_info *info)
{
	char mesh_key[MESH_TEXT + 1];

	writer_printf(w, "{");
	if (sodium_is_zero(info->mesh_key, DERP_KEY) == 0) {
		encode_hex(mesh_key, slice_of(info->mesh_key, DERP_KEY));
		writer_printf(w, "\"meshKey\":\"%s\",", mesh_key);
		sodium_memzero(mesh_key, sizeof mesh_key);
	}
	if (info->version != 0)
		writer_printf(w, "\"version\":%lld,", (long long)info->version);
	writer_printf(
	    w, "\"CanAckPings\":%s", info->can_ack_pings ? "true" : "false");
	if (info->is_prober)
		writer_printf(w, ",\"IsProber\":true");
	writer_printf(w, "}");
}

int
derp_client_info_open(struct slice body, const struct derp_private_key *server,
    struct derp_session *session, struct derp_client_info *info,
    struct fail *why)
{
	struct reader r = { .rest = body };
	char name[DERP_KEY_TEXT];
	struct derp_key client = { 0 };
	struct opened json;
	int result;

	if (body.n < DERP_MIN_CLIENT_INFO)
		return fail_set(why, "short client info");
	if (body.n > DERP_MAX_CLIENT_INFO)
		return fail_set(why, "long client info");
	reader_copy(&r, client.b, DERP_KEY);
	if (derp_session_init(session, server, &client) == -1 ||
	    opened_box(&json, r.rest, session->shared, why) == -1) {
		derp_session_clear(session);
		derp_key_format(&client, name);
		return fail_set(why,
		    "msgbox: cannot open len=%zu with client key %s", r.rest.n,
		    name);
	}
	result =
	    derp_client_info_parse_json(slice_of(json.text, json.n), info, why);
	opened_clear(&json);
	return result;
}

/* Opens nonce and box. -1 when they cannot be opened, without a reason except
 * for short memory: the caller knows whose box it is. */
static int
opened_box(struct opened *o, struct slice sealed,
    const uint8_t shared[static 32], struct fail *why)
{
	struct reader r = { .rest = sealed };
	struct slice nonce = reader_take(&r, NONCE);
	struct slice box = reader_take(&r, r.rest.n);

	if (r.failed || box.n < TAG)
		return -1;
	o->n = box.n - TAG;
	o->text = malloc(box.n); /* TAG bytes too many: never 0 */
	if (o->text == NULL)
		return fail_set(why, "out of memory");
	if (crypto_box_open_easy_afternm(
		o->text, box.p, box.n, nonce.p, shared) == 0)
		return 0;
	free(o->text);
	return -1;
}

static void
opened_clear(struct opened *o)
{
	sodium_memzero(o->text, o->n); /* may hold the mesh key */
	free(o->text);
}

int
derp_client_info_parse_json(
    struct slice json, struct derp_client_info *info, struct fail *why)
{
	struct gojson root, name, value;
	struct slice rest;

	*info = (struct derp_client_info){ 0 };
	if (parse_object(json, &root, why) == -1)
		return -1;
	rest = root.text;
	while (gojson_next(&rest, &name, &value))
		if (read_client_member(&name, &value, info, why) == -1)
			return -1;
	return 0;
}

/* An object, or null as an object without members. */
static int
parse_object(struct slice json, struct gojson *root, struct fail *why)
{
	if (gojson_parse(json, root) == -1)
		return fail_set(why, "msg: malformed JSON");
	if (root->type != GOJSON_OBJECT && root->type != GOJSON_NULL)
		return fail_set(why, "msg: JSON is not an object");
	return 0;
}

static int
read_client_member(const struct gojson *name, const struct gojson *value,
    struct derp_client_info *info, struct fail *why)
{
	/* upstream decodes this one by hand: null is as bad as "" */
	if (gojson_name_is(name, "meshKey"))
		return read_mesh_key(value, info->mesh_key, why);
	if (value->type == GOJSON_NULL)
		return 0;
	if (gojson_name_is(name, "version"))
		return read_int(value, "version", &info->version, why);
	if (gojson_name_is(name, "CanAckPings"))
		return read_bool(
		    value, "CanAckPings", &info->can_ack_pings, why);
	if (gojson_name_is(name, "IsProber"))
		return read_bool(value, "IsProber", &info->is_prober, why);
	if (gojson_name_is(name, "AppName") && value->type != GOJSON_STRING)
		return fail_set(why, "msg: AppName is not a string");
	return 0;
}

static int
read_mesh_key(
    const struct gojson *value, uint8_t out[static DERP_KEY], struct fail *why)
{
	uint8_t text[MESH_TEXT];
	struct writer w = writer_of(text, sizeof text);
	int result = gojson_string(value, &w);

	if (result == 0)
		result = derp_mesh_key_parse(out, writer_slice(&w));
	sodium_memzero(text, sizeof text);
	return result == 0
	    ? 0
	    : fail_set(why, "msg: invalid mesh key: not 64 hex digits");
}

static int
read_int(const struct gojson *value, const char *name, int64_t *out,
    struct fail *why)
{
	if (gojson_int(value, out) == -1)
		return fail_set(why, "msg: %s is not an integer", name);
	return 0;
}

static int
read_bool(
    const struct gojson *value, const char *name, bool *out, struct fail *why)
{
	if (gojson_bool(value, out) == -1)
		return fail_set(why, "msg: %s is not a boolean", name);
	return 0;
}

int
derp_server_info_put(struct writer *w, const struct derp_session *session)
{
	uint8_t frame[DERP_HEADER + NONCE + TAG + CLIENT_JSON_MAX];
	char json[32];
	struct writer text = writer_of(json, sizeof json);
	struct writer whole = writer_of(frame, sizeof frame);

	writer_printf(&text, "{\"version\":%d}", DERP_PROTOCOL_VERSION);
	derp_header_write(&whole, DERP_SERVER_INFO, NONCE + TAG + text.n);
	if (put_box(&whole, writer_slice(&text), session->shared) == -1)
		return -1;
	writer_bytes(w, frame, whole.n);
	return w->failed ? -1 : 0;
}

int
derp_server_info_open(struct slice body, const struct derp_private_key *client,
    const struct derp_key *server, int64_t *version, struct fail *why)
{
	struct derp_session session;
	struct opened json;
	int result = -1;

	if (body.n < NONCE || body.n > SERVER_INFO_MAX)
		return fail_set(why, "bad ServerInfo length %zu", body.n);
	if (derp_session_init(&session, client, server) == 0)
		result = opened_box(&json, body, session.shared, why);
	derp_session_clear(&session);
	if (result == -1)
		return fail_set(
		    why, "cannot open ServerInfo with the server's key");
	result = parse_server_json(slice_of(json.text, json.n), version, why);
	opened_clear(&json);
	return result;
}

static int
parse_server_json(struct slice json, int64_t *version, struct fail *why)
{
	struct gojson root, name, value;
	struct slice rest;

	*version = 0;
	if (parse_object(json, &root, why) == -1)
		return -1;
	rest = root.text;
	while (gojson_next(&rest, &name, &value))
		if (gojson_name_is(&name, "version") &&
		    value.type != GOJSON_NULL &&
		    read_int(&value, "version", version, why) == -1)
			return -1;
	return 0;
}
