/* fetch_lines: see fetch_lines.h. libcurl's multi interface, because only that
 * lets a reader do something else while nothing comes. */
#include "fetch_lines.h"

#include "buf.h"
#include "clock.h"
#include "fetch_fault.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_AT 65536 /* bytes of lines that wait; the peer waits too then */

struct fetch_lines {
	/* immutable */
	CURLM *multi;      /* owned */
	CURL *curl;        /* owned */
	char *unix_socket; /* owned */
	size_t line_max;
	uint64_t head_until_ms;
	/* used by the reading thread */
	struct buf text;
	size_t consumed; /* bytes of text that the last line took */
	bool has_line;   /* text may have a newline */
	bool paused, ended, too_long, no_memory;
	CURLcode code; /* when ended */
	char error[CURL_ERROR_SIZE];
};

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct fetch_lines *s = ctx;
	const size_t len = size * n, held = buf_len(&s->text);

	if (held >= PAUSE_AT && s->has_line) {
		s->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	s->has_line = s->has_line || memchr(p, '\n', len) != NULL;
	s->too_long = held + len > s->line_max && !s->has_line;
	if (s->too_long)
		return 0;
	s->no_memory = buf_append(&s->text, p, len) == -1;
	return s->no_memory ? 0 : len;
}

static void
set_options(struct fetch_lines *s, const char *url)
{
	CURL *curl = s->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, s->unix_socket);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(
	    curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

struct fetch_lines *
fetch_lines_open(const struct fetch_lines_config *config)
{
	struct fetch_lines *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->line_max = config->line_max;
	s->head_until_ms = clock_now_ms() + config->head_ms;
	buf_init(
	    &s->text, PAUSE_AT + config->line_max + 2 * CURL_MAX_WRITE_SIZE);
	s->unix_socket = strdup(config->unix_socket);
	s->multi = curl_multi_init();
	s->curl = curl_easy_init();
	if (s->unix_socket == NULL || s->multi == NULL || s->curl == NULL)
		goto close_s;
	set_options(s, config->url);
	if (curl_multi_add_handle(s->multi, s->curl) != CURLM_OK)
		goto close_s;
	return s;

close_s:
	fetch_lines_close(s);
	return NULL;
}

void
fetch_lines_close(struct fetch_lines *s)
{
	if (s == NULL)
		return;
	if (s->curl != NULL) {
		if (s->multi != NULL)
			curl_multi_remove_handle(s->multi, s->curl);
		curl_easy_cleanup(s->curl);
	}
	if (s->multi != NULL)
		curl_multi_cleanup(s->multi);
	buf_clear(&s->text);
	free(s->unix_socket);
	free(s);
}

unsigned
fetch_lines_status(const struct fetch_lines *s)
{
	long status = 0;

	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	return (unsigned)status;
}

/* Takes the next whole line out of what has been read. */
static bool
take_line(struct fetch_lines *s, struct slice *line)
{
	struct slice text, found, rest;

	buf_consume(&s->text, s->consumed);
	s->consumed = 0;
	text = buf_slice(&s->text);
	if (!s->has_line || fetch_lines_status(s) != 200)
		return false;
	s->has_line = slice_cut(text, '\n', &found, &rest);
	if (!s->has_line)
		return false;
	*line = found;
	s->consumed = found.n + 1;
	return true;
}

static void
look_for_end(struct fetch_lines *s)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(s->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE) {
			s->ended = true;
			s->code = message->data.result;
		}
}

static void
explain_end(const struct fetch_lines *s, struct fail *why)
{
	const struct fetch_fault fault = {
		.curl = s->curl,
		.code = s->code,
		.text = s->error,
		.unix_socket = s->unix_socket,
	};
	const unsigned status = fetch_lines_status(s);

	if (s->too_long)
		fail_set(
		    why, "a line is longer than %zu MiB", s->line_max >> 20);
	else if (s->no_memory)
		fail_set(why, "out of memory");
	else if (!s->ended)
		fail_set(why, "no answer in time");
	else if (status != 0 && status != 200)
		fail_set(why, "the answer is %u", status);
	else if (s->code == CURLE_OK && status == 200)
		fail_set(why, "the stream has ended");
	else
		fetch_fault_explain(&fault, why);
}

/* Reads what has arrived. False: no more will. */
static bool
receive(struct fetch_lines *s)
{
	int running;

	if (s->paused && buf_len(&s->text) < PAUSE_AT) {
		s->paused = false;
		curl_easy_pause(s->curl, CURLPAUSE_CONT);
	}
	if (curl_multi_perform(s->multi, &running) != CURLM_OK)
		return false;
	look_for_end(s);
	return !s->ended &&
	    (fetch_lines_status(s) != 0 || clock_now_ms() < s->head_until_ms);
}

/* How long to wait for bytes; while there is no head, not beyond its time. */
static int
bounded_wait(const struct fetch_lines *s, uint64_t wait_ms)
{
	const uint64_t now_ms = clock_now_ms();
	uint64_t head_ms;

	if (fetch_lines_status(s) == 0) {
		head_ms =
		    s->head_until_ms > now_ms ? s->head_until_ms - now_ms : 0;
		wait_ms = head_ms < wait_ms ? head_ms : wait_ms;
	}
	return wait_ms < INT32_MAX ? (int)wait_ms : INT32_MAX;
}

enum fetch_lines_event
fetch_lines_next(struct fetch_lines *s, uint64_t wait_ms, struct slice *line,
    struct fail *why)
{
	bool going;

	if (take_line(s, line))
		return FETCH_LINES_LINE;
	going = receive(s);
	if (take_line(s, line))
		return FETCH_LINES_LINE;
	if (going) {
		curl_multi_poll(
		    s->multi, NULL, 0, bounded_wait(s, wait_ms), NULL);
		going = receive(s);
		if (take_line(s, line))
			return FETCH_LINES_LINE;
	}
	if (going)
		return FETCH_LINES_IDLE;
	explain_end(s, why);
	return FETCH_LINES_END;
}

void
fetch_lines_wake(struct fetch_lines *s)
{
	curl_multi_wakeup(s->multi);
}
