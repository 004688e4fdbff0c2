/* update_limit: see update_limit.h. */
#include "update_limit.h"

bool
update_limit_take(uint8_t *left, uint64_t records)
{
	const uint64_t earned = *left + records / UPDATE_LIMIT_RECORDS;

	if (earned == 0)
		return false;
	*left =
	    (uint8_t)(earned <= UPDATE_LIMIT_EARLY ? earned - 1
						   : UPDATE_LIMIT_EARLY - 1);
	return true;
}
