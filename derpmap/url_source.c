/* url_source: see url_source.h. */
#include "url_source.h"

#include "fetch.h"
#include "infile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* As headscale; source: hscontrol/types/const.go, HTTPTimeout. */
#define FETCH_TIMEOUT_MS 30000

/* The file given for the URL by --url-file, or NULL. The URL itself may hold
 * an equals sign, so it is compared as a whole. */
static const char *
file_for(const struct opts_list *url_files, const char *url)
{
	size_t n = strlen(url);

	for (size_t i = url_files->n; i > 0; i--) {
		const char *given = url_files->v[i - 1];

		if (strncmp(given, url, n) == 0 && given[n] == '=')
			return given + n + 1;
	}
	return NULL;
}

static enum headscale_source_status
read_file(const char *file, struct buf *body, struct fail *why)
{
	struct slice text;
	struct buf whole;
	int result = infile_read(&whole, file, body->max, why);

	text = buf_slice(&whole);
	if (result == 0 && buf_append(body, text.p, text.n) == -1)
		result = fail_set(why, "%s: not enough memory", file);
	buf_clear(&whole);
	return result == 0 ? HEADSCALE_SOURCE_LOADED : HEADSCALE_SOURCE_BROKEN;
}

/* The status is ignored, as headscale does. */
static enum headscale_source_status
fetch_url(struct fetch_client *client, const char *url, struct buf *body,
    unsigned *http_status, struct fail *why)
{
	struct fetch_request request = {
		.url = url,
		.timeout_ms = FETCH_TIMEOUT_MS,
		.body_max = body->max,
	};
	struct fetch_response response;
	enum fetch_result result = fetch(client, &request, &response, why);
	enum headscale_source_status status = HEADSCALE_SOURCE_BROKEN;

	*http_status = response.status;
	if (result == FETCH_OK && response.body_cut)
		fail_set(why, "%s: more than %zu bytes", url, body->max);
	else if (result == FETCH_OK &&
	    buf_append(body, response.body, response.body_len) == 0)
		status = HEADSCALE_SOURCE_LOADED;
	fetch_response_clear(&response);
	return status;
}

static enum headscale_source_status
read_url(void *ctx, const char *url, struct buf *body, unsigned *http_status,
    struct fail *why)
{
	const struct url_source *s = ctx;
	const char *file = s->files != NULL ? file_for(s->files, url) : NULL;

	if (file != NULL)
		return read_file(file, body, why);
	if (s->client != NULL)
		return fetch_url(s->client, url, body, http_status, why);
	return HEADSCALE_SOURCE_UNKNOWN;
}

static int
check_file(
    const struct headscale_config *config, const char *given, struct fail *why)
{
	for (size_t i = 0; i < config->urls.v.n; i++) {
		const struct slice url = config->urls.v.v[i];
		const char *file = given + url.n + 1;

		if (strlen(given) <= url.n || given[url.n] != '=' ||
		    !slice_eq(slice_of(given, url.n), url))
			continue;
		if (strcmp(file, "-") == 0 || access(file, R_OK) == 0)
			return 0;
		return fail_set(why, "--url-file %s: %s: %s", given,
		    file[0] != '\0' ? file : "no file is named",
		    strerror(file[0] != '\0' ? errno : EINVAL));
	}
	return fail_set(why, "--url-file %s: no URL of derp.urls is that%s",
	    given, strchr(given, '=') == NULL ? " (write URL=FILE)" : "");
}

int
url_source_check(const struct opts_list *files,
    const struct headscale_config *config, struct fail *why)
{
	/* a configuration that is not read has no URLs to compare with */
	for (size_t i = 0; config->is_read && i < files->n; i++)
		if (check_file(config, files->v[i], why) == -1)
			return -1;
	return 0;
}

int
url_source_open(struct url_source *s, const struct opts_list *files,
    bool fetches, struct fail *why)
{
	*s = (struct url_source){ .files = files };
	if (!fetches)
		return 0;
	if (fetch_global_init() == 0)
		s->client = fetch_client_new(1);
	return s->client != NULL
	    ? 0
	    : fail_set(why, "libcurl is not there or cannot start");
}

struct headscale_source_urls
url_source_urls(struct url_source *s)
{
	return (struct headscale_source_urls){ read_url, s };
}

void
url_source_close(struct url_source *s)
{
	fetch_client_free(s->client);
	s->client = NULL;
}
