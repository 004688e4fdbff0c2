/* url_text: see url_text.h. */
#include "url_text.h"

#include "bytes.h"

#include <stdio.h>
#include <string.h>

/* The host and port of what comes after "://", up to the path. */
static struct slice
host_of(struct slice authority)
{
	struct slice host = authority, user, after;

	while (slice_cut(host, '@', &user, &after))
		host = after;
	return host;
}

struct url_text
url_text_of(const char *url)
{
	const char *mark = strstr(url, "://");
	struct slice shown, query, host, path;
	struct url_text t;
	bool has_path;

	if (mark == NULL) {
		snprintf(t.text, sizeof t.text, "%s", url);
		return t;
	}
	slice_cut(slice_str(mark + strlen("://")), '?', &shown, &query);
	has_path = slice_cut(shown, '/', &host, &path);
	host = host_of(host);
	snprintf(t.text, sizeof t.text, "%.*s://%.*s%s%.*s", (int)(mark - url),
	    url, (int)host.n, (const char *)host.p, has_path ? "/" : "",
	    (int)path.n, (const char *)path.p);
	return t;
}

struct url_text
url_text_origin(const char *url)
{
	const struct url_text whole = url_text_of(url);
	const char *mark = strstr(whole.text, "://");
	struct slice host, path;
	struct url_text t;

	if (mark == NULL)
		return whole;
	slice_cut(slice_str(mark + strlen("://")), '/', &host, &path);
	snprintf(t.text, sizeof t.text, "%.*s://%.*s", (int)(mark - whole.text),
	    whole.text, (int)host.n, (const char *)host.p);
	return t;
}

struct url_text
url_text_with_path(const char *url, const char *path)
{
	const struct url_text whole = url_text_of(url);
	const struct url_text origin = url_text_origin(url);
	const size_t n = strlen(origin.text);

	return strcmp(whole.text + n, path) == 0 ? whole : origin;
}

struct url_text
url_text_unchecked(const char *url, const char *path)
{
	static const char scheme[] = "http://";
	char whole[URL_TEXT_MAX];
	struct url_text shown, t;

	if (strstr(url, "://") != NULL)
		return url_text_with_path(url, path);
	snprintf(whole, sizeof whole, "%s%s", scheme, url);
	shown = url_text_with_path(whole, path);
	snprintf(t.text, sizeof t.text, "%s", shown.text + strlen(scheme));
	return t;
}
