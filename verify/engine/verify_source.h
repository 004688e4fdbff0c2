/*
 * verify_source: something that can say whether a node key may use the relay.
 *
 * A source is one file. It embeds struct verify_source as its first member and
 * exports one struct verify_source_kind, which has a row in verify_kinds.c. The
 * engine calls a source through its operations only. A source can do one or
 * more of three things: answer about one key (ask), tell all its nodes (list),
 * keep a connection on which it learns of changes (push). What it lists or
 * pushes is kept by the engine, which then answers from memory, and asks about
 * keys that are not there.
 *
 * Life: kind->open -> ask, list, push ... -> close, when none of them runs any
 * more. Threads: ask from any number at once; list and push from one thread,
 * which is the source's own; list at the start also before there is any.
 */
#ifndef DERPKIT_VERIFY_SOURCE_H
#define DERPKIT_VERIFY_SOURCE_H

#include "derp_key.h"
#include "fail.h"
#include "netaddr.h"
#include "verify_answer.h"
#include "verify_set.h"

#include <limits.h>
#include <stdatomic.h>

#define VERIFY_SOURCE_SHOWN_MAX (PATH_MAX + 64)

/* What it means for an answer that the source cannot be reached. */
enum verify_outage {
	VERIFY_OUTAGE_DEFAULT, /* that of its kind */
	VERIFY_OUTAGE_CLOSED,  /* the answer is unknown */
	VERIFY_OUTAGE_OPEN,    /* the answer is allow, marked fail_open */
	/* what it last said counts, for keys that it then allowed; also while
	 * its answers cannot be used */
	VERIFY_OUTAGE_LAST_GOOD,
};

/* What the keys of a source are. */
enum verify_role {
	VERIFY_ROLE_ALLOW,
	VERIFY_ROLE_DENY, /* a deny list: it says nothing of other keys */
};

#define VERIFY_OPTIONS_MAX 8 /* of one kind */

/* A setting that only some kinds have. */
enum verify_option_type {
	VERIFY_OPTION_TEXT,
	VERIFY_OPTION_FILE,     /* read while serving: programs that confine
				   themselves must allow it */
	VERIFY_OPTION_BOOL,     /* "true" or "false" */
	VERIFY_OPTION_DURATION, /* "30s"; passed on as milliseconds: "30000" */
	VERIFY_OPTION_WORDS,    /* a list of words; passed on as one text, see
				   verify_program.h */
};

struct verify_option {
	const char *name; /* "token-file"; NULL ends a table */
	enum verify_option_type type;
	const char *argument_name; /* "FILE"; for the help */
	const char *help;
	/* how programs spell it, for all sources of the kind: derpverify and
	 * derper; NULL: in configuration files only */
	const char *tool_option, *relay_option;
};

/* One source as configured. Texts are borrowed; open copies them. */
struct verify_source_config {
	const struct verify_source_kind *kind;
	const char *argument;      /* never NULL: path, URL, ... */
	const char *ca_file;       /* PEM roots; NULL or "": the system's */
	enum verify_outage outage; /* OPEN: if kind->can_fail_open only */
	uint64_t outage_ms;        /* how long OPEN and LAST_GOOD count, since
				      the source was last true; 0: forever */
	enum verify_role role;     /* DENY: only of one that lists or pushes */
	/* of one that can ask: have it list or push too, where it can. Not set
	 * for upstream's flags, which only ask. */
	bool follow;
	bool allow_expired;   /* a key whose time has run out still counts */
	uint64_t refresh_ms;  /* between two lists; 0: the context's */
	uint64_t recheck_ms;  /* ask again about connected keys; 0: never */
	unsigned shrink_part; /* in percent: a list with fewer than this part
				 of the nodes before needs a second look;
				 0: default */
	struct verify_option_value {
		const char *name, *value;
	} options[VERIFY_OPTIONS_MAX];
	size_t option_count;
};

struct verify_revoke;

/* What all sources of an engine share. Immutable; copied by sources. */
struct verify_source_context {
	uint64_t (*now_ms)(void); /* monotonic; never NULL */
	int64_t (*wall_s)(void);  /* seconds since 1970; never NULL */
	/* tells the operator; may be NULL; any thread, no lock is held */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
	uint64_t refresh_ms; /* between two lists; 0: the kind's */
	uint64_t list_ms;    /* for one of a server; 0: the kind's */
	size_t threads;      /* that ask at once, as the engine sets it */
	bool interactive;    /* a person waits: no retries at start */
	bool allow_empty;    /* a list that becomes empty is believed at once */
	/* folder where the last good sets are kept, of sources with
	 * VERIFY_OUTAGE_LAST_GOOD; NULL or "": nowhere. Until verify_new
	 * returns borrowed. */
	const char *last_good;
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
struct verify_feed;

/* What came of listing. */
enum verify_listed {
	VERIFY_LISTED,      /* the set has all nodes */
	VERIFY_LIST_SAME,   /* nothing has changed; what was listed is true */
	VERIFY_LIST_LATER,  /* cannot tell yet: call again in again_ms */
	VERIFY_LIST_AWAY,   /* *why: it cannot be reached */
	VERIFY_LIST_BAD,    /* *why: what it says cannot be used */
	VERIFY_LIST_OURS,   /* *why: a shortage here */
	VERIFY_LIST_STOPPED /* *stop was set */
};

struct verify_listing {
	/* in */
	bool reread;             /* although nothing seems to have changed */
	const atomic_bool *stop; /* return soon when it is set */
	/* out: empty at first; filled with verify_set_add, left unsealed */
	struct verify_set *set; /* borrowed */
	uint64_t again_ms;      /* when to list next; 0: after the interval */
	bool is_new;            /* what is BAD was not seen before: tell it even
				   if it is bad for the same reason */
};

struct verify_source_ops {
	/* Sets *answer: UNKNOWN with a fault if the source gives none; the
	 * engine makes of it what the outage policy says. NULL: cannot. */
	void (*ask)(struct verify_source *s, const struct verify_question *q,
	    struct verify_answer *answer);
	/* Tells all nodes. NULL: cannot. May block. */
	enum verify_listed (*list)(struct verify_source *s,
	    struct verify_listing *listing, struct fail *why);
	/* Keeps a connection and tells the feed (verify_feed.h) what is true
	 * and what changes, until verify_feed_stop is set or the connection is
	 * lost, and then returns; the engine calls it again after a while.
	 * False: the other side cannot do it, use list instead. NULL: cannot.
	 */
	bool (*push)(struct verify_source *s, struct verify_feed *feed);
	/* Frees it. */
	void (*close)(struct verify_source *s);
};

struct verify_source {
	/* set by the engine when it has been opened, then immutable */
	const struct verify_source_kind *kind;
	char *argument; /* owned by the engine */
	/* immutable; operations that the configuration does not want are NULL
	 */
	const struct verify_source_ops *ops;
	bool blocks;       /* ask may wait for I/O: call it on workers */
	bool reads_client; /* ask: the answer may depend on the client's
			      address */
	uint64_t list_ms;  /* that a list may take, if the user says so; or 0 */
	/* list: a key that is not in the set is worth listing again for before
	 * it is denied (a node may just have been registered); for sources
	 * that cannot ask */
	bool list_on_miss;
};

struct verify_source_kind {
	const char *name;  /* in configurations: "url" */
	const char *label; /* before the argument in messages: "node list";
			      NULL: the name */
	/* how programs spell it: the option of derpverify, and that of derper
	 * (NULL: derper has the Go derper's flags for it); what to call the
	 * argument in the help, and a sentence for each */
	const char *tool_option, *relay_option;
	const char *argument_name;
	const char *tool_help, *relay_help;
	const struct verify_option *options;   /* or NULL: none */
	enum verify_option_type argument_type; /* TEXT, FILE or WORDS */
	bool needs_argument;                   /* it may not be empty */
	bool uses_ca_file;
	bool can_fail_open;
	bool runs_programs; /* which confined programs cannot */
	/* derper's flag for it admits expired keys when it only asks */
	bool asked_admits_expired;
	enum verify_outage outage; /* when none is configured; DEFAULT: CLOSED
				    */
	uint64_t refresh_ms;       /* when none is configured */
	/* the first list is read before the engine starts, which fails when
	 * that does (a file) */
	bool list_first;
	/* an empty list is only believed when the operator says so, not at the
	 * second look (a file that a script wrote) */
	bool doubt_empty;
	/* -1 and *why: no source can be opened with that argument, whatever
	 * the state of the world. NULL: any will do. */
	int (*check)(const char *argument, struct fail *why);
	/* NULL and *why on failure. Returns owned: free with ops->close. */
	struct verify_source *(*open)(const struct verify_source_config *config,
	    const struct verify_source_context *context, struct fail *why);
};

/* A source's argument as it may be shown: of a URL, without user, query and any
 * path but /verify; of a command, the first word, as others may be secret. */
struct verify_source_shown {
	char text[VERIFY_SOURCE_SHOWN_MAX]; /* cut if it is too long */
};
struct verify_source_shown verify_source_shown(
    const struct verify_source_kind *kind, const char *argument);

/* Milliseconds left until the deadline. */
uint64_t verify_source_left_ms(const struct verify_question *q);

/* The value of an option of the kind; NULL when it is not set. */
const char *verify_source_option(
    const struct verify_source_config *config, const char *name);

/* Tells the operator, if there is anybody to tell. */
__attribute__((format(printf, 2, 3))) void verify_source_notify(
    const struct verify_source_context *context, const char *fmt, ...);

#endif
