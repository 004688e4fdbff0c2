/* server_certs: see server_certs.h. */
#include "server_certs.h"

#include "acme_answers.h"
#include "acme_service.h"
#include "acme_watch.h"

int
server_certs_open(struct server_certs *s, const struct config *config,
    const struct derp_key *server, bool try, struct fail *why)
{
	struct tls_challenge *challenge = NULL;

	if (!config->use_tls)
		return 0;
	if (config->acme.used) {
		if (acme_folder_init(&s->folder, config->cert_dir,
			config->acme.name, config->acme.is_ip, why) == -1)
			return -1;
		s->answers = acme_answers_new(&s->folder);
		if (s->answers == NULL)
			return fail_set(why, "out of memory");
		challenge = acme_answers_tls(s->answers);
	}
	s->certs = try ? certs_try(config, server, challenge, why)
		       : certs_open(config, server, challenge, why);
	return s->certs != NULL ? 0 : -1;
}

int64_t
server_certs_expiry_s(const struct server_certs *s)
{
	return s->certs != NULL ? certs_expiry_s(s->certs) : 0;
}

struct acme_page
server_certs_page(const struct server_certs *s, const struct config *config)
{
	if (s->answers == NULL)
		return (struct acme_page){ .find = NULL };
	return (struct acme_page){ .host = config->acme.name,
		.ctx = s->answers,
		.find = acme_answers_find };
}

int
server_certs_start(
    struct server_certs *s, const struct config *config, struct fail *why)
{
	if (s->answers == NULL || config->acme.waits_for_name)
		return 0;
	s->watch = acme_watch_start(&s->folder, s->answers, why);
	if (s->watch == NULL)
		return -1;
	s->service = acme_service_start(
	    &config->acme, &s->folder, s->answers, &s->counts, why);
	return s->service != NULL ? 0 : -1;
}

void
server_certs_stop(struct server_certs *s)
{
	acme_service_stop(s->service);
	acme_watch_stop(s->watch);
	s->service = NULL;
	s->watch = NULL;
}

void
server_certs_close(struct server_certs *s)
{
	certs_close(s->certs);
	acme_answers_free(s->answers);
}
