/*
 * world: every source of the engine, good at first and then with a fault, for
 * the table of who got in.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_WORLD_H
#define DERPKIT_TEST_WORLD_H

#include "unit/http/http_stub.h"
#include "unit/verify/engine.h"

#include "fetch.h"
#include "verify_kinds.h"

#define HTTP(status) "HTTP/1.1 " status "\r\n"
#define OK HTTP("200 OK") "\r\n"
#define MEMBER 1
#define KEY_PREFIX 8 /* bytes of "nodekey:", which a URL escapes */
#define UNKNOWN 9
#define HUGE_BYTES ((size_t)100 << 20)
#define SLOW_MS 2500     /* that a source that does not end is given */
#define OUTAGE_S 3600    /* last-known-good counts so long */
#define JUMP_S 315360000 /* a clock that is wrong by ten years */

/* ---- sources */

enum place { ON_PORT, ON_SOCKET, IN_FILE, BY_PROGRAM };

static const struct source {
	const char *kind, *name;
	enum place place;
	const char *path;         /* of its URL */
	bool asks;                /* it keeps no set */
	const char *good, *empty; /* formats: of a key, of one not known */
} sources[] = {
	{ "url", "url", ON_PORT, "/verify", true, OK "{\"Allow\":true}",
	    OK "{\"Allow\":false}" },
	{ "tailscaled", "tailscaled", ON_SOCKET, "", true,
	    OK "{\"Node\":{\"Name\":\"n.x.\"}}",
	    HTTP("404 Not Found") "\r\nno match for IP:port\n" },
	{ "headscale", "headscale", ON_PORT, "", false,
	    OK "{\"nodes\":[{\"nodeKey\":\"%s\"}]}", NULL },
	{ "headscale", "headscale socket", ON_SOCKET, "", false,
	    OK "{\"nodes\":[{\"nodeKey\":\"%s\"}]}", NULL },
	{ "tailscale-api", "tailscale-api", ON_PORT, "", false,
	    OK "{\"devices\":[{\"nodeKey\":\"%s\",\"authorized\":true,"
	       "\"keyExpiryDisabled\":true}]}",
	    NULL },
	{ "nodes", "nodes", IN_FILE, "", false, "%s n\n", NULL },
	{ "command", "command", BY_PROGRAM, "", false, "%s n\n", NULL },
};

/* ---- faults */

static const struct fault {
	const char *name;
	bool absent; /* the source is not there, as `open` means it */
	bool slow;
	enum http_stub_then then;
	const char *bytes; /* that a server says; NULL: nothing */
	const char *text;  /* that a file or a program has instead; NULL: it
			      has no such fault */
} faults[] = {
	{ "closes", true, false, STUB_CLOSE, NULL, NULL },
	{ "never", true, true, STUB_HANG, NULL, NULL },
	{ "drip", false, true, STUB_HANG,
	    HTTP("200 OK") "Content-Length: 100000\r\n\r\n   ", NULL },
	{ "garbage", true, false, STUB_CLOSE, "\x01\xffSSH-2.0\r\n",
	    "\x01\xffSSH-2.0\r\n" },
	{ "half-closed", false, false, STUB_CLOSE,
	    HTTP("200 OK") "Content-Length: 99\r\n\r\n{\"nodes\":[",
	    "{\"nodes\":[" },
	{ "401", false, false, STUB_CLOSE, HTTP("401 Unauthorized") "\r\n",
	    NULL },
	{ "429", false, false, STUB_CLOSE, HTTP("429 Too Many") "\r\n", NULL },
	{ "500", false, false, STUB_CLOSE, HTTP("500 Oops") "\r\noops", NULL },
	{ "empty", false, false, STUB_CLOSE, OK, "" },
	{ "no JSON", false, false, STUB_CLOSE, OK "<html>", "<html>" },
	{ "wrong JSON", false, false, STUB_CLOSE,
	    OK "{\"nodes\":[{\"id\":1}],\"devices\":[{\"id\":1}],\"Allow\":1,"
	       "\"Node\":[]}",
	    "{\"nodes\":[{\"id\":1}]}" },
	{ "100 MB", false, false, STUB_CLOSE, "", "" },
	{ "redirect nowhere", false, false, STUB_CLOSE,
	    HTTP("302 Go") "Content-Length: 0\r\n\r\n", NULL },
	/* to the Go derper, nobody is at the end of a circle */
	{ "redirect in a circle", false, false, STUB_CLOSE,
	    HTTP("307 Go") "Location: /verify\r\nContent-Length: 0\r\n\r\n",
	    NULL },
};

#define SOURCES (sizeof sources / sizeof sources[0])
#define FAULTS (sizeof faults / sizeof faults[0])
#define OUTAGES 3

static const struct {
	const char *name;
	enum verify_outage outage;
} outages[OUTAGES] = {
	{ "closed", VERIFY_OUTAGE_CLOSED },
	{ "open", VERIFY_OUTAGE_OPEN },
	{ "last-known-good", VERIFY_OUTAGE_LAST_GOOD },
};

/* ---- a source that is good, and then is not */

struct world {
	const struct source *source;
	size_t outage; /* of outages */
	struct http_stub stub;
	_Atomic(const struct fault *) fault; /* NULL: none */
	char good[512], path[128], argument[256];
	struct verify *verify;
	struct cell {
		bool member, unknown; /* gets in */
	} cell;
	pthread_t thread;
};

static char *huge; /* HUGE_BYTES of an answer that does not end */

static inline void
answer(struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	const struct world *w = s->ctx;
	const struct fault *fault = atomic_load(&w->fault);

	reply->then = STUB_CLOSE;
	if (fault == NULL) {
		reply->bytes = w->source->asks &&
			strstr(request, engine_key_text(MEMBER) + KEY_PREFIX) ==
			    NULL
		    ? w->source->empty
		    : w->good;
		return;
	}
	reply->bytes = fault->bytes;
	reply->then = fault->then;
	if (strcmp(fault->name, "100 MB") == 0) {
		reply->bytes = huge;
		reply->n = HUGE_BYTES;
	}
}

/* A new file takes the name: nobody sees a part of it. */
static inline void
write_list(const struct world *w, const char *text, size_t n)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof path, "%s.new", w->path);
	f = fopen(path, "w");
	assert_non_null(f);
	check_size(fwrite(text, 1, n, f), n);
	check_int(fclose(f), 0);
	check_int(rename(path, w->path), 0);
}

static inline void
prepare(struct world *w)
{
	const struct source *s = w->source;
	static unsigned count;

	snprintf(w->path, sizeof w->path, "%s/s%u", engine_dir(), count++);
	snprintf(w->good, sizeof w->good, s->good, engine_key_text(MEMBER));
	w->stub.answer = answer;
	w->stub.ctx = w;
	if (s->place == ON_PORT)
		http_stub_open(&w->stub);
	else if (s->place == ON_SOCKET)
		http_stub_open_unix(&w->stub, w->path);
	else
		write_list(w, w->good, strlen(w->good));
	if (s->place == ON_PORT)
		snprintf(w->argument, sizeof w->argument, "%s%s", w->stub.url,
		    s->path);
	else
		snprintf(w->argument, sizeof w->argument, "%s%s",
		    s->place == BY_PROGRAM ? "cat " : "", w->path);
}

static inline void
begin(struct world *w, uint64_t ask_ms, const char *last_good)
{
	struct verify_config config = {
		.context = { .refresh_ms = 50,
		    .list_ms = SLOW_MS,
		    .wall_s = engine_wall_s,
		    .interactive = last_good == NULL,
		    .last_good = last_good },
		.cache_deny_ms = 1,
		.ask_ms = ask_ms,
	};
	struct verify_source_config *row =
	    engine_add(&config, w->source->kind, w->argument);
	const char *settings[VERIFY_OPTIONS_MAX] = { NULL, "DERPKIT_TEST_KEY" };
	struct fail why = { 0 };

	if (w->source->place == ON_PORT && !w->source->asks)
		check_int(verify_config_set_all(row, settings, &why), 0);
	row->outage = outages[w->outage].outage;
	row->outage_ms = OUTAGE_S * 1000;
	w->verify = engine_new(&config);
}

static inline struct verify_member_stats
stats_of(const struct world *w)
{
	struct verify_member_stats stats;

	verify_member_stats(verify_get_sources(w->verify)->list[0], &stats);
	return stats;
}

static inline void
nap(uint64_t since_ms, const char *what)
{
	if (clock_now_ms() - since_ms > ENGINE_WAIT_MS)
		fail_msg("%s takes too long", what);
	usleep(1000);
}

/* Until the member gets in, as the source is good. */
static inline void
await_good(struct world *w)
{
	const uint64_t since_ms = clock_now_ms();

	while (engine_check(w->verify, MEMBER).verdict != VERIFY_ALLOW ||
	    (!w->source->asks && stats_of(w).feed.fault != VERIFY_FAULT_NONE))
		nap(since_ms, w->source->name);
}

/* Whether it is one of the others, reached by another way. */
static inline bool
is_another_way(const struct source *s)
{
	return s->place == ON_SOCKET && !s->asks;
}

static inline bool
has_fault(const struct source *s, const struct fault *fault)
{
	return s->place == ON_PORT || s->place == ON_SOCKET ||
	    fault->text != NULL || strcmp(fault->name, "closes") == 0;
}

/* Whether the source can have that fault; if so, it does. */
static inline bool
break_it(struct world *w, const struct fault *fault)
{
	const bool is_huge = strcmp(fault->name, "100 MB") == 0;

	if (w->source->place == ON_PORT || w->source->place == ON_SOCKET)
		atomic_store(&w->fault, fault);
	else if (strcmp(fault->name, "closes") == 0)
		check_int(unlink(w->path), 0);
	else if (is_huge)
		write_list(w, huge, HUGE_BYTES);
	else if (fault->text != NULL)
		write_list(w, fault->text, strlen(fault->text));
	else
		return false;
	return true;
}

/* Until a list has failed; an empty one is doubted instead. */
static inline void
await_fault(struct world *w)
{
	const uint64_t since_ms = clock_now_ms();
	struct verify_member_stats stats;

	do {
		nap(since_ms, w->source->name);
		stats = stats_of(w);
	} while (stats.feed.fault == VERIFY_FAULT_NONE &&
	    stats.feed.doubted == 0 && !w->source->asks);
}

static inline void
end(struct world *w)
{
	verify_free(w->verify);
	w->verify = NULL;
	if (w->source->place == ON_PORT || w->source->place == ON_SOCKET)
		http_stub_close(&w->stub);
	unlink(w->path);
}

#endif
