/* verify_event: see verify_event.h. */
#include "verify_event.h"

const char *
verify_event_name(enum verify_event_kind kind)
{
	static const char *const names[] = {
		[VERIFY_EVENT_ADDED] = "added",
		[VERIFY_EVENT_REMOVED] = "removed",
		[VERIFY_EVENT_CHANGED] = "changed",
		[VERIFY_EVENT_EXPIRED] = "expired",
		[VERIFY_EVENT_LISTED] = "listed",
		[VERIFY_EVENT_LOST] = "lost",
		[VERIFY_EVENT_BACK] = "back",
		[VERIFY_EVENT_DOUBTED] = "doubted",
	};

	return names[kind];
}
