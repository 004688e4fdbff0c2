/* doctor_clock: this machine's clock against those of the servers that the
 * configuration names. */
#include "doctor_checks.h"

#include "clock.h"
#include "fetch.h"
#include "url_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASK_MS 5000
/* Beyond the one clients and authorities begin to disagree with us, beyond the
 * other signed requests and short-lived certificates fail. */
#define WARNING_S 60
#define ERROR_S 300

static const char name[] = "clock";

/* "Sun, 29 Nov 2026 11:00:00 GMT". -1: it is none. */
static int64_t
parse_date(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	return end != NULL && *end == '\0' ? (int64_t)timegm(&tm) : -1;
}

static void
judge(const struct doctor_subject *d, const char *origin, int64_t theirs_s)
{
	const int64_t off_s = clock_wall_s() - theirs_s;
	const int64_t size_s = off_s < 0 ? -off_s : off_s;

	if (size_s < WARNING_S)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "within %" PRId64 " s of %s", size_s + 1, origin);
	else
		doctor_report_add(d->report, name,
		    size_s < ERROR_S ? DOCTOR_WARNING : DOCTOR_ERROR,
		    "have it set over the network (timedatectl set-ntp true)",
		    "it is %" PRId64 " s %s that of %s", size_s,
		    off_s < 0 ? "behind" : "ahead of", origin);
}

static void
ask(const struct doctor_subject *d, struct fetch_client *client,
    const char *url, const char *ca_file)
{
	const struct url_text origin = url_text_origin(url);
	char root[URL_TEXT_MAX + 2], date[64] = "";
	const struct fetch_field field = { "Date", date, sizeof date };
	const struct fetch_request request = {
		.url = root,
		.ca_file =
		    ca_file != NULL && ca_file[0] != '\0' ? ca_file : NULL,
		.no_redirects = true,
		.timeout_ms = ASK_MS,
		.fields = &field,
		.field_count = 1,
	};
	struct fetch_response response;
	struct fail why = { 0 };
	enum fetch_result result;

	snprintf(root, sizeof root, "%s/", origin.text);
	result = fetch(client, &request, &response, &why);
	fetch_response_clear(&response);
	if (result == FETCH_OK && parse_date(date) != -1)
		judge(d, origin.text, parse_date(date));
	else
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "not compared with %s: %s", origin.text,
		    result == FETCH_OK ? "it does not tell the time"
				       : why.text);
}

static bool
is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 ||
	    strncmp(text, "https://", 8) == 0;
}

void
doctor_clock(const struct doctor_subject *d)
{
	const struct verify_config *admission = &d->found->setup.admission;
	const struct acme_config *acme = &d->config->acme;
	struct fetch_client *client = fetch_client_new(1);
	unsigned asked = 0;

	if (client == NULL)
		return;
	if (d->config->use_tls && acme->used && !acme->waits_for_name) {
		ask(d, client, acme->url, acme->ca_file);
		asked++;
	}
	for (size_t i = 0; i < admission->source_count; i++)
		if (is_url(admission->sources[i].argument)) {
			ask(d, client, admission->sources[i].argument,
			    admission->sources[i].ca_file);
			asked++;
		}
	fetch_client_free(client);
	if (asked == 0)
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "no server is configured that could tell the time");
}
