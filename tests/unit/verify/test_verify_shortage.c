/* verify: memory that is short, at every place: an answer may become unknown by
 * it, never another one; fail-open is for controllers that do not answer, not
 * for a shortage of ours. libcurl's own memory counts as well. */
#include "unit/verify/gated.h"

#include "fake_alloc.h"
#include "fetch.h"

#include <jansson.h>

/* A world that gives one answer, and what it may become. */
struct world {
	const char *name;
	const char *socket; /* what tailscaled says; NULL: not asked */
	const char *url;    /* what the controller says; NULL: not asked */
	unsigned key;       /* 1 is in the list */
	bool list;
	enum verify_verdict verdict; /* with memory enough */
	unsigned least;              /* allocations there must be */
};

static const struct world worlds[] = {
	{ "url and list allow", NULL, HEAD "{\"Allow\":true}", 1, true,
	    VERIFY_ALLOW, 15 },
	{ "tailscaled allows", HEAD "{\"Node\":{\"Name\":\"b.x.\"}}", NULL, 1,
	    false, VERIFY_ALLOW, 15 },
	{ "tailscaled denies", "HTTP/1.1 404 X\r\n\r\n", NULL, 1, false,
	    VERIFY_DENY, 15 },
	{ "url denies", NULL, HEAD "{\"Allow\":false}", 1, false, VERIFY_DENY,
	    15 },
	{ "url denies all the same", NULL, "HTTP/1.1 403 X\r\n\r\n", 1, false,
	    VERIFY_DENY, 15 },
	{ "list denies", HEAD "{\"Node\":{}}", HEAD "{\"Allow\":true}", 9, true,
	    VERIFY_DENY, 15 },
	{ "list alone denies", NULL, NULL, 9, true, VERIFY_DENY, 8 },
};

/* Starts the engine and asks. UNKNOWN when it did not start. */
static enum verify_verdict
ask_anew(const struct verify_config *config, unsigned n)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	const struct derp_key key = engine_key(n);
	struct fail why = { 0 };
	struct verify_answer now;
	struct verify *v = verify_new(config, &why);

	if (v == NULL) {
		check(why.text[0] != '\0');
		return VERIFY_UNKNOWN;
	}
	if (!verify_ask(v, &key, NULL, &now, engine_done, &answers)) {
		engine_await(&answers, 1);
		now = answers.last;
	}
	verify_free(v);
	return now.verdict;
}

static void
try_each_allocation(const struct world *w, const struct verify_config *config)
{
	unsigned spoilt = 0;
	size_t n;

	for (n = 1;; n++) {
		enum verify_verdict verdict;

		fake_alloc_fail_at(n);
		verdict = ask_anew(config, w->key);
		if (!fake_alloc_failed()) {
			check_int(verdict, w->verdict);
			break;
		}
		if (verdict != w->verdict && verdict != VERIFY_UNKNOWN)
			fail_msg("%s: verdict %d with allocation %zu failed",
			    w->name, (int)verdict, n);
		spoilt += verdict == VERIFY_UNKNOWN;
	}
	if (n < w->least || spoilt == 0)
		fail_msg("%s: %zu allocations, %u of them needed", w->name, n,
		    spoilt);
}

static void
engine_survives_failed_allocations(void **state)
{
	(void)state;
	write_list(3);
	for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
		const struct world *w = &worlds[i];
		struct http_stub local = { 0 }, url = { 0 };
		struct verify_config config = { .context.interactive = true };
		char socket[108], nodes[108];

		snprintf(socket, sizeof socket, "%s", path_of("sock"));
		snprintf(nodes, sizeof nodes, "%s", path_of("nodes"));
		local.reply.bytes = w->socket;
		url.reply.bytes = w->url;
		http_stub_open_unix(&local, socket);
		http_stub_open(&url);
		if (w->socket != NULL)
			engine_add(&config, "tailscaled", socket);
		if (w->url != NULL)
			engine_add(&config, "url", url.url)->outage =
			    VERIFY_OUTAGE_OPEN;
		if (w->list)
			engine_add(&config, "nodes", nodes);
		try_each_allocation(w, &config);
		http_stub_close(&local);
		http_stub_close(&url);
	}
}

static int
start(void **state)
{
	(void)state;
	json_set_alloc_funcs(fake_alloc_malloc, free);
	return fetch_global_init();
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "sock", "nodes", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engine_survives_failed_allocations),
	};

	return cmocka_run_group_tests(tests, start, end);
}
