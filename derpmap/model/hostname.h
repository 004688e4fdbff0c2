/*
 * hostname: what is wrong with a node's host name.
 *
 * A host name is an address, or labels of letters, digits and dashes (RFC 1123
 * section 2.1, RFC 1035 section 2.3.4); of other scripts there may be letters,
 * which have an ASCII form (RFC 5890). Which faults matter is the caller's
 * decision: clients do connect to some of them.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_HOSTNAME_H
#define DERPKIT_HOSTNAME_H

#include "netaddr.h"

#define HOSTNAME_MAX 253 /* bytes */
#define HOSTNAME_LABEL_MAX 63
#define HOSTNAME_SHOWN 48 /* bytes of a character's name */

/* Bits. */
enum hostname_fault {
	HOSTNAME_EMPTY = 1 << 0,
	HOSTNAME_LONG = 1 << 1,
	HOSTNAME_LABEL_EMPTY = 1 << 2, /* two dots in a row, or one in front */
	HOSTNAME_LABEL_LONG = 1 << 3,
	HOSTNAME_LABEL_DASH = 1 << 4, /* a label begins or ends with a dash */
	HOSTNAME_LAST_DOT = 1 << 5,   /* clients drop it */
	HOSTNAME_UPPER = 1 << 6,      /* capital letters */
	HOSTNAME_NOT_ASCII = 1 << 7,  /* a letter of another script */
	HOSTNAME_UNDERSCORE = 1 << 8,
	HOSTNAME_CHARACTER = 1 << 9, /* any other that no name has: blanks,
					marks that cannot be seen, quotes too */
	HOSTNAME_NUMERIC = 1 << 10,  /* digits and dots, but not an address */
};

struct hostname {
	bool is_address;
	struct netaddr address; /* set when is_address; there are no faults */
	unsigned faults;
	enum hostname_fault first; /* in the order of the text; 0: none */
	uint32_t character; /* the first one of HOSTNAME_CHARACTER, a code
			       point */
};

void hostname_check(struct hostname *h, struct slice text);

/* Writes what the character is, for a message: "the character '/'", "a
 * blank". */
void hostname_show(char out[static HOSTNAME_SHOWN], uint32_t character);

#endif
