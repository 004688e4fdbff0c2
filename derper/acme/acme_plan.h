/*
 * acme_plan: what is to be done next for an ordered certificate, and when.
 *
 * It is told what there is and what came of things; it opens nothing and knows
 * no clock. A renewal is due by the date, which may jump; waits after a failure
 * and after a success go by a clock that does not. Failures are counted by
 * kind since the last success, so that one kind between others of another does
 * not make either start anew. Life: all zero -> acme_plan_found or
 * acme_plan_missing -> the rest. Threads: a plain value.
 */
#ifndef DERPKIT_ACME_PLAN_H
#define DERPKIT_ACME_PLAN_H

#include "acme_note.h"

struct acme_now {
	uint64_t ms; /* monotonic */
	int64_t s;   /* since 1970 */
};

struct acme_plan {
	/* the certificate that is in the folder */
	bool usable;
	int64_t from_s, to_s; /* of a usable one */
	double share;         /* of what is left to chance, 0 <= share < 1 */
	struct acme_window window; /* as suggested; to_s 0: nothing */
	uint64_t ask_ms;           /* when to ask for it */
	/* failures since the last success */
	unsigned failures[ACME_FAULT_COUNT];
	enum acme_fault fault; /* the last */
	bool asked;            /* it was the authority that said how long */
	bool tried_other;      /* kind of challenge */
	uint64_t retry_ms;     /* nothing is tried before that */
	uint64_t told_ms;      /* nor by others with this folder */
	/* after a success, whatever is suggested */
	uint64_t hold_ms;    /* a usable certificate is not replaced before */
	uint64_t missing_ms; /* nor one that is gone */
	bool unsaved;        /* one was issued, and is to be written */
};

/* What went wrong. */
struct acme_failure {
	enum acme_fault fault;
	unsigned retry_after_s; /* what the authority asks for; 0: nothing */
	bool has_other;         /* there is another kind of challenge to try */
};

enum acme_step {
	ACME_STEP_WAIT,
	ACME_STEP_ASK,   /* the authority when it would like a renewal */
	ACME_STEP_SAVE,  /* what was issued */
	ACME_STEP_ORDER, /* or take up an order that was left */
};

/* There is a certificate with those dates, another than before; or there is
 * none, or none that can be used. */
void acme_plan_found(
    struct acme_plan *p, int64_t from_s, int64_t to_s, double share);
void acme_plan_missing(struct acme_plan *p, double share);

/* What the authority suggests; NULL: nothing, and whether it answers such
 * questions at all. retry_after_s: when to ask again, 0: not said. True when
 * that is another window than before. */
bool acme_plan_asked(struct acme_plan *p, struct acme_now now,
    const struct acme_window *window, bool offered, unsigned retry_after_s);

/* Something failed. Returns how long it waits, in milliseconds; share (0 <=
 * share < 1) is left to chance. */
uint64_t acme_plan_failed(struct acme_plan *p, struct acme_now now,
    const struct acme_failure *failure, double share);

/* A certificate with those dates was written (both 0: unknown). */
void acme_plan_issued(
    struct acme_plan *p, struct acme_now now, int64_t from_s, int64_t to_s);

/* Somebody wants it to be tried at once. False: the authority has been too
 * often asked already, and the wait goes on. */
bool acme_plan_woken(struct acme_plan *p, struct acme_now now);

/* What the others are to be told after a failure; false: nothing, it concerns
 * this relay only. */
bool acme_plan_tell(const struct acme_plan *p, struct acme_now now,
    struct acme_note_retry *note);

/* What one of them, or this relay before a restart, has told. True when it
 * makes this one wait longer. */
bool acme_plan_heard(struct acme_plan *p, struct acme_now now,
    const struct acme_note_retry *note);

/* What to do now. */
enum acme_step acme_plan_step(const struct acme_plan *p, struct acme_now now);

/* How long until there may be something to do, in milliseconds; at most
 * ACME_PLAN_LOOK_MS, because the date may jump and files may change. */
#define ACME_PLAN_LOOK_MS 10000
uint64_t acme_plan_pause_ms(const struct acme_plan *p, struct acme_now now);

/* When the next certificate is ordered, in seconds since 1970, as far as it is
 * known now. */
int64_t acme_plan_next_s(const struct acme_plan *p, struct acme_now now);

#endif
