/*
 * version: what --version prints after the program's name.
 *
 * Made at build time (cmake/version.cmake). Only programs link it, so that a
 * new commit does not relink the tests; DERPKIT_VERSION has the number alone.
 *
 * Threads: immutable.
 */
#ifndef DERPKIT_VERSION_H
#define DERPKIT_VERSION_H

/* "0.1.0 (ab12cd34ef56)"; the number alone where no commit is known. */
extern const char version_text[];

#endif
