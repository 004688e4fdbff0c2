/* server_supervision: see server_supervision.h. */
#include "server_supervision.h"

#include "counters.h"
#include "log.h"

static void
put_certificate(
    const struct config *c, const struct metrics *m, struct writer *w)
{
	const time_t ends = (time_t)atomic_load(&m->certificate_expires_s);
	struct tm date;
	char text[32];

	if (ends == 0 && c->use_tls)
		writer_printf(w, ", no certificate yet");
	if (ends != 0 && gmtime_r(&ends, &date) != NULL &&
	    strftime(text, sizeof text, "%Y-%m-%d", &date) > 0)
		writer_printf(w, ", certificate until %s", text);
}

static void
put_admission(const struct metrics *m, struct writer *w)
{
	struct verify_counters admission;

	if (m->verify == NULL) {
		writer_printf(w, ", everybody is admitted");
		return;
	}
	verify_current_get_counters(m->verify, &admission);
	writer_printf(w, ", %llu node keys listed",
	    (unsigned long long)admission.nodes_listed);
}

static void
tell_status(struct supervision *s, const struct config *c,
    const struct metrics *m, uint64_t now_us)
{
	const struct counter_values sum = counters_sum(m->counters);
	char text[SUPERVISION_STATUS_MAX];
	struct writer w = writer_of(text, sizeof text - 1);

	writer_printf(
	    &w, "%llu clients", (unsigned long long)sum.current_connections);
	put_certificate(c, m, &w);
	put_admission(m, &w);
	text[w.n] = '\0';
	supervision_status(s, now_us, text);
}

void
server_supervision_poll(struct supervision *s, const struct config *config,
    const struct metrics *metrics, uint64_t now_us)
{
	const bool is_complete =
	    metrics->verify == NULL || verify_current_is_ready(metrics->verify);
	struct fail why = { 0 };

	if (!supervision_is_used(s))
		return;
	if (supervision_poll(s, now_us, is_complete, &why) == -1)
		log_error("derper: %s", why.text);
	tell_status(s, config, metrics, now_us);
}
