/*
 * html: text in HTML. Threads: pure functions.
 */
#ifndef DERPKIT_HTML_H
#define DERPKIT_HTML_H

#include "bytes.h"

/* Appends the text with < > & " ' as entities: safe between tags and in quoted
 * attributes. */
void html_escape(struct writer *w, struct slice text);

#endif
