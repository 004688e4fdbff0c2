/* fetch_maps: see fetch_maps.h. */
#include "fetch_maps.h"

#include "fetch.h"
#include "url_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fetch_maps_size
fetch_maps_size(const struct derpmap *map)
{
	struct fetch_maps_size size = { 0 };

	for (size_t i = 0; i < map->region_count; i++) {
		const struct derpmap_region *r = map->regions[i];

		if (r->is_nil)
			continue;
		size.regions++;
		for (size_t j = 0; j < r->node_count; j++)
			size.nodes += !r->nodes[j]->is_nil;
	}
	return size;
}

static const char *
kind_name(enum filekind kind)
{
	switch (kind) {
	case FILEKIND_POLICY:
	case FILEKIND_FRAGMENT:
		return "a policy file";
	case FILEKIND_CONFIGMAP:
		return "a ConfigMap";
	case FILEKIND_NODE:
		return "a node alone";
	case FILEKIND_OTHER:
		return "a file of another program";
	case FILEKIND_NODE_LIST:
		return "a list of nodes";
	case FILEKIND_CONFIG:
		return "headscale's config.yaml";
	case FILEKIND_TEMPLATE:
		return "a template that was not rendered";
	case FILEKIND_HTML:
		return "an HTML page";
	case FILEKIND_WRAPPED:
	case FILEKIND_VALUES:
		return "a file with a map inside";
	case FILEKIND_MAP:
		break;
	}
	return NULL;
}

static bool
has_null(const struct derpmap *map)
{
	for (size_t i = 0; i < map->region_count; i++)
		if (map->regions[i]->is_nil)
			return true;
	return false;
}

/* Whether what was loaded is a map that can be handed out, or drops regions of
 * the maps before it. */
static int
check(const struct load *l, const char *url_as_given, struct fail *why)
{
	const struct url_text shown = url_text_of(url_as_given);
	const char *url = shown.text;
	const char *kind = kind_name(l->kind.kind);

	if (kind != NULL)
		return fail_set(why, "%s: %s, not a map", url, kind);
	if (l->doc.error != DOC_OK || l->kind.map == NULL || !load_accepted(l))
		return fail_set(why,
		    "%s: not a map that headscale or a client can read", url);
	if (fetch_maps_size(&l->map).nodes == 0 && !has_null(&l->map))
		return fail_set(why, "%s: a map without a single node", url);
	return 0;
}

/* --- one URL --- */

/* The headers of a conditional request. */
struct condition {
	char match[300], since[100];
	const char *lines[3];
};

static void
make_condition(struct condition *c, const struct fetch_state *known, size_t n)
{
	const struct fetch_validators v = known != NULL
	    ? fetch_state_get(known, n)
	    : (struct fetch_validators){ "", "" };
	size_t count = 0;

	*c = (struct condition){ .lines = { NULL } };
	if (v.etag[0] != '\0') {
		snprintf(
		    c->match, sizeof c->match, "If-None-Match: %.250s", v.etag);
		c->lines[count++] = c->match;
	}
	if (v.last_modified[0] != '\0') {
		snprintf(c->since, sizeof c->since, "If-Modified-Since: %.63s",
		    v.last_modified);
		c->lines[count++] = c->since;
	}
}

static enum fetch_maps_result
read_answer(struct load *l, const struct fetch_response *response,
    const char *url, size_t max, struct fail *why)
{
	const struct load_how how = { .form = LOAD_DETECT, .text_max = max };
	struct load_how meant = how;
	struct load first;

	meant.as_meant = true;
	if (response->body_cut) {
		fail_set(
		    why, "%s: longer than --max-size", url_text_of(url).text);
		return FETCH_MAPS_REFUSED;
	}
	/* read twice: what it is, and then as a program reads it */
	if (load_text_as(&first, url,
		slice_of(response->body, response->body_len), &meant,
		why) == -1)
		return FETCH_MAPS_FAILED;
	if (kind_name(first.kind.kind) != NULL) {
		check(&first, url, why);
		load_close(&first);
		return FETCH_MAPS_REFUSED;
	}
	load_close(&first);
	if (load_text_as(l, url, slice_of(response->body, response->body_len),
		&how, why) == -1)
		return FETCH_MAPS_FAILED;
	return check(l, url, why) == 0 ? FETCH_MAPS_DONE : FETCH_MAPS_REFUSED;
}

static enum fetch_maps_result
fetch_one(struct fetch_client *client, const struct fetch_maps_config *config,
    size_t n, struct fetch_maps *m, struct fail *why)
{
	const char *url = config->urls[n];
	const struct url_text shown = url_text_of(url);
	struct condition condition;
	struct fetch_request request = {
		.url = url,
		.ca_file = config->ca_file,
		.headers = condition.lines,
		.timeout_ms = config->timeout_ms,
		.body_max = config->max,
	};
	struct fetch_response response;
	enum fetch_maps_result result = FETCH_MAPS_FAILED;
	struct fail reason = { 0 };

	make_condition(&condition, config->known, n);
	if (fetch(client, &request, &response, &reason) != FETCH_OK) {
		fail_set(why, "%s: %s", shown.text, reason.text);
	} else if (response.status == 304 && config->known != NULL) {
		result = FETCH_MAPS_UNCHANGED;
	} else if (response.status != 200) {
		fail_set(why, "%s: the answer is %s", shown.text,
		    response.status_line);
		result = FETCH_MAPS_REFUSED;
	} else if (fetch_state_add(&m->state, url,
		       (struct fetch_validators){
			   response.etag, response.last_modified }) == -1) {
		fail_set(why, "not enough memory");
	} else {
		result =
		    read_answer(&m->loads[n], &response, url, config->max, why);
	}
	fetch_response_clear(&response);
	return result;
}

/* --- all of them --- */

/* A region and which map it is of. */
struct entry {
	struct derpmap_region *region;
	size_t order;
};

static int
by_key_and_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->region->key != y->region->key)
		return x->region->key < y->region->key ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static size_t
list_entries(struct entry *entries, const struct fetch_maps *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++)
		for (size_t j = 0; j < m->loads[i].map.region_count; j++) {
			struct derpmap_region *r = m->loads[i].map.regions[j];

			entries[n++] = (struct entry){ r, i };
		}
	return n;
}

static void
add_last(struct fetch_maps *m, const struct entry *e)
{
	if (e->region->is_nil)
		m->dropped[m->dropped_count++] =
		    (struct fetch_maps_dropped){ e->region->key, e->order };
	else
		m->regions[m->map.region_count++] = e->region;
}

/* Makes one map: the last region of each key. What else a map holds is that of
 * the last one. */
static int
join(struct fetch_maps *m, struct fail *why)
{
	struct entry *entries;
	size_t most = 0, n;

	for (size_t i = 0; i < m->count; i++)
		most += m->loads[i].map.region_count;
	entries = calloc(most + 1, sizeof *entries);
	m->regions = calloc(most + 1, sizeof(struct derpmap_region *));
	m->dropped = calloc(most + 1, sizeof *m->dropped);
	if (entries == NULL || m->regions == NULL || m->dropped == NULL) {
		free(entries);
		return fail_set(why, "not enough memory");
	}
	n = list_entries(entries, m);
	qsort(entries, n, sizeof *entries, by_key_and_order);
	m->map = m->loads[m->count - 1].map;
	m->map.regions = m->regions;
	m->map.region_count = 0;
	m->map.regions_nil = false;
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n ||
		    entries[i].region->key != entries[i + 1].region->key)
			add_last(m, &entries[i]);
	free(entries);
	return 0;
}

static void
close_loads(struct fetch_maps *m)
{
	for (size_t i = 0; i < m->count; i++)
		load_close(&m->loads[i]);
	fetch_state_clear(&m->state);
}

/* All URLs once; UNCHANGED when any of them answered 304, and in *all whether
 * all did. */
static enum fetch_maps_result
ask_all(struct fetch_client *client, const struct fetch_maps_config *config,
    struct fetch_maps *m, bool *all, struct fail *why)
{
	size_t unchanged = 0;

	for (size_t i = 0; i < config->count; i++)
		switch (fetch_one(client, config, i, m, why)) {
		case FETCH_MAPS_DONE:
			break;
		case FETCH_MAPS_UNCHANGED:
			unchanged++;
			break;
		case FETCH_MAPS_REFUSED:
			return FETCH_MAPS_REFUSED;
		case FETCH_MAPS_FAILED:
			return FETCH_MAPS_FAILED;
		}
	*all = unchanged == config->count;
	return unchanged > 0 ? FETCH_MAPS_UNCHANGED : FETCH_MAPS_DONE;
}

static enum fetch_maps_result
ask(struct fetch_client *client, const struct fetch_maps_config *config,
    struct fetch_maps *m, struct fail *why)
{
	struct fetch_maps_config again = *config;
	enum fetch_maps_result result;
	bool all = false;

	result = ask_all(client, config, m, &all, why);
	if (result == FETCH_MAPS_UNCHANGED && !all) {
		/* one has changed, so all are needed */
		close_loads(m);
		again.known = NULL;
		result = ask_all(client, &again, m, &all, why);
	}
	if (result != FETCH_MAPS_DONE)
		return result;
	if (join(m, why) == -1)
		return FETCH_MAPS_FAILED;
	if (fetch_maps_size(&m->map).nodes > 0)
		return FETCH_MAPS_DONE;
	fail_set(why, "%s%s: a map without a single node",
	    url_text_of(config->urls[config->count - 1]).text,
	    config->count > 1 ? " and the URLs before it" : "");
	return FETCH_MAPS_REFUSED;
}

enum fetch_maps_result
fetch_maps(struct fetch_maps *m, const struct fetch_maps_config *config,
    struct fail *why)
{
	struct fetch_client *client = NULL;
	enum fetch_maps_result result = FETCH_MAPS_FAILED;

	*m = (struct fetch_maps){ .count = config->count };
	m->loads = calloc(config->count, sizeof *m->loads);
	if (m->loads != NULL && fetch_global_init() == 0)
		client = fetch_client_new(1);
	if (client != NULL)
		result = ask(client, config, m, why);
	else
		fail_set(why,
		    "not enough memory, or libcurl is not there or cannot "
		    "start");
	fetch_client_free(client);
	return result;
}

void
fetch_maps_clear(struct fetch_maps *m)
{
	if (m->loads != NULL)
		close_loads(m);
	free(m->loads);
	free(m->regions);
	free(m->dropped);
	*m = (struct fetch_maps){ 0 };
}
