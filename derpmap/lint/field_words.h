/*
 * field_words: field names in messages, in the spelling of the file's form.
 *
 * Rules name fields as headscale's YAML does. For a JSON map what they say is
 * put into Go's names here, in one place, so that no message sends people to
 * write a key that their file's reader does not want.
 *
 * Threads: used by one.
 */
#ifndef DERPKIT_FIELD_WORDS_H
#define DERPKIT_FIELD_WORDS_H

#include "finding.h"

/* Rewrites messages and fixes from the finding on (NULL: none) to the end of
 * the list: `regionid: 900` becomes `"RegionID": 900`, hostname becomes
 * HostName. Words that are English too (name, nodes, avoid) stay. Short memory
 * sets list->failed. */
void field_words_to_json(struct findings *list, struct finding *from);

#endif
