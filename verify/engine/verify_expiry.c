/* verify_expiry: see verify_expiry.h. */
#include "verify_expiry.h"

#include "verify_nodes.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Go's zero time, 0001-01-01T00:00:00Z: another way to say never */
#define GO_ZERO_TIME_S INT64_C(-62135596800)

/* RFC 3339, as Go writes it: any number of digits of a second, any offset.
 * -1 when it is something else. */
static int
parse_rfc3339(const char *text, int64_t *out)
{
	int year, month, day, hour, minute, second, used = 0;
	int off_hour = 0, off_minute = 0, off_used = 0;
	struct tm tm;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day,
		&hour, &minute, &second, &used) != 6 ||
	    used != 19)
		return -1;
	text += used;
	if (*text == '.') {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits == 0)
			return -1;
		text += 1 + digits;
	}
	if (strcmp(text, "Z") != 0) {
		if ((*text != '+' && *text != '-') ||
		    sscanf(text + 1, "%2d:%2d%n", &off_hour, &off_minute,
			&off_used) != 2 ||
		    off_used != 5 || text[6] != '\0')
			return -1;
		if (*text == '-') {
			off_hour = -off_hour;
			off_minute = -off_minute;
		}
	}
	if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60)
		return -1;
	tm = (struct tm){
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
	};
	*out = timegm(&tm) - (off_hour * 60 + off_minute) * 60;
	return 0;
}

/* null and absent: never; text; or {"seconds":N,"nanos":N}, zeros left out. */
int
verify_expiry_parse(const json_t *value, int64_t *out)
{
	const json_t *seconds;

	if (value == NULL || json_is_null(value)) {
		*out = VERIFY_NODES_NEVER;
		return 0;
	}
	if (json_is_string(value)) {
		if (parse_rfc3339(json_string_value(value), out) == -1)
			return -1;
	} else if (json_is_object(value)) {
		seconds = json_object_get(value, "seconds");
		if (seconds != NULL && !json_is_integer(seconds))
			return -1;
		*out = json_integer_value(seconds);
	} else {
		return -1;
	}
	if (*out <= GO_ZERO_TIME_S)
		*out = VERIFY_NODES_NEVER;
	return 0;
}
