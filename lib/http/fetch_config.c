/* fetch_config: see fetch_config.h. */
#include "fetch_config.h"

#include "cert.h"
#include "url_text.h"

#include <curl/curl.h>
#include <string.h>

static int
check_parts(CURLU *parts, const char *url, bool *has_path, struct fail *why)
{
	const CURLUcode code =
	    curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
	char *scheme = NULL, *path = NULL;
	int rc = 0;

	if (code == CURLUE_BAD_SCHEME)
		return fail_set(why, "has no scheme (http:// or https://)");
	if (code != CURLUE_OK)
		return fail_set(
		    why, "is not a URL: %s", curl_url_strerror(code));
	if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		rc = fail_set(why, "out of memory");
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		rc = fail_set(why,
		    "has the scheme \"%s\" (only http and https are known)",
		    scheme);
	else
		*has_path = strcmp(path, "/") != 0;
	curl_free(scheme);
	curl_free(path);
	return rc;
}

int
fetch_config_check_url(const char *url, bool *has_path, struct fail *why)
{
	CURLU *parts = curl_url();
	struct fail reason = { 0 };
	int rc;

	*has_path = false;
	if (parts == NULL)
		return fail_set(why, "out of memory, or no libcurl");
	rc = check_parts(parts, url, has_path, &reason);
	curl_url_cleanup(parts);
	return rc == 0
	    ? 0
	    : fail_set(why, "URL %s: %s",
		  url_text_unchecked(url, "/verify").text, reason.text);
}

int
fetch_config_check_roots(const char *ca_file, struct fail *why)
{
	struct cert_info info;
	struct fail reason = { 0 };

	if (cert_load_info(&info, ca_file, &reason) == 0)
		return 0;
	return fail_set(why, "CA file %s: %s", ca_file, reason.text);
}
