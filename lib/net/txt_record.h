/*
 * txt_record: the text that DNS has for a name.
 *
 * Threads: any. Source: RFC 1035 sections 3.3.14 and 4.1; resolver(3).
 */
#ifndef DERPKIT_TXT_RECORD_H
#define DERPKIT_TXT_RECORD_H

#include "bytes.h"

/* Appends the strings of the first TXT record of an answer, one after the
 * other. -1 when it has none, is not a good answer, or does not fit. */
int txt_record_parse(struct slice answer, struct writer *text);

/* The same, asked of the system's resolver, which blocks for as long as that
 * takes: some seconds. */
int txt_record_lookup(const char *name, struct writer *text);

#endif
