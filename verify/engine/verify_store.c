/* verify_store: see verify_store.h. */
#include "verify_store.h"

#include "verify_last_good.h"

#include <stdlib.h>
#include <string.h>

#define CHANGED_MS 5000 /* between two writes of what changes all the time */
#define TRUE_MS 60000   /* so long is what has not changed as old as the file */

int
verify_store_init(struct verify_store *s,
    const struct verify_source_context *context,
    const struct verify_source_config *row, struct verify_feed *feed,
    struct verify_known *known)
{
	char path[PATH_MAX];

	*s = (struct verify_store){
		.context = *context, .feed = feed, .known = known
	};
	if (context->last_good == NULL || context->last_good[0] == '\0')
		return 0;
	if (verify_last_good_path(context->last_good, row, path) == -1)
		return -1;
	s->path = strdup(path);
	return s->path != NULL ? 0 : -1;
}

void
verify_store_clear(struct verify_store *s)
{
	free(s->path);
	s->path = NULL;
}

static void
remember(
    struct verify_known *known, const struct verify_set *set, int64_t true_s)
{
	struct verify_set_node node;

	for (size_t i = 0; i < verify_set_count(set); i++) {
		verify_set_at(set, i, &node);
		verify_known_put(
		    known, &node.key, NULL, true_s, node.expires_s);
	}
}

void
verify_store_load(struct verify_store *s)
{
	struct fail why = { 0 };
	struct verify_set *set;
	int64_t true_s;

	if (s->path == NULL)
		return;
	set = verify_last_good_load(s->path, &true_s, &why);
	if (set == NULL) {
		if (why.text[0] != '\0')
			verify_source_notify(&s->context,
			    "last good list is not used: %s", why.text);
		return;
	}
	if (s->feed != NULL) {
		/* the clock was set back: it may be of any age */
		if (true_s > s->context.wall_s())
			true_s = 0;
		verify_feed_restore(s->feed, set, true_s);
		return;
	}
	remember(s->known, set, true_s);
	verify_set_drop(set);
}

static uint64_t
generation_of(const struct verify_store *s)
{
	return s->feed != NULL ? verify_feed_generation(s->feed)
			       : verify_known_generation(s->known);
}

static bool
is_due(const struct verify_store *s, uint64_t now_ms, bool at_end)
{
	const bool changed = !s->has_saved || generation_of(s) != s->generation;

	if (!s->has_saved)
		return true;
	if (at_end)
		return true;
	return now_ms - s->saved_ms >= (changed ? CHANGED_MS : TRUE_MS);
}

/* What is to be written, and since when it is true; NULL: nothing. While the
 * source is away the file has what it last said. */
static struct verify_set *
get_set(const struct verify_store *s, int64_t *true_s)
{
	struct verify_feed_stats stats;

	*true_s = s->context.wall_s();
	if (s->feed == NULL)
		return verify_known_set(s->known, *true_s);
	verify_feed_stats(s->feed, &stats);
	if (!stats.has_set || stats.fault != VERIFY_FAULT_NONE)
		return NULL;
	*true_s -= (int64_t)(stats.age_ms / 1000);
	return verify_feed_hold(s->feed);
}

static void
report(struct verify_store *s, int rc, const struct fail *why)
{
	if (rc == -1 && !s->failed)
		verify_source_notify(&s->context,
		    "cannot keep the last good list: %s; after a restart "
		    "nobody is known while the source is away",
		    why->text);
	s->failed = rc == -1;
}

void
verify_store_tick(struct verify_store *s, bool at_end)
{
	const uint64_t now_ms = s->context.now_ms();
	struct fail why = { 0 };
	struct verify_set *set;
	uint64_t generation;
	int64_t true_s;

	if (s->path == NULL || !is_due(s, now_ms, at_end))
		return;
	generation = generation_of(s);
	set = get_set(s, &true_s);
	if (set == NULL)
		return;
	if (s->known == NULL || verify_set_count(set) > 0 || s->has_saved)
		report(
		    s, verify_last_good_save(s->path, set, true_s, &why), &why);
	verify_set_drop(set);
	s->generation = generation;
	s->saved_ms = now_ms;
	s->has_saved = true;
}
