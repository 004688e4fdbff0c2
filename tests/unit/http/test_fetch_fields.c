/* fetch: fields of the answer that the caller wants. */
#include "fetch.h"

#include "unit/http/http_stub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define PLENTY_MS 20000

static int
start(void **state)
{
	(void)state;
	return fetch_global_init();
}

/* The other form of Retry-After, and fields that the caller wants: whole or not
 * at all. */
static void
fetch_reads_dates_and_wanted_fields(void **state)
{
	char nonce[8] = "old", place[8] = "old", none[8] = "old";
	const struct fetch_field fields[] = {
		{ "Replay-Nonce", nonce, sizeof nonce },
		{ "Location", place, sizeof place },
		{ "X-None", none, sizeof none },
	};
	struct http_stub stub = { .reply = { .bytes = NULL } };
	struct fetch_client *c = fetch_client_new(1);
	struct fetch_response response;
	struct fail why = { 0 };
	char bytes[256], date[64];
	const time_t in_an_hour = time(NULL) + 3600;
	struct tm tm;

	(void)state;
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT",
	    gmtime_r(&in_an_hour, &tm));
	snprintf(bytes, sizeof bytes,
	    "HTTP/1.1 429 No\r\nRetry-After: %s\r\nreplay-nonce: 1234567\r\n"
	    "Location: 12345678\r\nContent-Length: 0\r\n\r\n",
	    date);
	stub.reply.bytes = bytes;
	http_stub_open(&stub);
	assert_int_equal(fetch(c,
			     &(struct fetch_request){ .url = stub.url,
				 .timeout_ms = PLENTY_MS,
				 .fields = fields,
				 .field_count = 3 },
			     &response, &why),
	    FETCH_OK);
	assert_in_range(response.retry_after_s, 1, 3600);
	assert_string_equal(nonce, "1234567");
	assert_string_equal(place, "");
	assert_string_equal(none, "");
	fetch_response_clear(&response);
	http_stub_close(&stub);
	fetch_client_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_reads_dates_and_wanted_fields),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
