/*
 * syscall_filter: which system calls this process may still make.
 *
 * A list of what the relay, its TLS and HTTP libraries and name resolution
 * need; everything else fails with EPERM. No program can be run, no other
 * process looked into, no memory made executable. Threads: the main thread's,
 * before others run; they inherit it. Source: seccomp(2), libseccomp.
 */
#ifndef DERPKIT_SYSCALL_FILTER_H
#define DERPKIT_SYSCALL_FILTER_H

#include "fail.h"

/* Puts the filter in force. Needs no_new_privs. -1 and the reason. */
int syscall_filter_enforce(struct fail *why);

#endif
