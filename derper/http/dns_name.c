/* dns_name: see dns_name.h. */
#include "dns_name.h"

#include <string.h>

bool
dns_name_is_plain(struct slice text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	for (size_t i = 0; i < text.n; i++)
		if (memchr(allowed, text.p[i], sizeof allowed - 1) == NULL)
			return false;
	return true;
}
