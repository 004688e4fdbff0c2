/*
 * num: numbers and durations out of text, with ranges.
 *
 * The syntax is Go's (strconv.ParseInt with base 0, ParseBool, ParseDuration),
 * because the flags are those of a Go program. Threads: pure functions.
 */
#ifndef DERPKIT_NUM_H
#define DERPKIT_NUM_H

#include "bytes.h"

/* Decimal, 0x, 0o, 0b, or octal with a leading 0; optional sign; no blanks.
 * -1 when it is not a number or outside [min, max]; *out is then untouched. */
int num_parse_int(struct slice text, int64_t min, int64_t max, int64_t *out);

/* The value of a hex digit, in either case; -1 for any other byte. */
int num_hex_digit(uint8_t c);

/* Decimal digits only, without sign: ports, sizes. Same errors. */
int num_parse_decimal(struct slice text, uint64_t max, uint64_t *out);

/* 1 t T true TRUE True / 0 f F false FALSE False. */
int num_parse_bool(struct slice text, bool *out);

/* A Go duration ("300ms", "1.5h", "-2h45m", "0") in nanoseconds. -1
 * otherwise. */
int num_parse_duration_ns(struct slice text, int64_t *out);

/* A Go duration ("300ms", "1.5h", "2h45m", "0") in milliseconds, rounded
 * towards zero; negative ones are rejected. -1 otherwise. */
int num_parse_duration_ms(struct slice text, uint64_t *out);

#endif
