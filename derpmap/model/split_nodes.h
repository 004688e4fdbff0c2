/*
 * split_nodes: a node of which each key became an element of the list, because
 * each has a dash: [{name: a}, {regionid: 900}, {hostname: h}].
 *
 * For decoders that decode what is meant. Threads: used by one.
 */
#ifndef DERPKIT_SPLIT_NODES_H
#define DERPKIT_SPLIT_NODES_H

#include "decoder.h"

/* Makes one node of each such row of elements, in all regions, and reports it.
 * Elements with one key are left alone when they may be nodes by themselves.
 * reader: the program that does not do so, for the text. */
void split_nodes_join(struct decoder *d, const char *reader);

#endif
