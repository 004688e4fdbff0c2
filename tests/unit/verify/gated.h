/*
 * gated: an HTTP stub whose answers wait at a gate, and the node list and the
 * questions that go with it in the tests of the engine.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_GATED_H
#define DERPKIT_TEST_GATED_H

#include "unit/http/http_stub.h"
#include "unit/verify/engine.h"

#define HEAD "HTTP/1.1 200 OK\r\n\r\n"

static const char *
path_of(const char *name)
{
	static _Thread_local char path[108];

	snprintf(path, sizeof path, "%s/%s", engine_dir(), name);
	return path;
}

/* A stub whose answers wait at a gate. */
struct gated {
	struct http_stub stub;
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open;
	_Atomic(const char *) bytes;
};

static inline void
gated_answer(
    struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	struct gated *g = s->ctx;

	(void)request;
	pthread_mutex_lock(&g->lock);
	while (!g->open)
		pthread_cond_wait(&g->opened, &g->lock);
	pthread_mutex_unlock(&g->lock);
	reply->bytes = g->bytes;
}

static inline void
gated_set(struct gated *g, bool open)
{
	pthread_mutex_lock(&g->lock);
	g->open = open;
	pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&g->lock);
}

static inline void
gated_open(struct gated *g, const char *bytes, bool open)
{
	memset(&g->stub, 0, sizeof g->stub);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->opened, NULL);
	g->open = open;
	g->bytes = bytes;
	g->stub.answer = gated_answer;
	g->stub.ctx = g;
	http_stub_open(&g->stub);
}

static inline void
gated_close(struct gated *g)
{
	gated_set(g, true);
	http_stub_close(&g->stub);
	pthread_cond_destroy(&g->opened);
	pthread_mutex_destroy(&g->lock);
}

static inline bool
ask(struct verify *v, unsigned n, struct engine_answers *answers)
{
	const struct derp_key key = engine_key(n);
	struct verify_answer now;

	return verify_ask(v, &key, NULL, &now, engine_done, answers);
}

static inline void
write_list(unsigned count)
{
	FILE *f = fopen(path_of("nodes"), "w");

	assert_non_null(f);
	for (unsigned n = 1; n <= count; n++)
		fprintf(f, "%s n%u\n", engine_key_text(n), n);
	fclose(f);
}

#endif
