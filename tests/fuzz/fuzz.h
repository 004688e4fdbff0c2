/*
 * fuzz: what all harnesses share.
 *
 * A harness defines LLVMFuzzerTestOneInput. Beyond not crashing it states
 * properties with FUZZ_CHECK, so that a wrong answer is found as well.
 */
#ifndef DERPKIT_FUZZ_H
#define DERPKIT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's names: see its documentation. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A property of every input. */
#define FUZZ_CHECK(cond)                                              \
	do {                                                          \
		if (!(cond)) {                                        \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
			    __FILE__, __LINE__, #cond);               \
			abort();                                      \
		}                                                     \
	} while (0)

#endif
