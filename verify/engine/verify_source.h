/*
 * verify_source: something that can say whether a node key may use the relay.
 *
 * A source is one file. It embeds struct verify_source as its first member and
 * exports one struct verify_source_kind, which has a row in verify_kinds.c. The
 * engine calls a source through its operations only.
 *
 * Life: kind->open -> ask, refresh ... -> close, when no ask and no refresh
 * runs any more. Threads: ask from any number at once, refresh from one.
 */
#ifndef DERPKIT_VERIFY_SOURCE_H
#define DERPKIT_VERIFY_SOURCE_H

#include "derp_key.h"
#include "fail.h"
#include "netaddr.h"
#include "verify_answer.h"

#include <stdatomic.h>

/* What it means for an answer that the source cannot be reached. */
enum verify_outage {
	VERIFY_OUTAGE_CLOSED, /* the answer is unknown */
	VERIFY_OUTAGE_OPEN,   /* the answer is allow, marked fail_open */
};

/* One source as configured. Texts are borrowed; open copies them. */
struct verify_source_config {
	const struct verify_source_kind *kind;
	const char *argument;      /* never NULL: path, URL, ... */
	const char *ca_file;       /* PEM roots; NULL or "": the system's */
	enum verify_outage outage; /* OPEN: if kind->can_fail_open only */
};

struct verify_revoke;

/* What all sources of an engine share. Immutable; copied by sources. */
struct verify_source_context {
	uint64_t (*now_ms)(void); /* monotonic; never NULL */
	int64_t (*wall_s)(void);  /* seconds since 1970; never NULL */
	/* tells the operator; may be NULL; any thread, no lock is held */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
	uint64_t refresh_ms; /* between two checks for changes; 0: default */
	size_t threads;      /* that ask at once, as the engine sets it */
	bool interactive;    /* a person waits: no retries at start */
	bool allow_empty;    /* a list that becomes empty is believed at once */
	struct verify_revoke *revoke; /* set by the engine: whom to tell of
					 keys that are no longer allowed */
};

struct verify_question {
	const struct derp_key *key;   /* never the zero key */
	const struct netaddr *client; /* or NULL: not known */
	uint64_t asked_ms;            /* by now_ms: when it came up */
	uint64_t deadline_ms;         /* by now_ms: answer by then */
	uint64_t (*now_ms)(void);     /* monotonic */
	const atomic_bool *stop;      /* return soon when it is set */
};

struct verify_source;

struct verify_source_ops {
	/* Sets *answer. */
	void (*ask)(struct verify_source *s, const struct verify_question *q,
	    struct verify_answer *answer);
	/* Checks whether something changed and loads it; forced is true when
	 * the operator asked for it. Returns in how many ms it must be called
	 * again. NULL: nothing can change. May block. */
	uint64_t (*refresh)(struct verify_source *s, bool forced);
	/* Number of keys in memory; NULL: the source holds none. */
	size_t (*count)(struct verify_source *s);
	/* Frees it. */
	void (*close)(struct verify_source *s);
};

struct verify_source {
	/* set by verify_sources when it has been opened, then immutable */
	const struct verify_source_kind *kind;
	char *argument; /* owned by verify_sources */
	/* immutable */
	const struct verify_source_ops *ops;
	bool blocks;       /* ask may wait for I/O: call it on workers */
	bool reads_client; /* the answer may depend on the client's address */
};

struct verify_source_kind {
	const char *name; /* in configurations: "url" */
	/* how programs spell it: the option of derpverify, and that of derper
	 * (NULL: derper has the Go derper's flags for it); what to call the
	 * argument in the help, and a sentence for each */
	const char *tool_option, *relay_option;
	const char *argument_name;
	const char *tool_help, *relay_help;
	bool needs_argument; /* it may not be empty */
	bool uses_ca_file;
	bool can_fail_open;
	/* NULL and *why on failure. Returns owned: free with ops->close. */
	struct verify_source *(*open)(const struct verify_source_config *config,
	    const struct verify_source_context *context, struct fail *why);
};

/* Milliseconds left until the deadline. */
uint64_t verify_source_left_ms(const struct verify_question *q);

/* Tells the operator, if there is anybody to tell. */
__attribute__((format(printf, 2, 3))) void verify_source_notify(
    const struct verify_source_context *context, const char *fmt, ...);

#endif
