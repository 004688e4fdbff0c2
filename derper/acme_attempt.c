/* acme_attempt: see acme_attempt.h. */
#include "acme_attempt.h"

#include "acme_answers.h"
#include "acme_chain.h"
#include "clock.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 262144 /* bytes of PEM */

void
acme_issued_init(struct acme_issued *issued)
{
	issued->key = NULL;
	buf_init(&issued->chain, CHAIN_MAX);
}

void
acme_issued_clear(struct acme_issued *issued)
{
	acme_key_free(issued->key);
	issued->key = NULL;
	buf_clear(&issued->chain);
}

static int
show(void *ctx, enum acme_kind kind, const char *token,
    const char *key_authorization, struct fail *why)
{
	const struct acme_attempt *a = ctx;

	return acme_answers_show(
	    a->answers, a->config->name, kind, token, key_authorization, why);
}

static void
hide(void *ctx)
{
	const struct acme_attempt *a = ctx;

	acme_answers_hide(a->answers);
}

/* What the authority calls the certificate that there is; NULL: there is none.
 */
static const char *
present_id(const struct acme_attempt *a, char id[static ACME_CHAIN_ID_MAX])
{
	struct buf pem;
	int rc;

	buf_init(&pem, CHAIN_MAX);
	rc = acme_folder_read_cert(a->folder, &pem);
	if (rc == 0)
		rc = acme_chain_id(buf_slice(&pem), id);
	buf_clear(&pem);
	return rc == 0 ? id : NULL;
}

/* Let's Encrypt gives certificates for addresses under one profile only. */
static const char *
profile_of(const struct acme_config *config)
{
	return config->is_ip && config->directory[0] == '\0' ? "shortlived"
							     : NULL;
}

static int
issue(const struct acme_attempt *a, struct acme_client *client,
    struct acme_issued *issued, unsigned *used, struct acme_error *error)
{
	char id[ACME_CHAIN_ID_MAX];
	struct fail why = { 0 };
	struct acme_issue want = {
		.name = a->config->name,
		.is_ip = a->config->is_ip,
		.profile = profile_of(a->config),
		.kinds = a->kinds,
		.prefer = a->prefer,
		.answerer = { .ctx = (void *)(uintptr_t)a,
		    .show = show,
		    .hide = hide },
	};

	if (acme_client_open(client, error) == -1)
		return -1;
	if (acme_client_directory(client)->renewal_info[0] != '\0')
		want.replaces = present_id(a, id);
	issued->key = acme_key_make(&why);
	want.key = issued->key;
	if (issued->key == NULL)
		return acme_error_set(error, ACME_FAULT_OURS, "%s", why.text);
	if (acme_issue(client, &want, &issued->chain, used, error) == -1)
		return -1;
	if (acme_chain_check(buf_slice(&issued->chain), issued->key, want.name,
		want.is_ip, clock_wall_s(), &why) == -1)
		return acme_error_set(
		    error, ACME_FAULT_REFUSED, "%s", why.text);
	return 0;
}

static struct acme_client *
new_client(const struct acme_attempt *a, const struct acme_key *account)
{
	const struct acme_config *config = a->config;

	return acme_client_new(&(struct acme_client_config){
	    .transport = a->transport,
	    .directory = config->url,
	    .email = config->email,
	    .binding = { .kid = config->eab_kid,
		.secret = slice_of(config->secret, config->secret_len) },
	    .account = account,
	});
}

int
acme_attempt_run(const struct acme_attempt *a, struct acme_issued *issued,
    unsigned *used, struct acme_error *error)
{
	struct acme_client *client;
	struct fail why = { 0 };
	struct acme_key *account = acme_folder_account(a->folder, &why);
	int rc;

	*used = 0;
	if (account == NULL)
		return acme_error_set(error, ACME_FAULT_OURS, "%s", why.text);
	client = new_client(a, account);
	rc = client != NULL
	    ? issue(a, client, issued, used, error)
	    : acme_error_set(error, ACME_FAULT_OURS, "out of memory");
	acme_client_free(client);
	acme_key_free(account);
	if (rc == -1)
		acme_issued_clear(issued);
	return rc;
}

/* "URL/ID", a public resource. */
static int
get_window(const char *base, const char *id, struct acme_client *client,
    struct acme_reply *reply, struct acme_window *window)
{
	struct acme_error error = { 0 };
	char url[ACME_URL_MAX + ACME_CHAIN_ID_MAX];
	const size_t n = strlen(base);

	snprintf(url, sizeof url, "%s%s%s", base,
	    n > 0 && base[n - 1] == '/' ? "" : "/", id);
	if (acme_client_get(client, url, reply, &error) == -1)
		return -1;
	return acme_answer_window(buf_slice(&reply->body), window, NULL);
}

int
acme_attempt_ask(const struct acme_attempt *a, struct acme_window *window,
    bool *offered, unsigned *retry_after_s)
{
	struct acme_client *client = new_client(a, NULL);
	char id[ACME_CHAIN_ID_MAX];
	struct acme_error error = { 0 };
	struct acme_directory directory;
	struct acme_reply reply;
	int rc = -1;

	*offered = true;
	*retry_after_s = 0;
	acme_reply_init(&reply);
	if (client != NULL && present_id(a, id) != NULL &&
	    acme_client_get(client, a->config->url, &reply, &error) == 0 &&
	    acme_answer_directory(buf_slice(&reply.body), &directory, NULL) ==
		0) {
		*offered = directory.renewal_info[0] != '\0';
		if (*offered)
			rc = get_window(
			    directory.renewal_info, id, client, &reply, window);
		*retry_after_s = reply.retry_after_s;
	}
	acme_reply_clear(&reply);
	acme_client_free(client);
	return rc;
}
