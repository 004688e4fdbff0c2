/* counters_report: see counters_report.h. */
#include "counters_report.h"

#include "counters.h"
#include "log.h"
#include "registry.h"

/* Bytes of a line that are not the counters': the time, and more as JSON. */
#define AROUND 160

void
counters_report(
    const struct counters_array *counters, struct registry *registry)
{
	char text[LOG_LINE_MAX - AROUND];
	const struct counter_values sum = counters_sum(counters);
	const struct notify_stats notify = registry_notify_stats(registry);
	size_t at = 0;

	if (!counters_format(&sum, &at, text, sizeof text))
		return;
	do
		log_info("counters %s", text);
	while (counters_format(&sum, &at, text, sizeof text));
	log_info("counters notify_pairs=%zu notify_bytes=%zu "
		 "notify_refused=%llu",
	    notify.pairs, notify.bytes, (unsigned long long)notify.refused);
}
