/* server_setup: see server_setup.h. */
#include "server_setup.h"

#include "admission_config.h"
#include "bootstrap_dns.h"
#include "descriptors.h"
#include "fetch.h"
#include "flags.h"
#include "log.h"
#include "log_config.h"
#include "mesh_config.h"
#include "privileges.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

static int
set_log(struct server_setup *s, struct fail *why)
{
	return log_config_apply(s->config, getenv, why);
}

/* What was meant as a setting and is none must not look as if it were. */
static int
warn_variables(struct server_setup *s, struct fail *why)
{
	struct fail text;
	size_t next = 0;

	(void)s;
	(void)why;
	while (flags_next_unknown(environ, &next, &text))
		log_warn("derper: %s", text.text);
	return 0;
}

/* Before the ports are tried, which may need them. */
static int
use_privileges(struct server_setup *s, struct fail *why)
{
	struct fail inner = { 0 };

	(void)s;
	(void)why;
	/* root that acts as another user (doctor_rights.h) is not to have its
	 * own rights back */
	if (geteuid() == getuid() && privileges_use_permitted(&inner) == -1)
		log_warn("derper: capabilities: %s", inner.text);
	return 0;
}

static int
raise_descriptors(struct server_setup *s, struct fail *why)
{
	(void)why;
	descriptors_raise(s->config);
	return 0;
}

static int
start_fetch(struct server_setup *s, struct fail *why)
{
	(void)s;
	return fetch_global_init() == 0
	    ? 0
	    : fail_set(why, "libcurl does not start");
}

static int
read_mesh(struct server_setup *s, struct fail *why)
{
	const struct config *c = s->config;

	if (mesh_config_read_key(c, getenv, &s->mesh_key, why) == -1)
		return -1;
	return mesh_config_read_targets(
	    c->mesh_with, s->mesh_targets, &s->mesh_target_count, why);
}

static int
read_names(struct server_setup *s, struct fail *why)
{
	s->bootstrap_dns = bootstrap_dns_new(
	    s->config->bootstrap_names, s->config->unpublished_names, why);
	return s->bootstrap_dns != NULL ? 0 : -1;
}

static int
load_key(struct server_setup *s, struct fail *why)
{
	return server_key_load(&s->key, s->config, s->try, why);
}

static int
read_debug_access(struct server_setup *s, struct fail *why)
{
	return debug_access_init(&s->debug_access, getenv, why);
}

static int
open_certs(struct server_setup *s, struct fail *why)
{
	return server_certs_open(
	    &s->certs, s->config, &s->key.public_key, s->try, why);
}

static int
open_limits(struct server_setup *s, struct fail *why)
{
	return server_limits_open(&s->limits, s->config, why);
}

static int
take_sockets(struct server_setup *s, struct fail *why)
{
	return server_ports_take(&s->ports, s->config, getenv, why);
}

static int
probe_main(struct server_setup *s, struct fail *why)
{
	return server_ports_probe(
	    &s->ports, SERVER_PORT_MAIN, &s->main_addr, why);
}

static int
probe_http(struct server_setup *s, struct fail *why)
{
	return s->use_http ? server_ports_probe(&s->ports, SERVER_PORT_HTTP,
				 &s->http_addr, why)
			   : 0;
}

/* DIFFERS: upstream goes on silently without STUN when the port is taken; a
 * relay that nobody can measure is chosen by nobody */
static int
probe_stun(struct server_setup *s, struct fail *why)
{
	return s->use_stun ? server_ports_probe(&s->ports, SERVER_PORT_STUN,
				 &s->stun_addr, why)
			   : 0;
}

static int
read_admission(struct server_setup *s, struct fail *why)
{
	admission_config_warn(s->config);
	return admission_config_read(&s->admission, s->config, why);
}

const struct server_setup_step server_setup_steps[] = {
	{ SERVER_SETUP_SETTINGS, set_log },
	{ SERVER_SETUP_SETTINGS, warn_variables },
	{ SERVER_SETUP_SETTINGS, use_privileges },
	{ SERVER_SETUP_OPEN_FILES, raise_descriptors },
	{ SERVER_SETUP_SETTINGS, start_fetch },
	{ SERVER_SETUP_MESH, read_mesh },
	{ SERVER_SETUP_SETTINGS, read_names },
	{ SERVER_SETUP_KEY, load_key },
	{ SERVER_SETUP_SETTINGS, read_debug_access },
	{ SERVER_SETUP_CERTIFICATE, open_certs },
	{ SERVER_SETUP_LIMITS, open_limits },
	{ SERVER_SETUP_SETTINGS, take_sockets },
	{ SERVER_SETUP_MAIN_PORT, probe_main },
	{ SERVER_SETUP_HTTP_PORT, probe_http },
	{ SERVER_SETUP_STUN_PORT, probe_stun },
	{ SERVER_SETUP_ADMISSION, read_admission },
};
const size_t server_setup_step_count =
    sizeof server_setup_steps / sizeof server_setup_steps[0];

void
server_setup_begin(
    struct server_setup *s, const struct config *config, bool try)
{
	*s = (struct server_setup){ .config = config, .try = try };
	s->main_addr = s->http_addr = s->stun_addr = config->addr;
	s->http_addr.port = (uint16_t)config->http_port;
	s->stun_addr.port = (uint16_t)config->stun_port;
	s->use_http = config->use_tls && config->http_port >= 0;
	s->use_stun = config->stun;
}

int
server_setup_open(
    struct server_setup *s, const struct config *config, struct fail *why)
{
	server_setup_begin(s, config, false);
	for (size_t i = 0; i < server_setup_step_count; i++)
		if (server_setup_steps[i].run(s, why) == -1)
			return -1;
	return 0;
}

void
server_setup_close(struct server_setup *s)
{
	verify_config_clear(&s->admission);
	bootstrap_dns_free(s->bootstrap_dns);
	server_certs_close(&s->certs);
	server_limits_close(&s->limits);
	server_key_clear(&s->key);
	sodium_memzero(&s->mesh_key, sizeof s->mesh_key);
}
