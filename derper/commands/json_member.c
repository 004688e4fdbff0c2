/* json_member: see json_member.h. */
#include "json_member.h"

const char *
json_member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}
