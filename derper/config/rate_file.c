/* rate_file: see rate_file.h. */
#include "rate_file.h"

#include "infile.h"
#include "log.h"

/* -1 and the reason. */
static int
read_rates(struct rate_config *config, const char *path, struct fail *why)
{
	struct fail inner = { 0 };
	struct buf text;
	int rc;

	if (infile_check_regular(path, why) == -1)
		return -1;
	rc = infile_read(&text, path, RATE_FILE_MAX, why);
	if (rc == 0)
		rc = rate_config_parse(config, buf_slice(&text), &inner);
	if (inner.text[0] != '\0')
		fail_set(why, "%s: %s", path, inner.text);
	buf_clear(&text);
	return rc;
}

/* The first line is upstream's. */
static void
report(const struct rate_config *config)
{
	const struct rate *client = &config->scope[RATE_CLIENT];
	bool any = false;

	log_info("rate config applied: client-rate=%llu bytes/sec, "
		 "client-burst=%llu bytes",
	    (unsigned long long)client->bytes_per_s,
	    (unsigned long long)client->burst_bytes);
	for (size_t i = 0; i < RATE_SCOPES; i++) {
		const struct rate *rate = &config->scope[i];

		any = any || rate->bytes_per_s > 0 || rate->packets_per_s > 0;
		if (rate->packets_per_s == 0 &&
		    (i == RATE_CLIENT || rate->bytes_per_s == 0))
			continue;
		log_info("rate config applied: %s: %llu bytes/sec, burst %llu; "
			 "%llu packets/sec, burst %llu (0: no limit)",
		    rate_scope_name((enum rate_scope)i),
		    (unsigned long long)rate->bytes_per_s,
		    (unsigned long long)rate->burst_bytes,
		    (unsigned long long)rate->packets_per_s,
		    (unsigned long long)rate->burst_packets);
	}
	if (!any)
		log_warn("rate config: it sets no limit (unknown names are "
			 "ignored, as the Go derper does)");
}

struct rate_limit *
rate_file_open(const char *path, size_t clients_max, struct fail *why)
{
	struct rate_config config;
	struct fail inner = { 0 };
	struct rate_limit *limit;

	if (read_rates(&config, path, &inner) == -1) {
		fail_set(why, "rate config: %s", inner.text);
		return NULL;
	}
	limit = rate_limit_new(&config, clients_max);
	if (limit == NULL)
		fail_set(why, "out of memory");
	else
		report(&config);
	return limit;
}

void
rate_file_reload(struct rate_limit *limit, const char *path, bool by_signal)
{
	struct rate_config config;
	struct fail why = { 0 };

	log_info("derper: %sreloading rate config from %s",
	    by_signal ? "received SIGHUP, " : "", path);
	if (read_rates(&config, path, &why) == -1) {
		log_error("derper: rate config reload failed: %s", why.text);
		return;
	}
	rate_limit_set(limit, &config);
	report(&config);
	log_info("derper: rate config reloaded successfully");
}
