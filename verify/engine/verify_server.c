/* verify_server: see verify_server.h. */
#include "verify_server.h"

#include "fetch.h"
#include "fetch_config.h"
#include "url_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct verify_secret_place
place_of(const struct verify_server *s)
{
	return (struct verify_secret_place){ .file = s->key_file,
		.variable = s->key_variable };
}

/* A copy of the text; NULL also for "" and NULL. */
static char *
copy_of(const char *text, bool *short_of_memory)
{
	char *copy;

	if (text == NULL || text[0] == '\0')
		return NULL;
	copy = strdup(text);
	*short_of_memory = *short_of_memory || copy == NULL;
	return copy;
}

static int
check_key(const struct verify_server *s,
    const struct verify_source_context *context, struct fail *why)
{
	const struct verify_secret_place place = place_of(s);
	struct verify_secret key;
	int rc;

	if (s->key_file == NULL && s->key_variable == NULL)
		return fail_set(why,
		    "%s: a key is needed: name the file that it is in "
		    "(key-file) or the environment variable (key-variable)",
		    url_text_origin(s->base_url).text);
	if (s->key_file != NULL && s->key_variable != NULL)
		return fail_set(why,
		    "%s: the key is in a file or in a variable, not in both",
		    url_text_origin(s->base_url).text);
	rc = verify_secret_load(&place, &key, why);
	verify_secret_wipe(&key);
	if (rc == 0 && verify_secret_is_exposed(&place))
		verify_source_notify(context,
		    "%s holds a key, and everybody on this host can read it",
		    place.file);
	return rc;
}

int
verify_server_init(struct verify_server *s, const char *base_url,
    const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	bool none = false, has_path;
	size_t n;

	*s = (struct verify_server){
		.base_url = copy_of(base_url, &none),
		.ca_file = copy_of(config->ca_file, &none),
		.key_file =
		    copy_of(verify_source_option(config, "key-file"), &none),
		.key_variable = copy_of(
		    verify_source_option(config, "key-variable"), &none),
		.client = fetch_client_new(1),
	};
	if (none || s->client == NULL || s->base_url == NULL)
		return fail_set(why, "out of memory");
	if (fetch_config_check_url(base_url, &has_path, why) == -1 ||
	    (s->ca_file != NULL &&
		fetch_config_check_roots(s->ca_file, why) == -1))
		return -1;
	for (n = strlen(s->base_url); n > 0 && s->base_url[n - 1] == '/'; n--)
		s->base_url[n - 1] = '\0';
	return check_key(s, context, why);
}

void
verify_server_clear(struct verify_server *s)
{
	fetch_client_free(s->client);
	free(s->base_url);
	free(s->ca_file);
	free(s->key_file);
	free(s->key_variable);
	*s = (struct verify_server){ .base_url = NULL };
}

char *
verify_server_url(const struct verify_server *s, const char *path)
{
	const size_t size = strlen(s->base_url) + strlen(path) + 1;
	char *url = malloc(size);

	if (url != NULL)
		snprintf(url, size, "%s%s", s->base_url, path);
	return url;
}

int
verify_server_key(
    const struct verify_server *s, struct verify_secret *key, struct fail *why)
{
	const struct verify_secret_place place = place_of(s);

	return verify_secret_load(&place, key, why);
}
