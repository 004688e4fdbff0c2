/*
 * json_member: members out of JSON that is printed for people.
 *
 * Threads: any, of values that nobody changes.
 */
#ifndef DERPKIT_JSON_MEMBER_H
#define DERPKIT_JSON_MEMBER_H

#include <jansson.h>

/* Of a member; "" when it is missing or no text. Lives as long as the object.
 */
const char *json_member_text(const json_t *object, const char *name);

#endif
