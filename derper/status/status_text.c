/* status_text: see status_text.h. */
#include "status_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* At most three digits before the point, and one after it. */
static const char *
scale(char out[static STATUS_TEXT], uint64_t value, const char *const *units,
    size_t unit_count)
{
	double v = (double)value;
	size_t i = 0;

	for (; v >= 999.95 && i + 1 < unit_count; i++)
		v /= 1000;
	if (i == 0)
		snprintf(out, STATUS_TEXT, "%" PRIu64 "%s", value, units[0]);
	else
		snprintf(out, STATUS_TEXT, "%.1f%s", v, units[i]);
	return out;
}

const char *
status_text_bytes(char out[static STATUS_TEXT], uint64_t bytes)
{
	static const char *const units[] = { " B", " kB", " MB", " GB", " TB",
		" PB" };

	return scale(out, bytes, units, sizeof units / sizeof units[0]);
}

const char *
status_text_count(char out[static STATUS_TEXT], uint64_t count)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };

	return scale(out, count, units, sizeof units / sizeof units[0]);
}

const char *
status_text_duration(char out[static STATUS_TEXT], uint64_t s)
{
	if (s < 60)
		snprintf(out, STATUS_TEXT, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(out, STATUS_TEXT, "%" PRIu64 "m %" PRIu64 "s", s / 60,
		    s % 60);
	else if (s < 86400)
		snprintf(out, STATUS_TEXT, "%" PRIu64 "h %" PRIu64 "m",
		    s / 3600, s / 60 % 60);
	else
		snprintf(out, STATUS_TEXT, "%" PRIu64 "d %" PRIu64 "h",
		    s / 86400, s / 3600 % 24);
	return out;
}

const char *
status_text_time(char out[static STATUS_TEXT], int64_t s)
{
	const time_t t = (time_t)s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, STATUS_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}
