/*
 * doctor_program: runs a program that looks at something for derper doctor.
 *
 * It gets the PATH of who runs the doctor, and no other variable: those of the
 * relay, which were taken over, are not for what may run as root.
 * Threads: the main thread's; blocking.
 */
#ifndef DERPKIT_DOCTOR_PROGRAM_H
#define DERPKIT_DOCTOR_PROGRAM_H

#include "buf.h"
#include "fail.h"

/* Runs it, found in PATH unless the first word has a slash, and takes what it
 * prints into *out, which is initialised here: buf_clear it in any case. The
 * words end with NULL. -1 and the reason: it cannot be run, took more than
 * timeout_ms, or ended with another status than 0; *out may have text even
 * then. */
int doctor_program_run(const char *const words[], uint64_t timeout_ms,
    struct buf *out, struct fail *why);

#endif
