/* Unit tests of lib/http/fetch_lines, against a server on a unix socket that
 * says what it is told. */
#include "fetch_lines.h"

#include "check.h"
#include "fetch.h"
#include "unit/http/http_stub.h"

#include "clock.h"

#define HEAD "HTTP/1.1 200 OK\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static char dir[] = "/tmp/fetch_lines_XXXXXX";
static char path[64];

static struct fetch_lines *
open_lines(size_t line_max, uint64_t head_ms)
{
	struct fetch_lines *s = fetch_lines_open(&(struct fetch_lines_config){
	    .url = "http://local/bus",
	    .unix_socket = path,
	    .line_max = line_max,
	    .head_ms = head_ms,
	});

	assert_non_null(s);
	return s;
}

/* Everything that the stream says, lines in brackets, and how it ends. */
static const char *
tell(const struct http_stub_reply *reply, size_t line_max, uint64_t head_ms)
{
	static char out[1024];
	struct http_stub stub = { .reply = *reply };
	struct writer w = writer_of(out, sizeof out - 1);
	struct fail why = { 0 };
	enum fetch_lines_event event;
	struct fetch_lines *s;
	struct slice line;

	http_stub_open_unix(&stub, path);
	s = open_lines(line_max, head_ms);
	/* one that goes on has said all after a second */
	do {
		event = fetch_lines_next(s,
		    reply->then == STUB_HANG && head_ms > 1000 ? 1000 : 20000,
		    &line, &why);
		if (event == FETCH_LINES_LINE)
			writer_printf(
			    &w, "[%.*s]", (int)line.n, (const char *)line.p);
	} while (event == FETCH_LINES_LINE ||
	    (event == FETCH_LINES_IDLE && reply->then != STUB_HANG));
	if (event == FETCH_LINES_IDLE)
		writer_printf(&w, "...");
	else
		writer_printf(&w, "%s", why.text);
	out[w.n] = '\0';
	fetch_lines_close(s);
	http_stub_close(&stub);
	return out;
}

static void
fetch_lines_reads_line_by_line(void **state)
{
	(void)state;
	check_text(tell(&(struct http_stub_reply){ .bytes = HEAD
			    "{\"a\":1}\n\n{\"b\":2}\nrest",
			    .then = STUB_HANG },
		       100, 20000),
	    "[{\"a\":1}][][{\"b\":2}]...");
	check_text(tell(&(struct http_stub_reply){ .bytes = CHUNKED
			    "3\r\nab\n\r\n2\r\ncd\r\n2\r\ne\n\r\n",
			    .then = STUB_HANG },
		       100, 20000),
	    "[ab][cde]...");
}

static void
fetch_lines_tells_the_end(void **state)
{
	(void)state;
	check_text(
	    tell(&(struct http_stub_reply){ .bytes = HEAD "a\nb" }, 100, 20000),
	    "[a]the stream has ended");
	check_text(tell(&(struct http_stub_reply){ .bytes = CHUNKED "0\r\n\r\n",
			    .then = STUB_KEEP },
		       100, 20000),
	    "the stream has ended");
	check_text(
	    tell(
		&(struct http_stub_reply){
		    .bytes = "HTTP/1.1 400 No\r\nContent-Length: 4\r\n\r\n"
			     "x\ny\n",
		    .then = STUB_KEEP },
		100, 20000),
	    "the answer is 400");
	check_text(tell(&(struct http_stub_reply){ .bytes = NULL }, 100, 20000),
	    "Empty reply from server");
	check_text(
	    tell(&(struct http_stub_reply){ .then = STUB_HANG }, 100, 100),
	    "no answer in time");
	check_contains(
	    tell(&(struct http_stub_reply){ .bytes = "SSH-2.0-OpenSSH\r\n" },
		100, 20000),
	    "HTTP/0.9");
}

static void
fetch_lines_says_that_nobody_listens(void **state)
{
	struct fetch_lines *s = open_lines(100, 20000);
	struct fail why = { 0 };
	struct slice line;

	(void)state;
	check_int(fetch_lines_next(s, 20000, &line, &why), FETCH_LINES_END);
	check_contains(why.text, "cannot connect to ");
	check_contains(why.text, "no such file");
	fetch_lines_close(s);
}

static void
fetch_lines_bounds_a_line(void **state)
{
	const size_t n = (size_t)4 << 20;
	char *bytes = malloc(n + sizeof HEAD);
	const char *said;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, HEAD, sizeof HEAD);
	memset(bytes + strlen(HEAD), 'x', n);
	bytes[strlen(HEAD) + n] = '\0';
	said = tell(&(struct http_stub_reply){ .bytes = bytes },
	    (size_t)1 << 20, 20000);
	check_text(said, "a line is longer than 1 MiB");
	free(bytes);
}

/* Far more than is held at a time, all of it whole: the peer waits. */
static void
fetch_lines_lets_the_peer_wait(void **state)
{
	const size_t lines = 40000;
	const size_t size = lines * 100 + sizeof HEAD;
	char *bytes = malloc(size);
	struct writer w = writer_of(bytes, size);
	struct http_stub stub = { .reply = { .then = STUB_HANG } };
	struct fail why = { 0 };
	struct fetch_lines *s;
	struct slice line;

	(void)state;
	assert_non_null(bytes);
	writer_printf(&w, "%s", HEAD);
	for (size_t i = 0; i < lines; i++)
		writer_printf(&w, "%099zu\n", i);
	check(!w.failed);
	stub.reply.bytes = bytes;
	stub.reply.n = w.n;
	http_stub_open_unix(&stub, path);
	s = open_lines(1000, 20000);
	for (size_t i = 0; i < lines; i++) {
		char want[100];

		check_int(
		    fetch_lines_next(s, 20000, &line, &why), FETCH_LINES_LINE);
		snprintf(want, sizeof want, "%099zu", i);
		check_slice_text(line, want);
	}
	check_int(fetch_lines_status(s), 200);
	check_int(fetch_lines_next(s, 10, &line, &why), FETCH_LINES_IDLE);
	fetch_lines_close(s);
	http_stub_close(&stub);
	free(bytes);
}

static void
fetch_lines_can_be_woken(void **state)
{
	struct http_stub stub = { .reply = {
				      .bytes = HEAD, .then = STUB_HANG } };
	const uint64_t began_ms = clock_now_ms();
	struct fail why = { 0 };
	struct fetch_lines *s;
	struct slice line;

	(void)state;
	http_stub_open_unix(&stub, path);
	s = open_lines(100, 20000);
	while (fetch_lines_status(s) != 200)
		check_int(
		    fetch_lines_next(s, 1000, &line, &why), FETCH_LINES_IDLE);
	fetch_lines_wake(s);
	check_int(fetch_lines_next(s, 60000, &line, &why), FETCH_LINES_IDLE);
	check(clock_now_ms() - began_ms < 30000);
	fetch_lines_close(s);
	http_stub_close(&stub);
}

static int
set_up(void **state)
{
	(void)state;
	if (fetch_global_init() == -1 || mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/sock", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_lines_reads_line_by_line),
		cmocka_unit_test(fetch_lines_tells_the_end),
		cmocka_unit_test(fetch_lines_says_that_nobody_listens),
		cmocka_unit_test(fetch_lines_bounds_a_line),
		cmocka_unit_test(fetch_lines_lets_the_peer_wait),
		cmocka_unit_test(fetch_lines_can_be_woken),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
