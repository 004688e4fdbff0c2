/* Unit tests of verify/engine/verify_api and of what verify_headscale lists: a
 * stand-in of each server, with injected time. */
#include "unit/http/http_stub.h"
#include "unit/verify/engine.h"
#include "verify_kinds.h"
#include "verify_set.h"

#include <sys/stat.h>

#define OK "HTTP/1.1 200 OK\r\n\r\n"
#define KEY(n)                                                             \
	"nodekey:11000000000000000000000000000000000000000000000000000000" \
	"0000000" n
#define DEVICES                                 \
	OK "{\"devices\":[{\"nodeKey\":\"" KEY( \
	    "1") "\",\"name\":\"a\"},"          \
		 "{\"nodeKey\":\"" KEY("2") "\",\"name\":\"b\"}]}"

/* A server with both interfaces. Its token is what it was last asked for. */
struct server {
	struct http_stub stub;
	atomic_uint tokens, lists; /* requests for each */
	atomic_bool refuses;       /* the token of before */
	_Atomic(const char *) token, list;
};

static void
answer(struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	struct server *server = s->ctx;

	if (strncmp(request, "POST /api/v2/oauth/token ", 25) == 0) {
		atomic_fetch_add(&server->tokens, 1);
		server->refuses = false;
		reply->bytes = server->token;
		return;
	}
	atomic_fetch_add(&server->lists, 1);
	reply->bytes = server->refuses
	    ? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
	    : server->list;
}

static struct server *
server_open(void)
{
	static struct server s;

	memset(&s, 0, sizeof s);
	s.stub.answer = answer;
	s.stub.ctx = &s;
	s.list = DEVICES;
	s.token = OK "{\"access_token\":\"tok-1\",\"expires_in\":3600}";
	http_stub_open(&s.stub);
	return &s;
}

/* A source, opened and listed by hand: no thread, no wall clock. */
static struct verify_source *
source_of(
    const char *kind, const char *url, const char *secret, const char *client)
{
	const struct verify_source_context context = { .now_ms = engine_now_ms,
		.wall_s = engine_wall_s };
	struct verify_config config = { 0 };
	struct verify_source_config *row = engine_add(&config, kind, url);
	const char *settings[VERIFY_OPTIONS_MAX] = { NULL, "DERPKIT_TEST_KEY",
		client };
	struct verify_source *source;
	struct fail why = { 0 };

	setenv("DERPKIT_TEST_KEY", secret, 1);
	check_int(verify_config_set_all(row, settings, &why), 0);
	source = row->kind->open(row, &context, &why);
	if (source == NULL)
		fail_msg("%s", why.text);
	verify_config_clear(&config);
	return source;
}

static enum verify_listed
list_of(struct verify_source *source, size_t *count, uint64_t *again_ms,
    struct fail *why)
{
	const atomic_bool stop = false;
	struct verify_listing listing = { .stop = &stop,
		.set = verify_set_new() };
	enum verify_listed listed;

	*why = (struct fail){ 0 };
	listed = source->ops->list(source, &listing, why);
	*count = verify_set_count(listing.set);
	*again_ms = listing.again_ms;
	verify_set_drop(listing.set);
	return listed;
}

static void
api_with_a_key(void **state)
{
	struct server *s = server_open();
	struct verify_source *source =
	    source_of("tailscale-api", s->stub.url, "tskey-api-1", NULL);
	uint64_t again_ms;
	struct fail why;
	size_t count;

	(void)state;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(count, 2);
	check(strncmp(s->stub.last, "GET /api/v2/tailnet/-/devices ", 30) == 0);
	check(strstr(s->stub.last,
		  "\r\nAuthorization: Bearer tskey-api-1\r\n") != NULL);
	check_int(s->tokens, 0);
	source->ops->close(source);
	http_stub_close(&s->stub);
}

static void
api_keeps_a_token_and_renews_it(void **state)
{
	struct server *s = server_open();
	struct verify_source *source = source_of(
	    "tailscale-api", s->stub.url, "tskey-client-kAb-se/cret", NULL);
	uint64_t again_ms;
	struct fail why;
	size_t count;

	(void)state;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check(strstr(s->stub.last, "\r\nAuthorization: Bearer tok-1\r\n") !=
	    NULL);
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(s->tokens, 1);
	/* a minute before it runs out */
	engine_ms += 3600000 - 60000 - 1;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(s->tokens, 1);
	engine_ms += 1;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(s->tokens, 2);
	/* one that is not accepted any more is replaced, once */
	s->refuses = true;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(count, 2);
	check_int(s->tokens, 3);
	s->list = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LIST_BAD);
	check_int(s->tokens, 4);
	check(strstr(why.text, "does not accept the key") != NULL);
	source->ops->close(source);
	http_stub_close(&s->stub);
}

static void
api_names_the_client(void **state)
{
	static const struct {
		const char *secret, *client, *form;
	} rows[] = {
		{ "tskey-client-kAb-se/cret", NULL,
		    "grant_type=client_credentials&client_id=kAb&client_"
		    "secret=tskey-client-kAb-se%2Fcret" },
		{ "plain+1", "id&2",
		    "grant_type=client_credentials&client_id=id%262&client_"
		    "secret=plain%2B1" },
	};
	uint64_t again_ms;
	struct fail why;
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct server *s = server_open();
		struct verify_source *source = source_of("tailscale-api",
		    s->stub.url, rows[i].secret, rows[i].client);
		const char *body;

		/* the request for the token is the last one */
		s->token = OK "{}";
		check_int(
		    list_of(source, &count, &again_ms, &why), VERIFY_LIST_BAD);
		check_text(
		    why.text, "access token: its answer has no access token");
		body = strstr(s->stub.last, "\r\n\r\n");
		assert_non_null(body);
		check_text(body + 4, rows[i].form);
		check_int(s->lists, 0);
		source->ops->close(source);
		http_stub_close(&s->stub);
	}
}

static void
api_keeps_away_as_long_as_it_is_told(void **state)
{
	struct server *s = server_open();
	struct verify_source *source =
	    source_of("tailscale-api", s->stub.url, "tskey-api-1", NULL);
	uint64_t again_ms;
	struct fail why;
	size_t count;

	(void)state;
	s->list = "HTTP/1.1 429 Too Many\r\nRetry-After: 30\r\n"
		  "Content-Length: 0\r\n\r\n";
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LIST_BAD);
	check_int(again_ms, 30000);
	s->list = DEVICES;
	engine_ms += 29999;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LIST_BAD);
	check_int(again_ms, 1);
	check(strstr(why.text, "asked for a pause") != NULL);
	check_int(s->lists, 1);
	engine_ms += 1;
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(s->lists, 2);
	source->ops->close(source);
	http_stub_close(&s->stub);
}

static void
headscale_with_a_key(void **state)
{
	struct server *s = server_open();
	struct verify_source *source =
	    source_of("headscale", s->stub.url, "hskey-api-1", NULL);
	uint64_t again_ms;
	struct fail why;
	size_t count;

	(void)state;
	s->list = OK "{\"nodes\":[{\"nodeKey\":\"" KEY("1") "\"}]}";
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check_int(count, 1);
	check(strncmp(s->stub.last, "GET /api/v1/node ", 17) == 0);
	check(strstr(s->stub.last,
		  "\r\nAuthorization: Bearer hskey-api-1\r\n") != NULL);
	check(source->list_on_miss);
	/* the key is read each time */
	setenv("DERPKIT_TEST_KEY", "hskey-api-2", 1);
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LISTED);
	check(strstr(s->stub.last,
		  "\r\nAuthorization: Bearer hskey-api-2\r\n") != NULL);
	unsetenv("DERPKIT_TEST_KEY");
	check_int(list_of(source, &count, &again_ms, &why), VERIFY_LIST_BAD);
	check_int(s->lists, 2);
	source->ops->close(source);
	http_stub_close(&s->stub);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(api_with_a_key),
		cmocka_unit_test(api_keeps_a_token_and_renews_it),
		cmocka_unit_test(api_names_the_client),
		cmocka_unit_test(api_keeps_away_as_long_as_it_is_told),
		cmocka_unit_test(headscale_with_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
