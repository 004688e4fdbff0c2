/*
 * aead_mb: the AEADs by libipsec-mb, for aead only.
 *
 * Life: aead_mb_open once -> aead_mb_load, seal, open. Threads: any; a key
 * belongs to one. Source: intel-ipsec-mb.h, "direct" API.
 */
#ifndef DERPKIT_AEAD_MB_H
#define DERPKIT_AEAD_MB_H

#include "aead_kind.h"

/* An expanded key. */
struct aead_mb;

/* Whether the library was compiled in and runs on this CPU. The first call
 * sets it up. */
bool aead_mb_usable(void);

/* Returns owned; NULL when memory is short. */
struct aead_mb *aead_mb_new(void);
/* Wipes and frees. */
void aead_mb_free(struct aead_mb *m);
void aead_mb_wipe(struct aead_mb *m);

/* Expands the key. */
void aead_mb_load(struct aead_mb *m, enum aead_kind kind, const uint8_t *key);

/* As aead_seal and aead_open; the caller compares the tag, which goes to
 * `tag`. */
void aead_mb_seal(struct aead_mb *m, const struct aead_record *record,
    struct slice text, uint8_t last, uint8_t *out);
void aead_mb_open(struct aead_mb *m, const struct aead_record *record,
    struct slice text, uint8_t *out, uint8_t tag[static AEAD_TAG]);

#endif
