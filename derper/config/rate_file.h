/*
 * rate_file: the file of -rate-config, at start and on SIGHUP.
 *
 * Logs what it does in upstream's words. Threads: the main thread's.
 */
#ifndef DERPKIT_RATE_FILE_H
#define DERPKIT_RATE_FILE_H

#include "rate_limit.h"

/* The limits of the file for at most so many clients; they are logged. Returns
 * owned; NULL and the reason. */
struct rate_limit *rate_file_open(
    const char *path, size_t clients_max, struct fail *why);

/* Reads it again, for SIGHUP or because somebody asked. When that fails, the
 * old limits stay in force. */
void rate_file_reload(
    struct rate_limit *limit, const char *path, bool by_signal);

#endif
