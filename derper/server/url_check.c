/* url_check: see url_check.h. */
#include "url_check.h"

#include "fetch.h"
#include "log.h"
#include "url_text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "url"

struct target {
	struct url_text origin;
	char *ca_file; /* owned, or NULL: the system's roots */
	bool fail_open;
};

struct url_check {
	/* immutable */
	struct target *targets; /* owned */
	size_t count;
	struct fetch_client *client; /* owned */
	pthread_t thread;
	bool has_thread;
	/* atomic */
	atomic_bool stop;
};

/* What an absence means for who is admitted. */
static const char *
consequence(const struct target *t)
{
	return t->fail_open ? "everybody is admitted while that lasts"
			    : "nobody is admitted by it while that lasts";
}

static void
tell(const struct target *t, enum fetch_result result,
    const struct fetch_response *response, const struct fail *why)
{
	const char *origin = t->origin.text;

	switch (result) {
	case FETCH_OK:
		log_info("admission: %s answers (to GET / with %s)", origin,
		    response->status_line);
		break;
	case FETCH_BROKEN:
		log_info("admission: %s answers (to GET / incompletely: %s)",
		    origin, why->text);
		break;
	case FETCH_UNREACHABLE:
		log_warn("admission: %s does not answer now: %s; %s", origin,
		    why->text, consequence(t));
		break;
	case FETCH_UNTRUSTED:
		log_warn("admission: %s is not trusted: %s; nobody is admitted "
			 "by it while that lasts",
		    origin, why->text);
		break;
	case FETCH_SHORT:
		log_warn("admission: whether %s answers cannot be found out: "
			 "%s",
		    origin, why->text);
		break;
	}
}

static void
ask(struct url_check *c, const struct target *t)
{
	char url[URL_TEXT_MAX + 2];
	const struct fetch_request request = {
		.url = url,
		.ca_file = t->ca_file,
		.no_redirects = true,
		.timeout_ms = URL_CHECK_MS,
		.stop = &c->stop,
	};
	struct fetch_response response;
	struct fail why = { 0 };
	enum fetch_result result;

	snprintf(url, sizeof url, "%s/", t->origin.text);
	result = fetch(c->client, &request, &response, &why);
	if (!atomic_load(&c->stop))
		tell(t, result, &response, &why);
	fetch_response_clear(&response);
}

static void *
run(void *ctx)
{
	struct url_check *c = ctx;

	for (size_t i = 0; i < c->count && !atomic_load(&c->stop); i++)
		ask(c, &c->targets[i]);
	return NULL;
}

static bool
is_url(const struct verify_source_config *row)
{
	return strcmp(row->kind->name, KIND) == 0;
}

static size_t
count_urls(const struct verify_config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->source_count; i++)
		n += is_url(&config->sources[i]);
	return n;
}

static int
add_targets(struct url_check *c, const struct verify_config *config)
{
	for (size_t i = 0; i < config->source_count; i++) {
		const struct verify_source_config *row = &config->sources[i];
		struct target *t = &c->targets[c->count];

		if (!is_url(row))
			continue;
		c->count++;
		t->origin = url_text_origin(row->argument);
		t->fail_open = row->outage == VERIFY_OUTAGE_OPEN;
		if (row->ca_file == NULL || row->ca_file[0] == '\0')
			continue;
		t->ca_file = strdup(row->ca_file);
		if (t->ca_file == NULL)
			return -1;
	}
	return 0;
}

struct url_check *
url_check_start(const struct verify_config *config)
{
	const size_t n = count_urls(config);
	struct url_check *c;

	if (n == 0)
		return NULL;
	c = calloc(1, sizeof *c);
	if (c != NULL) {
		c->targets = calloc(n, sizeof *c->targets);
		c->client = fetch_client_new(1);
		if (c->targets != NULL && c->client != NULL &&
		    add_targets(c, config) == 0)
			c->has_thread =
			    pthread_create(&c->thread, NULL, run, c) == 0;
		if (c->has_thread)
			return c;
	}
	log_warn("admission: whether its URL answers cannot be found out: out "
		 "of memory or threads");
	url_check_stop(c);
	return NULL;
}

void
url_check_stop(struct url_check *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->stop, true);
	if (c->has_thread)
		pthread_join(c->thread, NULL);
	for (size_t i = 0; i < c->count; i++)
		free(c->targets[i].ca_file);
	if (c->client != NULL)
		fetch_client_free(c->client);
	free(c->targets);
	free(c);
}
