/* server_limits: see server_limits.h. */
#include "server_limits.h"

#include "accept_limit.h"
#include "clock.h"
#include "rate_file.h"

#include <math.h>

int
server_limits_open(
    struct server_limits *l, const struct config *config, struct fail *why)
{
	*l = (struct server_limits){ .config = config };
	if (config->rate_config[0] != '\0') {
		l->rate_limit = rate_file_open(
		    config->rate_config, (size_t)config->max_connections, why);
		if (l->rate_limit == NULL)
			return -1;
	}
	/* as upstream: of the TLS port only */
	if (!config->use_tls || isinf(config->accept_limit))
		return 0;
	l->accept_limit = accept_limit_new(
	    config->accept_limit, (double)config->accept_burst, clock_now_us());
	return l->accept_limit != NULL ? 0 : fail_set(why, "out of memory");
}

void
server_limits_reload(struct server_limits *l, bool by_signal)
{
	if (l->rate_limit != NULL)
		rate_file_reload(
		    l->rate_limit, l->config->rate_config, by_signal);
}

void
server_limits_close(struct server_limits *l)
{
	accept_limit_free(l->accept_limit);
	rate_limit_free(l->rate_limit);
}
