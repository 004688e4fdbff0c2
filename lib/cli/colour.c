/* colour: see colour.h. */
#include "colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
colour_name(size_t n)
{
	static const char *const names[] = {
		[COLOUR_AUTO] = "auto",
		[COLOUR_ALWAYS] = "always",
		[COLOUR_NEVER] = "never",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

bool
colour_wanted(enum colour_when when, int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	switch (when) {
	case COLOUR_ALWAYS:
		return true;
	case COLOUR_NEVER:
		return false;
	case COLOUR_AUTO:
		break;
	}
	return isatty(fd) && (no == NULL || no[0] == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}
