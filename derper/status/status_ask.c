/* status_ask: see status_ask.h. */
#include "status_ask.h"

#include "status_traffic.h"

#include <stdlib.h>

void
status_ask_free(struct status_ask *ask)
{
	status_traffic_free(ask->traffic);
	free(ask->text);
	free(ask);
}

struct slice
status_ask_body(const struct status_ask *ask)
{
	return ask->text != NULL ? slice_of(ask->text, ask->len)
				 : slice_str("out of memory\n");
}
