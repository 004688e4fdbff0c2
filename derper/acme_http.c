/* acme_http: see acme_http.h. */
#include "acme_http.h"

#include <string.h>

#define TIMEOUT_MS 30000

int
acme_http_init(
    struct acme_http *h, const char *ca_file, const atomic_bool *stop)
{
	*h = (struct acme_http){
		.client = fetch_client_new(1), .ca_file = ca_file, .stop = stop
	};
	return h->client != NULL ? 0 : -1;
}

void
acme_http_clear(struct acme_http *h)
{
	if (h->client != NULL)
		fetch_client_free(h->client);
	h->client = NULL;
}

/* RFC 8555 6.5.1: a nonce is base64url. */
static bool
is_nonce(const char *text)
{
	return strspn(text,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789-_") == strlen(text);
}

int
acme_http_send(struct acme_http *h, const char *url, const struct slice *post,
    struct acme_reply *reply, struct fail *why)
{
	/* RFC 8555 6.1 wants clients to say who they are */
	static const char *const headers[] = {
		"User-Agent: derpkit/" DERPKIT_VERSION,
		"Content-Type: application/jose+json", NULL
	};
	static const char *const get_headers[] = {
		"User-Agent: derpkit/" DERPKIT_VERSION, NULL
	};
	const struct fetch_field fields[] = {
		{ "Replay-Nonce", reply->nonce, sizeof reply->nonce },
		{ "Location", reply->location, sizeof reply->location },
	};
	const struct fetch_request request = {
		.url = url,
		.ca_file = h->ca_file,
		.headers = post != NULL ? headers : get_headers,
		.no_redirects = true,
		.post = post,
		.timeout_ms = TIMEOUT_MS,
		.body_max = ACME_BODY_MAX,
		.fields = fields,
		.field_count = sizeof fields / sizeof fields[0],
		.stop = h->stop,
	};
	struct fetch_response response;
	int rc = -1;

	if (fetch(h->client, &request, &response, why) == FETCH_OK) {
		reply->status = response.status;
		reply->retry_after_s = response.retry_after_s;
		if (!is_nonce(reply->nonce))
			reply->nonce[0] = '\0';
		rc = response.body_cut
		    ? fail_set(why, "%s answers too much", url)
		    : buf_append(
			  &reply->body, response.body, response.body_len);
	}
	fetch_response_clear(&response);
	return rc == 0 ? 0 : fail_set(why, "out of memory");
}
