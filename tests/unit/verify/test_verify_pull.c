/* Unit tests of verify/engine/verify_pull: what an answer means for the list,
 * and what goes along with the question. */
#include "unit/http/http_stub.h"
#include "unit/verify/engine.h"
#include "verify_pull.h"
#include "verify_set.h"

#define NODES "{\"nodes\":[{\"nodeKey\":\"" KEY_1 "\",\"name\":\"a\"}]}"
#define KEY_1                                                              \
	"nodekey:11000000000000000000000000000000000000000000000000000000" \
	"00000001"

/* One request to a stub. */
struct pulled {
	enum verify_listed listed;
	size_t count; /* of nodes */
	uint64_t again_ms;
	struct fail why;
	char request[HTTP_STUB_REQUEST];
};

static struct pulled
pull_of(const char *reply, enum http_stub_then then, struct verify_pull pull,
    bool stopped)
{
	static struct http_stub stub;
	const atomic_bool stop = stopped;
	struct verify_listing listing = { .stop = &stop,
		.set = verify_set_new() };
	struct fetch_response response = { .status = 0 };
	struct pulled p = { .count = 0 };

	memset(&stub, 0, sizeof stub);
	stub.reply.bytes = reply;
	stub.reply.then = then;
	http_stub_open(&stub);
	pull.client = fetch_client_new(1);
	pull.url = stub.url;
	if (pull.timeout_ms == 0)
		pull.timeout_ms = ENGINE_WAIT_MS;
	p.listed = verify_pull_list(&pull, &listing, &response, &p.why);
	p.count = verify_set_count(listing.set);
	p.again_ms = listing.again_ms;
	fetch_response_clear(&response);
	fetch_client_free(pull.client);
	http_stub_close(&stub);
	memcpy(p.request, stub.last, sizeof p.request);
	verify_set_drop(listing.set);
	return p;
}

#define OK "HTTP/1.1 200 OK\r\n\r\n"

static const struct {
	const char *reply;
	enum verify_listed listed;
	const char *why;
	uint64_t again_ms;
} rows[] = {
	{ OK NODES, VERIFY_LISTED, "", 0 },
	{ OK "{\"nodes\":[]}", VERIFY_LISTED, "", 0 },
	{ OK "{", VERIFY_LIST_BAD, "the answer ", 0 },
	{ OK "<html>", VERIFY_LIST_BAD, "the answer ", 0 },
	{ OK, VERIFY_LIST_BAD, "the answer ", 0 },
	{ "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
	    VERIFY_LIST_BAD, "it does not accept the key", 0 },
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
	    VERIFY_LIST_BAD, "may not read the list", 0 },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
	    VERIFY_LIST_BAD, "without a path?", 0 },
	{ "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n", VERIFY_LIST_BAD,
	    "without a path?", 0 },
	{ "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: "
	  "0\r\n\r\n",
	    VERIFY_LIST_BAD, "it is asked too often", 7000 },
	{ "HTTP/1.1 503 Later\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n",
	    VERIFY_LIST_BAD, "the answer is 503 Later", 2000 },
	{ "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", VERIFY_LIST_BAD,
	    "the answer is 500 Oops", 0 },
	{ "HTTP/1.1 204 No Content\r\n\r\n", VERIFY_LIST_BAD,
	    "the answer is 204", 0 },
	/* it breaks off, which is not absence */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" NODES,
	    VERIFY_LIST_BAD, "incomplete answer: ", 0 },
};

static void
pull_judges_every_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pulled p = pull_of(rows[i].reply, STUB_CLOSE,
		    (struct verify_pull){ .timeout_ms = 0 }, false);

		if (p.listed != rows[i].listed ||
		    strstr(p.why.text, rows[i].why) == NULL ||
		    p.again_ms != rows[i].again_ms)
			fail_msg("row %zu: %d, %s, %u ms", i, (int)p.listed,
			    p.why.text, (unsigned)p.again_ms);
		check_int(p.count, i == 0 ? 1 : 0);
	}
}

static void
pull_knows_absence(void **state)
{
	struct verify_listing listing = { .set = verify_set_new() };
	const atomic_bool stop = false;
	struct verify_pull pull = { .client = fetch_client_new(1),
		.url = "http://127.0.0.1:1/",
		.timeout_ms = ENGINE_WAIT_MS };
	struct fetch_response response = { .status = 0 };
	struct fail why = { 0 };
	struct pulled p;

	(void)state;
	listing.stop = &stop;
	check_int(verify_pull_list(&pull, &listing, &response, &why),
	    VERIFY_LIST_AWAY);
	fetch_response_clear(&response);
	fetch_client_free(pull.client);
	verify_set_drop(listing.set);
	/* nothing at all is said */
	p = pull_of("", STUB_CLOSE, (struct verify_pull){ .url = NULL }, false);
	check_int(p.listed, VERIFY_LIST_AWAY);
	p = pull_of(
	    NULL, STUB_HANG, (struct verify_pull){ .timeout_ms = 50 }, false);
	check_int(p.listed, VERIFY_LIST_AWAY);
	/* who is told to stop learns nothing about the source */
	p = pull_of(
	    OK NODES, STUB_CLOSE, (struct verify_pull){ .url = NULL }, true);
	check_int(p.listed, VERIFY_LIST_STOPPED);
	check_text(p.why.text, "stopped");
}

static void
pull_sends_key_and_form(void **state)
{
	const struct slice form = slice_str("grant_type=x");
	struct pulled p = pull_of(OK NODES, STUB_CLOSE,
	    (struct verify_pull){ .bearer = "tskey-1" }, false);

	(void)state;
	check(strncmp(p.request, "GET / ", 6) == 0);
	check(
	    strstr(p.request, "\r\nAuthorization: Bearer tskey-1\r\n") != NULL);
	check(strstr(p.request, "\r\nAccept: application/json\r\n") != NULL);
	p = pull_of(
	    OK NODES, STUB_CLOSE, (struct verify_pull){ .post = &form }, false);
	check(strncmp(p.request, "POST / ", 7) == 0);
	check(strstr(p.request,
		  "\r\nContent-Type: application/x-www-form-urlencoded\r\n") !=
	    NULL);
	check(strstr(p.request, "\r\n\r\ngrant_type=x") != NULL);
	check(strstr(p.request, "Authorization") == NULL);
}

/* A secret is not for another host. */
static void
pull_takes_no_secret_along(void **state)
{
	static struct http_stub other;
	char reply[256];
	struct pulled p;

	(void)state;
	memset(&other, 0, sizeof other);
	other.reply.bytes = OK NODES;
	http_stub_open(&other);
	snprintf(reply, sizeof reply,
	    "HTTP/1.1 302 Found\r\nLocation: %s/x\r\nContent-Length: "
	    "0\r\n\r\n",
	    other.url);
	p = pull_of(reply, STUB_CLOSE,
	    (struct verify_pull){ .bearer = "tskey-1" }, false);
	check_int(p.listed, VERIFY_LIST_BAD);
	check_int(other.requests, 0);
	http_stub_close(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pull_judges_every_answer),
		cmocka_unit_test(pull_knows_absence),
		cmocka_unit_test(pull_sends_key_and_form),
		cmocka_unit_test(pull_takes_no_secret_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
