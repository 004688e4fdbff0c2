/* serve_reload: see serve_reload.h. */
#include "serve_reload.h"

#include "log.h"

#include <sys/stat.h>

enum { CERT, KEY, TOKENS };

int
serve_reload_open(struct serve_reload *r, const char *cert_file,
    const char *key_file, const char *token_file, struct fail *why)
{
	*r =
	    (struct serve_reload){ cert_file, key_file, token_file, { { 0 } } };
	if ((cert_file == NULL) != (key_file == NULL))
		return fail_set(why,
		    "a certificate and its key go together: %s is missing",
		    cert_file == NULL ? "--cert" : "--key");
	return 0;
}

/* Whether the file has changed since it was last tried. */
static bool
changed(struct filestamp *seen, const char *path)
{
	const struct filestamp now = filestamp_of(path);
	const bool same = filestamp_eq(&now, seen);

	*seen = now;
	return !same;
}

/* Secrets that others can read are nobody's fault but the operator's. */
static void
warn_readable(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
		log_warn("%s: others can read it: chmod o= it", path);
}

static struct tls_context *
load_tls(const struct serve_reload *r, struct fail *why)
{
	const struct tls_server_config config = {
		.cert_file = r->cert_file,
		.key_file = r->key_file,
		.records = TLS_RECORDS_NATIVE,
	};

	warn_readable(r->key_file);
	return tls_context_new(&config, why);
}

static struct serve_tokens *
load_tokens(const struct serve_reload *r, struct fail *why)
{
	warn_readable(r->token_file);
	return serve_tokens_load(r->token_file, why);
}

int
serve_reload_load(struct serve_reload *r, struct tls_context **tls,
    struct serve_tokens **tokens, struct fail *why)
{
	*tls = NULL;
	*tokens = NULL;
	if (r->cert_file != NULL) {
		(void)changed(&r->seen[CERT], r->cert_file);
		(void)changed(&r->seen[KEY], r->key_file);
		*tls = load_tls(r, why);
		if (*tls == NULL)
			return -1;
	}
	if (r->token_file == NULL)
		return 0;
	(void)changed(&r->seen[TOKENS], r->token_file);
	*tokens = load_tokens(r, why);
	if (*tokens != NULL)
		return 0;
	tls_context_release(*tls);
	*tls = NULL;
	return -1;
}

static struct tls_context *
poll_tls(struct serve_reload *r, bool forced)
{
	struct fail why = { 0 };
	struct tls_context *tls;
	bool cert, key;

	if (r->cert_file == NULL)
		return NULL;
	cert = changed(&r->seen[CERT], r->cert_file);
	key = changed(&r->seen[KEY], r->key_file);
	if (!cert && !key && !forced)
		return NULL;
	tls = load_tls(r, &why);
	if (tls == NULL)
		log_error("certificate reload failed, keeping the old one: %s",
		    why.text);
	else
		log_info("certificate reloaded from %s", r->cert_file);
	return tls;
}

void
serve_reload_poll(struct serve_reload *r, bool forced, struct tls_context **tls,
    struct serve_tokens **tokens)
{
	struct fail why = { 0 };

	*tls = poll_tls(r, forced);
	*tokens = NULL;
	if (r->token_file == NULL ||
	    (!changed(&r->seen[TOKENS], r->token_file) && !forced))
		return;
	*tokens = load_tokens(r, &why);
	if (*tokens == NULL)
		log_error(
		    "token reload failed, keeping the old ones: %s", why.text);
	else
		log_info("tokens reloaded from %s", r->token_file);
}
