/*
 * admission_engine: the relay's engine of admission, and the file that
 * configures it.
 *
 * Life: { 0 } -> admission_engine_open -> admission_engine_poll ... ->
 * admission_engine_close. Threads: the main thread's.
 */
#ifndef DERPKIT_ADMISSION_ENGINE_H
#define DERPKIT_ADMISSION_ENGINE_H

#include "config.h"
#include "verify_config_file.h"

struct relay_shared;

struct admission_engine {
	struct verify_current *verify;  /* owned; NULL: everybody is admitted */
	struct verify_config_file file; /* of it */
	const struct config *flags;     /* borrowed */
	struct relay_shared *relay;     /* borrowed: whose clients they are */
};

/* Starts the engine, if the config (admission_config.h) has sources. -1 and the
 * reason. */
int admission_engine_open(struct admission_engine *e,
    const struct config *flags, struct relay_shared *relay,
    struct verify_config *config, struct fail *why);

/* Answers the pending questions, by message to workers that still exist. */
void admission_engine_close(struct admission_engine *e);

/* Once a second; forced: on SIGHUP. */
void admission_engine_poll(struct admission_engine *e, bool forced);

#endif
