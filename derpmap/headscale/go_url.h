/*
 * go_url: URLs as Go's net/url parses them, as far as headscale uses them.
 *
 * What Parse rejects is rejected here with its reason, what it accepts is
 * accepted: a file's path is a URL without a scheme. Go 1.26, which rejects
 * more than one colon in the host of http and https.
 *
 * Threads: pure functions over the caller's arena.
 */
#ifndef DERPKIT_GO_URL_H
#define DERPKIT_GO_URL_H

#include "arena.h"
#include "bytes.h"
#include "fail.h"

struct go_url {
	struct slice scheme; /* in lower case; empty: none */
	struct slice host;   /* with port and brackets, unescaped */
};

/* -1 with *why: Parse rejects it, or memory is short. */
int go_url_parse(
    struct go_url *u, struct arena *a, struct slice text, struct fail *why);

/* net.SplitHostPort: "host:port" or "[host]:port". -1: it rejects the text;
 * *why has its reason. */
int go_url_split_host_port(struct slice text, struct slice *host,
    struct slice *port, struct fail *why);

#endif
