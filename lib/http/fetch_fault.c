/* fetch_fault: see fetch_fault.h. */
#include "fetch_fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* OpenSSL's word for bytes that are no TLS record, as of an HTTP server. */
static bool
has_no_tls(const struct fetch_fault *f)
{
	return f->code == CURLE_SSL_CONNECT_ERROR &&
	    strstr(f->text, "wrong version number") != NULL;
}

/* The words of errno with a small first letter, as Go has them. */
static void
explain_connect(const char *text, int error, struct fail *why)
{
	char words[128] = "";
	const char *said = strerror_r(error, words, sizeof words);

	fail_set(
	    why, "%s: %c%s", text, tolower((unsigned char)*said), said + 1);
}

/* connect() says "connection refused" of a file that is not a socket. */
static void
explain_unix(const char *path, int error, struct fail *why)
{
	char text[256];
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		fail_set(why, "cannot connect to %s: it is %s", path,
		    S_ISDIR(st.st_mode) ? "a directory, not a socket"
					: "not a socket");
	snprintf(text, sizeof text, "cannot connect to %s", path);
	explain_connect(text, error, why);
}

void
fetch_fault_explain(const struct fetch_fault *f, struct fail *why)
{
	const char *text =
	    f->text[0] != '\0' ? f->text : curl_easy_strerror(f->code);
	long os_error = 0;

	curl_easy_getinfo(f->curl, CURLINFO_OS_ERRNO, &os_error);
	if (f->code == CURLE_OK) /* all the same to libcurl, but not to Go */
		fail_set(why, "the answer ended within its head");
	else if (has_no_tls(f))
		fail_set(why,
		    "the server does not speak TLS on that port (is its URL "
		    "http:// ?)");
	else if (f->code != CURLE_COULDNT_CONNECT || os_error == 0)
		fail_set(why, "%s", text);
	else if (f->unix_socket != NULL)
		explain_unix(f->unix_socket, (int)os_error, why);
	else
		explain_connect(text, (int)os_error, why);
}

bool
fetch_fault_is_trust(const struct fetch_fault *f)
{
	switch (f->code) {
	case CURLE_UNSUPPORTED_PROTOCOL: /* also said of bytes without a head */
		return strstr(f->text, "HTTP/0.9") == NULL;
	case CURLE_URL_MALFORMAT:
	case CURLE_NOT_BUILT_IN:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		return true;
	default: /* libcurl has a hundred */
		return has_no_tls(f);
	}
}
