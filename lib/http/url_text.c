/* url_text: see url_text.h. */
#include "url_text.h"

#include "bytes.h"

#include <stdio.h>
#include <string.h>

struct url_text
url_text_of(const char *url)
{
	const char *mark = strstr(url, "://");
	struct slice shown, query, host, path, user, after;
	struct url_text t;
	bool has_path;

	if (mark == NULL) {
		snprintf(t.text, sizeof t.text, "%s", url);
		return t;
	}
	slice_cut(slice_str(mark + strlen("://")), '?', &shown, &query);
	has_path = slice_cut(shown, '/', &host, &path);
	while (slice_cut(host, '@', &user, &after))
		host = after;
	snprintf(t.text, sizeof t.text, "%.*s://%.*s%s%.*s", (int)(mark - url),
	    url, (int)host.n, (const char *)host.p, has_path ? "/" : "",
	    (int)path.n, (const char *)path.p);
	return t;
}
