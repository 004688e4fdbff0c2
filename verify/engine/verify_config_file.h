/*
 * verify_config_file: keeps the engine in force true to the file that
 * configures it.
 *
 * The file is read when it has changed, or when the operator says so; one that
 * cannot be used is told, and what is in force stays so; what was read before
 * it and is still to take over does not. What is wrong may lie elsewhere, as in
 * a node list that is not there yet, or pass, as a shortage: such a file is
 * tried again now and then, and told again when the reason is another. While a
 * file is written in place, only a part of it can be read: it is read when two
 * looks find it the same.
 *
 * Life: verify_config_file_init -> verify_config_file_poll .... Threads: main;
 * blocking (files).
 */
#ifndef DERPKIT_VERIFY_CONFIG_FILE_H
#define DERPKIT_VERIFY_CONFIG_FILE_H

#include "filestamp.h"
#include "verify_current.h"

struct verify_config_file_events {
	/* Makes the whole config, to be cleared with verify_config_clear; what
	 * it borrows stays until poll returns. -1 with *why. */
	int (*read)(void *ctx, struct verify_config *config, struct fail *why);
	/* Tells the operator. */
	void (*tell)(void *ctx, bool is_bad, const char *text);
	void *ctx;
};

struct verify_config_file {
	struct verify_current *current; /* borrowed */
	const char *path;               /* borrowed; NULL: there is none */
	struct verify_config_file_events events;
	struct filestamp tried;               /* that was last read */
	struct filestamp seen;                /* at the last look */
	uint8_t digest[VERIFY_CONFIG_DIGEST]; /* of what was last read */
	bool is_bad;                          /* that */
	unsigned polls;                       /* since it was found bad */
	struct fail why;                      /* it is, as last told */
};

/* Of the file that the config in force was read from. */
#define VERIFY_CONFIG_FILE_RETRY 30 /* polls between two tries of a bad one */
void verify_config_file_init(struct verify_config_file *f,
    struct verify_current *current, const char *path,
    const struct verify_config *config,
    const struct verify_config_file_events *events);

/* Once a second or so; forced: the operator says so, which has the lists of the
 * sources read again, too, and believed. */
void verify_config_file_poll(struct verify_config_file *f, bool forced);

#endif
