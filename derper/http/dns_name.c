/* dns_name: see dns_name.h. */
#include "dns_name.h"

bool
dns_name_is_plain(struct slice text)
{
	return slice_has_only(text,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.");
}
