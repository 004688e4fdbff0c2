/*
 * lint_settings: what is wanted of lint for a file: by .derpmap.yaml, then by
 * the command line.
 *
 * The nearest .derpmap.yaml in the file's folder or above is used, or the one
 * that is given:
 *
 *     select: [P, R, N]        # patterns of rules; all without it
 *     ignore: [R17]
 *     severity: {R16: error, O06: off}
 *     level: warning           # the least severity that is shown
 *     strict: true             # information too gives exit status 1
 *     min-client: "1.82"
 *     headscale-version: "0.28"
 *
 * Life: borrowed from the arena. Blocking (files). Threads: one.
 */
#ifndef DERPKIT_LINT_SETTINGS_H
#define DERPKIT_LINT_SETTINGS_H

#include "selection.h"
#include "target.h"

#define LINT_SETTINGS_FILE ".derpmap.yaml"

struct lint_settings {
	struct selection selection;
	size_t level; /* enum severity; SEVERITY_COUNT: not set */
	bool strict;
	struct target target;
};

/* The defaults. -1 when memory is short. */
int lint_settings_init(struct lint_settings *s, struct arena *a);

/* Sets what the file at path sets. -1 with *why, which has the place. */
int lint_settings_read(struct lint_settings *s, struct arena *a,
    const char *path, struct fail *why);

/*
 * Looks for the settings file of a map ("-": of the working folder). Returns
 * its path, owned by the arena; NULL when there is none or memory is short.
 */
const char *lint_settings_find(const char *file, struct arena *a);

/* Sets the version of headscale by its name. -1 with *why. */
int lint_settings_headscale(
    struct lint_settings *s, struct slice name, struct fail *why);

#endif
