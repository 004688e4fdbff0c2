/*
 * keyfile: the relay's own private key, kept in a small JSON file.
 *
 * {"PrivateKey":"privkey:HEX"}, as the Go derper reads and writes it. A missing
 * file is made: parent folders, a new key, mode 0600, whole or not at all
 * (newfile.h); of two relays that make it at once one reads the other's. A file
 * that is there is never written. Blocking; start-up only.
 * Source: tailscale cmd/derper/derper.go (loadConfig, writeNewConfig).
 */
#ifndef DERPKIT_KEYFILE_H
#define DERPKIT_KEYFILE_H

#include "derp_key.h"
#include "fail.h"

/* Loads the key of the file at path, or makes the file. -1 and the reason. */
int keyfile_load(
    const char *path, struct derp_private_key *key, struct fail *why);

/* The same without making the file: *missing says that it would be made, and
 * *key is then any. -1 and the reason that keyfile_load would give. */
int keyfile_try(const char *path, struct derp_private_key *key, bool *missing,
    struct fail *why);

/* Logs a warning when other users can read or change a file with a private
 * key. */
void keyfile_warn_readable(const char *path);

#endif
