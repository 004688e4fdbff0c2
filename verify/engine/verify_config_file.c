/* verify_config_file: see verify_config_file.h. */
#include "verify_config_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void
tell(struct verify_config_file *f, bool is_bad, const char *fmt, ...)
{
	char text[FAIL_TEXT_MAX + 128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	f->events.tell(f->events.ctx, is_bad, text);
}

void
verify_config_file_init(struct verify_config_file *f,
    struct verify_current *current, const char *path,
    const struct verify_config *config,
    const struct verify_config_file_events *events)
{
	*f = (struct verify_config_file){ .current = current,
		.path = path,
		.events = *events,
		.tried = config->stamp,
		.seen = config->stamp };
	memcpy(f->digest, config->digest, sizeof f->digest);
}

/* What cannot be used; is_retry: nobody has changed it or asked for it. */
static void
tell_bad(struct verify_config_file *f, bool is_retry, const struct fail *why)
{
	if (!is_retry || strcmp(f->why.text, why->text) != 0)
		tell(f, true, "%s; the configuration before stays in force",
		    why->text);
	f->why = *why;
	f->polls = 0;
}

static void
read_again(struct verify_config_file *f, bool differs, bool is_retry)
{
	struct verify_config config = { .source_count = 0 };
	struct fail why = { 0 };
	int rc = f->events.read(f->events.ctx, &config, &why);

	if (rc == 0 && !differs && !f->is_bad &&
	    memcmp(f->digest, config.digest, sizeof f->digest) == 0) {
		verify_config_clear(&config);
		tell(f, false,
		    "%s has not changed; the lists that it names are read "
		    "again",
		    f->path);
		return;
	}
	if (rc == 0) {
		memcpy(f->digest, config.digest, sizeof f->digest);
		rc = verify_current_replace(f->current, &config, &why);
		verify_config_clear(&config);
	}
	f->is_bad = rc == -1;
	if (f->is_bad) {
		verify_current_drop_next(f->current);
		tell_bad(f, is_retry, &why);
	} else {
		tell(f, false,
		    "%s has been read; it takes over when its sources have "
		    "been read, too",
		    f->path);
	}
}

/* Reads the file if it differs from what was last read, and is not being
 * written, or was bad a while ago; forced: in any case, as two texts may look
 * the same from outside. */
static void
look(struct verify_config_file *f, bool forced)
{
	const struct filestamp now = filestamp_of(f->path);
	const bool is_quiet = filestamp_eq(&now, &f->seen);
	const bool differs = !filestamp_eq(&now, &f->tried);
	const bool is_retry = !forced && !differs && f->is_bad &&
	    ++f->polls >= VERIFY_CONFIG_FILE_RETRY;

	f->seen = now;
	if (!forced && !is_retry && (!differs || !is_quiet))
		return;
	f->tried = now;
	read_again(f, differs, is_retry);
}

void
verify_config_file_poll(struct verify_config_file *f, bool forced)
{
	if (f->path != NULL)
		look(f, forced);
	if (forced)
		verify_current_reload(f->current);
	if (verify_current_tick(f->current))
		tell(f, false, "%s is in force", f->path);
}
