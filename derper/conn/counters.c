/* counters: see counters.h. */
#include "counters.h"

#include <stdio.h>

void
counters_add(struct counters *to, const struct counters *from)
{
#define COUNTER_ADD(name) to->name += from->name;
	COUNTERS(COUNTER_ADD)
#undef COUNTER_ADD
}

void
counters_format(const struct counters *c, char *out, size_t cap)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
#define COUNTER_ROW(name) { #name, c->name },
		COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
	};
	size_t at = 0;
	int n;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i].value == 0)
			continue;
		n = snprintf(out + at, cap - at, "%s%s=%llu", at > 0 ? " " : "",
		    all[i].name, (unsigned long long)all[i].value);
		if (n < 0 || (size_t)n >= cap - at)
			return;
		at += (size_t)n;
	}
}
