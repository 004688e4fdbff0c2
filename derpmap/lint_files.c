/* lint_files: see lint_files.h. */
#include "lint_files.h"

#include "command.h"
#include "derper_start.h"
#include "effective.h"
#include "fixer.h"
#include "infile.h"
#include "relay_sight.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)1 << 30)

struct lint_file_entry {
	const char *name; /* borrowed; findings have the same pointer */
	const struct lint_settings *settings;
};

int
lint_files_open(struct lint_files *f, const struct lint_files_config *config)
{
	*f = (struct lint_files){ .config = config };
	f->arena = arena_new(ARENA_MAX);
	if (f->arena == NULL)
		return -1;
	findings_init(&f->list, f->arena);
	lint_begin(&f->lint, &f->list, config->file_count);
	return 0;
}

/* Settings of the file's folder; those of the last file when they are the
 * same. NULL with *why. */
static const struct lint_settings *
settings_of(struct lint_files *f, const char *file, struct fail *why)
{
	const char *path = f->config->settings_file;
	struct lint_settings *s;

	if (path == NULL && f->config->search)
		path = lint_settings_find(file, f->arena);
	if (f->has_last &&
	    strcmp(path != NULL ? path : "",
		f->last_path != NULL ? f->last_path : "") == 0)
		return f->last;
	s = arena_alloc(f->arena, 1, sizeof *s);
	if (s == NULL || lint_settings_init(s, f->arena) == -1) {
		fail_set(why, "not enough memory");
		return NULL;
	}
	if ((path != NULL &&
		lint_settings_read(s, f->arena, path, why) == -1) ||
	    f->config->apply(f->config->options, s, why) == -1)
		return NULL;
	f->last = s;
	f->last_path = path;
	f->has_last = true;
	return s;
}

static int
keep_file(struct lint_files *f, const char *file,
    const struct lint_settings *settings, struct fail *why)
{
	if (f->count == f->cap) {
		size_t cap = f->cap == 0 ? 16 : 2 * f->cap;
		struct lint_file_entry *files =
		    reallocarray(f->files, cap, sizeof *files);

		if (files == NULL)
			return fail_set(why, "not enough memory");
		f->files = files;
		f->cap = cap;
	}
	f->files[f->count++] = (struct lint_file_entry){ file, settings };
	return 0;
}

/* Runs the rules over a file, those that need it after a look at its relays. */
static int
lint_loaded(struct lint_files *f, const struct load *load, struct fail *why)
{
	struct relay_sights sights = { .n = 0 };

	if (f->config->online != NULL) {
		if (relay_sights_look(
			&sights, &load->map, f->config->online, why) == -1)
			return -1;
		f->untried += sights.untried;
		f->lint.sights = &sights;
	}
	lint_file(&f->lint, load);
	f->lint.sights = NULL;
	relay_sights_clear(&sights);
	return 0;
}

int
lint_files_add(struct lint_files *f, const char *file,
    const struct load_how *how, struct fail *why)
{
	const struct lint_settings *settings = settings_of(f, file, why);
	struct load l;
	int result;

	if (settings == NULL || load_open_as(&l, file, how, why) == -1)
		return -1;
	if (keep_file(f, file, settings, why) == -1) {
		load_close(&l);
		return -1;
	}
	result = lint_loaded(f, &l, why);
	suppressions_collect(&f->suppressions, &l, &f->list);
	load_close(&l);
	return result;
}

int
lint_files_add_derper(struct lint_files *f, const char *file, struct fail *why)
{
	const struct lint_settings *settings = settings_of(f, file, why);
	struct derper_start start;

	if (settings == NULL ||
	    derper_start_open(&start, f->arena, file, why) == -1)
		return -1;
	if (start.unread != NULL)
		command_note("%s; what is in it is not judged", start.unread);
	lint_derper(&start, &f->list);
	for (size_t i = 0; i < start.part_count; i++) {
		const struct load text = { .file = start.parts[i].file,
			.text = derper_start_text(&start, i) };

		if (keep_file(f, text.file, settings, why) == -1)
			return -1;
		suppressions_collect(&f->suppressions, &text, &f->list);
	}
	return 0;
}

int
lint_files_add_config(struct lint_files *f, const struct effective *e,
    const struct compose_ports *compose, struct fail *why)
{
	const char *file = e->config->file;
	const struct lint_settings *settings = settings_of(f, file, why);
	const struct load text = { .file = file,
		.text = e->config->text,
		.dialect = DIALECT_HEADSCALE,
		.doc = e->config->doc };

	if (settings == NULL || keep_file(f, file, settings, why) == -1)
		return -1;
	lint_config(e, compose, &f->list);
	suppressions_collect(&f->suppressions, &text, &f->list);
	return 0;
}

static bool
is_selected(void *ctx, struct finding *finding)
{
	const struct lint_settings *s = ctx;

	return target_judge(&s->target, finding) &&
	    selection_has(&s->selection, finding->rule, &finding->severity);
}

/* Leaves what is wanted and not suppressed. */
static void
choose(void *ctx, const struct load *load, struct findings *list)
{
	struct suppressions s = { .n = 0 };

	suppressions_collect(&s, load, list);
	suppressions_apply(&s, list);
	suppressions_clear(&s);
	findings_keep(list, is_selected, ctx);
}

int
lint_files_fix(struct lint_files *f, const char *file,
    const struct load_how *how, struct slice text, struct buf *out,
    struct fixer_result *fixed, struct fail *why)
{
	const struct lint_settings *settings = settings_of(f, file, why);
	struct lint_settings s;
	const struct fixer_config config = {
		.file = file, .how = how, .choose = choose, .ctx = &s
	};

	if (settings == NULL)
		return -1;
	s = *settings;
	return fixer_run(out, fixed, text, &config, why);
}

static int
by_name(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct lint_file_entry *)a)->name;
	uintptr_t y = (uintptr_t)((const struct lint_file_entry *)b)->name;

	return x < y ? -1 : x > y;
}

static const struct lint_settings *
settings_for(const struct lint_files *f, const struct finding *finding)
{
	const struct lint_file_entry key = { .name = finding->file };
	const struct lint_file_entry *found =
	    bsearch(&key, f->files, f->count, sizeof key, by_name);

	/* a file that another one names has the settings of the last one */
	return found != NULL ? found->settings : f->last;
}

static bool
is_wanted(void *ctx, struct finding *finding)
{
	const struct lint_settings *s = settings_for(ctx, finding);

	return s == NULL || finding->is_fatal ||
	    (target_judge(&s->target, finding) &&
		selection_has(
		    &s->selection, finding->rule, &finding->severity));
}

void
lint_files_finish(struct lint_files *f)
{
	lint_end(&f->lint);
	suppressions_apply(&f->suppressions, &f->list);
	findings_sort(&f->list);
	if (f->count == 0)
		return;
	qsort(f->files, f->count, sizeof *f->files, by_name);
	findings_keep(&f->list, is_wanted, f);
}

int
lint_files_worst(const struct lint_files *f)
{
	int worst = -1;

	for (const struct finding *x = f->list.first; x != NULL; x = x->next) {
		const struct lint_settings *s = settings_for(f, x);
		int severity = (int)x->severity;

		if (severity == SEVERITY_INFO)
			severity = s != NULL && s->strict && !x->is_note
			    ? SEVERITY_WARNING
			    : -1;
		worst = severity > worst ? severity : worst;
	}
	return worst;
}

struct hiding {
	struct lint_files *files;
	size_t level;
	enum severity otherwise;
};

static bool
is_shown(void *ctx, struct finding *finding)
{
	struct hiding *h = ctx;
	const struct lint_settings *s = settings_for(h->files, finding);
	size_t level = h->level;
	bool shown;

	if (level == SEVERITY_COUNT && s != NULL)
		level = s->level;
	if (level == SEVERITY_COUNT)
		level = s != NULL && s->strict ? SEVERITY_INFO : h->otherwise;
	shown = finding->severity >= level;
	h->files->list.hidden[finding->severity] += !shown;
	return shown;
}

void
lint_files_hide(struct lint_files *f, size_t level, enum severity otherwise)
{
	struct hiding h = {
		.files = f, .level = level, .otherwise = otherwise
	};

	findings_keep(&f->list, is_shown, &h);
}

void
lint_files_close(struct lint_files *f)
{
	suppressions_clear(&f->suppressions);
	free(f->files);
	arena_free(f->arena);
	*f = (struct lint_files){ .count = 0 };
}
