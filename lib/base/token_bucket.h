/*
 * token_bucket: how much of something may pass per second.
 *
 * Tokens are taken at once, also those that are not there yet: the bucket is
 * then in debt, and whoever took them waits until it is paid. So the rate holds
 * in the long run however large the pieces are, and nobody is passed over.
 * Threads: plain values, with the time passed in.
 */
#ifndef DERPKIT_TOKEN_BUCKET_H
#define DERPKIT_TOKEN_BUCKET_H

#include <stdint.h>

struct token_bucket {
	double per_s;   /* tokens earned; not above zero: no limit */
	double burst;   /* most tokens in it */
	double tokens;  /* below zero: owed */
	uint64_t at_us; /* when they were counted */
};

/* A full bucket; per_s may be infinite. */
struct token_bucket token_bucket_of(
    double per_s, double burst, uint64_t now_us);

/* Takes n tokens. Returns for how many microseconds to wait, 0 for not at all.
 */
uint64_t token_bucket_take(struct token_bucket *b, double n, uint64_t now_us);

/* Gives n tokens back that were taken in vain. */
void token_bucket_put(struct token_bucket *b, double n);

/* For how many microseconds to wait until n tokens are there, which are not
 * taken. */
uint64_t token_bucket_wait_us(
    struct token_bucket *b, double n, uint64_t now_us);

/* How many tokens may be taken before one has to wait for longer than wait_us;
 * not above zero: none; infinite where there is no limit. */
double token_bucket_room(
    struct token_bucket *b, uint64_t wait_us, uint64_t now_us);

/* When the bucket is full again if nothing is taken meanwhile. */
uint64_t token_bucket_full_us(const struct token_bucket *b);

#endif
