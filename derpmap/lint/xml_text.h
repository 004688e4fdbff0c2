/*
 * xml_text: foreign text in XML reports.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_XML_TEXT_H
#define DERPKIT_XML_TEXT_H

#include <stdio.h>

/* Prints ` name="text"`, escaped; characters that XML 1.0 does not have, and
 * bytes that are not UTF-8, become U+FFFD. */
void xml_text_attribute(FILE *to, const char *name, const char *text);

/* The same for the content of an element. */
void xml_text_content(FILE *to, const char *text);

#endif
