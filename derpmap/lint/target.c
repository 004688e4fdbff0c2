/* target: see target.h. */
#include "target.h"

#include "headscale_version.h"
#include "num.h"

#include <string.h>

#define CLIENT(major, minor) (1000 * (major) + (minor))

/* Clients before this one panic on a null region: tailscale issue 14752. */
#define CLIENT_NULL_REGIONS CLIENT(1, 80)
/* The first clients that understand a pin, and that do so reliably: tailscale
 * derp/derphttp, issue 15579. */
#define CLIENT_PINS CLIENT(1, 82)
#define CLIENT_PINS_RELIABLY CLIENT(1, 84)

int
target_parse_client(unsigned *client, struct slice text, struct fail *why)
{
	struct slice whole = text, major, minor, rest;
	uint64_t x, y;

	if (slice_starts(text, "v"))
		text = slice_of(text.p + 1, text.n - 1);
	if (slice_cut(text, '.', &major, &rest)) {
		slice_cut(rest, '.', &minor, &rest);
		if (num_parse_decimal(major, 9, &x) == 0 &&
		    num_parse_decimal(minor, 999, &y) == 0) {
			*client = CLIENT((unsigned)x, (unsigned)y);
			return 0;
		}
	}
	return fail_set(why, "\"%.*s\" is not a client's version such as 1.82",
	    (int)(whole.n < 64 ? whole.n : 64), (const char *)whole.p);
}

/* The first clients that understand NoMeasureNoHome: tailscale
 * tailcfg/tailcfg.go, capability version 115. */
#define CLIENT_NO_MEASURE CLIENT(1, 82)

/* T08: a pin that old clients do not understand. */
static bool
judge_pin(const struct target *target, struct finding *f)
{
	if (target->client_min >= CLIENT_PINS_RELIABLY)
		return false;
	f->severity = target->client_min < CLIENT_PINS ? SEVERITY_ERROR
						       : SEVERITY_WARNING;
	return true;
}

/* R18: a region that old clients measure all the same. */
static bool
judge_no_measure(const struct target *target, struct finding *f)
{
	f->severity = SEVERITY_WARNING;
	return target->client_min < CLIENT_NO_MEASURE;
}

/* P22: a null region. */
static bool
judge_null_region(const struct target *target, struct finding *f)
{
	switch (target->headscale->null_region) {
	case HEADSCALE_NULL_SENT:
		f->severity = target->client_min < CLIENT_NULL_REGIONS
		    ? SEVERITY_ERROR
		    : SEVERITY_WARNING;
		break;
	case HEADSCALE_NULL_REMOVES:
		f->severity = SEVERITY_INFO; /* the documented way */
		break;
	case HEADSCALE_NULL_IGNORED:
		f->severity = SEVERITY_WARNING;
		break;
	}
	return true;
}

bool
target_judge(const struct target *target, struct finding *f)
{
	if (target->client_min != 0 && strcmp(f->rule, "T08") == 0)
		return judge_pin(target, f);
	if (target->client_min != 0 && strcmp(f->rule, "R18") == 0)
		return judge_no_measure(target, f);
	if (target->headscale != NULL && strcmp(f->rule, "P22") == 0)
		return judge_null_region(target, f);
	return true;
}
