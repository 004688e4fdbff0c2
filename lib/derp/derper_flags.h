/*
 * derper_flags: which flags a derper knows, and the variables that set them.
 *
 * The one list for the relay, which has a value for each, and for derpmap,
 * which looks for flags that a relay would refuse. What they do is told by the
 * relay (derper/flags_rows). Threads: constant.
 */
#ifndef DERPKIT_DERPER_FLAGS_H
#define DERPKIT_DERPER_FLAGS_H

#include "bytes.h"

#define DERPER_VARIABLE_MAX 64 /* bytes of a variable's name */

struct derper_flag {
	const char *name;     /* without dashes */
	const char *variable; /* beside the one made of the name; or NULL */
	bool is_switch;       /* its value is joined by =, or true */
};

extern const struct derper_flag derper_flags[];
extern const size_t derper_flag_count;

/* The flag of that name, without dashes; NULL: a relay refuses it. */
const struct derper_flag *derper_flags_find(struct slice name);

/* The variable that is the flag's default: DERP_STUN_PORT for stun-port. */
void derper_flags_variable(
    const char *flag, char variable[static DERPER_VARIABLE_MAX]);

#endif
