/* acme_http: see acme_http.h. */
#include "acme_http.h"

#include "encode.h"
#include "url_text.h"

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

/* Copies the answer. */
static int
take(const struct fetch_response *response, const char *url,
    struct acme_reply *reply, struct acme_error *error)
{
	const struct url_text shown = url_text_of(url);

	reply->status = response->status;
	reply->retry_after_s = response->retry_after_s;
	/* RFC 8555 6.5.1: a nonce is base64url */
	if (!encode_is_base64url(slice_str(reply->nonce)))
		reply->nonce[0] = '\0';
	if (response->body_cut)
		return acme_error_set(error, ACME_FAULT_UNREACHABLE,
		    "%s answers too much", shown.text);
	if (buf_append(&reply->body, response->body, response->body_len) == 0)
		return 0;
	return acme_error_set(error, ACME_FAULT_OURS, "out of memory");
}

int
acme_http_send(struct acme_http *h, const char *url, const struct slice *post,
    struct acme_reply *reply, struct acme_error *error)
{
	/* RFC 8555 6.1 wants clients to say who they are */
	static const char *const headers[] = {
		"User-Agent: derpkit/" DERPKIT_VERSION,
		"Content-Type: application/jose+json", NULL
	};
	static const char *const get_headers[] = {
		"User-Agent: derpkit/" DERPKIT_VERSION, NULL
	};
	char date[64] = "";
	const struct fetch_field fields[] = {
		{ "Date", date, sizeof date },
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
	struct fail why = { 0 };
	int rc = -1;

	switch (fetch(h->client, &request, &response, &why)) {
	case FETCH_OK:
		reply->date_s = fetch_date_s(date);
		rc = take(&response, url, reply, error);
		break;
	case FETCH_SHORT: /* says nothing of the authority */
		rc = acme_error_set(error, ACME_FAULT_OURS, "%s", why.text);
		break;
	case FETCH_UNREACHABLE:
	case FETCH_BROKEN:
	case FETCH_UNTRUSTED:
		rc = acme_error_set(
		    error, ACME_FAULT_UNREACHABLE, "%s", why.text);
	}
	fetch_response_clear(&response);
	return rc;
}
