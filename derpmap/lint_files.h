/*
 * lint_files: the findings of all files of a call, as they are wanted: rules
 * chosen, severities set, suppressed ones taken out.
 *
 * Life: lint_files_open -> lint_files_add... -> lint_files_finish, once ->
 * lint_files_close. Blocking (files). Threads: used by one.
 */
#ifndef DERPKIT_LINT_FILES_H
#define DERPKIT_LINT_FILES_H

#include "buf.h"
#include "lint.h"
#include "lint_settings.h"
#include "suppression.h"

/* Sets what the command line sets, after the settings file. -1 with *why. */
typedef int lint_files_options_fn(
    const void *options, struct lint_settings *s, struct fail *why);

struct host_names;

struct lint_files_config {
	size_t file_count;         /* at most so many maps are added */
	const char *settings_file; /* NULL: looked for, if search is set */
	bool search;
	lint_files_options_fn *apply;
	const void *options; /* for apply; borrowed */
	/* the relays of the maps are looked at, with these; NULL: they are
	 * not. Borrowed */
	const struct host_names *online;
};

struct lint_file_entry;
struct compose_ports;
struct effective;
struct fixer_result;

struct lint_files {
	const struct lint_files_config *config; /* borrowed */
	struct arena *arena;                    /* owned */
	struct findings list;
	struct lint lint;
	struct suppressions suppressions;
	struct lint_file_entry *files; /* owned */
	size_t count, cap;
	size_t untried; /* relays that time was too short for */
	/* the settings of the last folder, and its name */
	const struct lint_settings *last;
	const char *last_path;
	bool has_last;
};

/* -1 when memory is short. config is borrowed until it is closed. */
int lint_files_open(
    struct lint_files *f, const struct lint_files_config *config);

/* Reads the file and runs the rules over it; its name is borrowed. -1 with
 * *why: the file cannot be read, or its settings are wrong. */
int lint_files_add(struct lint_files *f, const char *file,
    const struct load_how *how, struct fail *why);

/* Runs the rules over headscale's configuration, whose ports compose (or NULL)
 * publishes; the name of its file is
 * borrowed. -1 with *why. */
int lint_files_add_config(struct lint_files *f, const struct effective *e,
    const struct compose_ports *compose, struct fail *why);

/* Runs the rules about how a relay is started over the file that starts it,
 * whose name is borrowed, and the files of variables that it names. -1 with
 * *why. */
int lint_files_add_derper(
    struct lint_files *f, const char *file, struct fail *why);

/* Appends the file's text to out with what can be fixed of the wanted findings;
 * *fixed tells what was, and what is left. -1 with *why. */
int lint_files_fix(struct lint_files *f, const char *file,
    const struct load_how *how, struct slice text, struct buf *out,
    struct fixer_result *fixed, struct fail *why);

/* Judges all files together and leaves in f->list what is wanted, sorted. */
void lint_files_finish(struct lint_files *f);

/* The worst finding that fails its file, before any are hidden: the severity,
 * or SEVERITY_WARNING for information with strict; -1: none does. */
int lint_files_worst(const struct lint_files *f);

/* Hides what is below the level of each file's settings; of those without, of
 * `otherwise`. A level that is set here, below SEVERITY_COUNT, wins. */
void lint_files_hide(
    struct lint_files *f, size_t level, enum severity otherwise);

void lint_files_close(struct lint_files *f);

#endif
