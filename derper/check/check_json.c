/* check_json: see check_json.h. */
#include "check_json.h"

#include "admission_config.h"
#include "buf.h"
#include "cert.h"
#include "clock.h"
#include "descriptors.h"
#include "quote.h"
#include "url_text.h"
#include "verify_describe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TEXT_MAX 2048
#define DESCRIPTION_MAX 65536

/* Values are owned by whoever they are given to. */

/* Any text: what is not UTF-8, or would move a terminal, is escaped. */
static json_t *
text_json(struct slice text)
{
	char clean[TEXT_MAX * QUOTE_PUT_GROWTH];
	struct writer w = writer_of(clean, sizeof clean);

	quote_put(&w, slice_of(text.p, text.n < TEXT_MAX ? text.n : TEXT_MAX));
	return json_stringn(clean, w.n);
}

static json_t *
string_json(const char *text)
{
	return text_json(slice_str(text));
}

static json_t *
string_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? string_json(text)
					       : json_null();
}

static json_t *
date_json(int64_t at_s)
{
	char text[CERT_DATE_TEXT];

	return json_string(cert_format_date(at_s, text));
}

static json_t *
notes_json(const struct check_facts_notes *notes)
{
	static const char *const abouts[CHECK_FACTS_ABOUTS] = {
		[SERVER_SETUP_SETTINGS] = "settings",
		[SERVER_SETUP_OPEN_FILES] = "limits",
		[SERVER_SETUP_MESH] = "mesh",
		[SERVER_SETUP_KEY] = "key",
		[SERVER_SETUP_CERTIFICATE] = "certificate",
		[SERVER_SETUP_LIMITS] = "limits",
		[SERVER_SETUP_MAIN_PORT] = "main port",
		[SERVER_SETUP_HTTP_PORT] = "http port",
		[SERVER_SETUP_STUN_PORT] = "stun port",
		[SERVER_SETUP_ADMISSION] = "admission",
		[CHECK_FACTS_FLAGS] = "flags",
		[CHECK_FACTS_CONTROL_SOCKET] = "control socket",
		[CHECK_FACTS_SOURCES] = "admission",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < notes->n; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:o}", "about", abouts[notes->v[i].about],
			"text", string_json(notes->v[i].text)));
	return list;
}

static void
add_listener(json_t *list, const struct check_facts *c, const char *what,
    const struct netaddr *addr, enum server_setup_part part)
{
	char text[SERVER_PORTS_TEXT];

	server_ports_format(addr, text);
	json_array_append_new(list,
	    json_pack("{s:s, s:s, s:s, s:b}", "what", what, "protocol",
		part == SERVER_SETUP_STUN_PORT ? "udp" : "tcp", "address", text,
		"binds", !check_facts_has_error(c, part)));
}

static json_t *
listeners_json(const struct check_facts *c)
{
	const struct server_setup *s = &c->setup;
	json_t *list = json_array();

	add_listener(list, c, c->config->use_tls ? "DERP over TLS" : "DERP",
	    &s->main_addr, SERVER_SETUP_MAIN_PORT);
	if (s->use_http)
		add_listener(
		    list, c, "HTTP", &s->http_addr, SERVER_SETUP_HTTP_PORT);
	if (s->use_stun)
		add_listener(
		    list, c, "STUN", &s->stun_addr, SERVER_SETUP_STUN_PORT);
	return list;
}

/* What there is of the certificate; *info only if that is "found". */
static const char *
certificate_state(const struct check_facts *c, struct cert_info *info)
{
	const struct certs *certs = c->setup.certs.certs;

	if (certs == NULL)
		return "unusable";
	if (certs_would_make(certs))
		return "would be made";
	if (cert_load_info(info, certs_cert_file(certs), NULL) == 0)
		return "found";
	return c->config->acme.waits_for_name ? "waits for a name"
					      : "would be ordered";
}

static const char *
age_word(const struct cert_info *info)
{
	switch (cert_age(info, clock_wall_s())) {
	case CERT_VALID:
		return "valid";
	case CERT_NOT_YET:
		return "not yet valid";
	case CERT_EXPIRING:
		return "expires soon";
	case CERT_EXPIRED:
		return "expired";
	}
	return "";
}

static json_t *
found_json(const struct cert_info *info)
{
	return json_pack("{s:o, s:o, s:b, s:s, s:o, s:o, s:s}", "names",
	    string_json(info->names), "issuer", string_json(info->issuer),
	    "self_signed", info->self_signed, "sha256", info->sha256,
	    "not_before", date_json(info->not_before_s), "not_after",
	    date_json(info->not_after_s), "age", age_word(info));
}

static json_t *
certificate_json(const struct check_facts *c)
{
	const struct certs *certs = c->setup.certs.certs;
	const struct acme_config *acme = &c->config->acme;
	struct cert_info info;
	const char *state;

	if (!c->config->use_tls)
		return json_null();
	state = certificate_state(c, &info);
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "mode",
	    c->config->cert_mode, "name",
	    string_json(acme->used ? acme->name : c->config->hostname), "state",
	    state, "file",
	    certs != NULL ? string_json(certs_cert_file(certs)) : json_null(),
	    "key_file",
	    certs != NULL ? string_json(certs_key_file(certs)) : json_null(),
	    "ordered_from",
	    acme->used ? string_json(url_text_origin(acme->url).text)
		       : json_null(),
	    "certificate",
	    strcmp(state, "found") == 0 ? found_json(&info) : json_null());
}

static json_t *
key_json(const struct check_facts *c)
{
	const struct server_key *key = &c->setup.key;
	const bool bad = check_facts_has_error(c, SERVER_SETUP_KEY);
	const bool is_found = !bad && key->path[0] != '\0' && !key->would_make;
	char text[DERP_KEY_TEXT];

	derp_key_format(&key->public_key, text);
	return json_pack("{s:o, s:s, s:o}", "file", string_or_null(key->path),
	    "state",
	    bad                        ? "unusable"
		: is_found             ? "found"
		: key->path[0] != '\0' ? "would be made"
				       : "new at each start",
	    "public_key", is_found ? json_string(text) : json_null());
}

static json_t *
mesh_json(const struct check_facts *c)
{
	const struct server_setup *s = &c->setup;
	json_t *list = json_array();

	for (size_t i = 0; i < s->mesh_target_count; i++)
		json_array_append_new(
		    list, string_json(s->mesh_targets[i].host));
	return json_pack(
	    "{s:b, s:o}", "has_key", s->mesh_key.is_set, "relays", list);
}

static const char *
outage_word(enum verify_outage outage)
{
	switch (outage) {
	case VERIFY_OUTAGE_DEFAULT:
	case VERIFY_OUTAGE_CLOSED:
		return "closed";
	case VERIFY_OUTAGE_OPEN:
		return "open";
	case VERIFY_OUTAGE_LAST_GOOD:
		return "last-known-good";
	}
	return "";
}

static json_t *
source_json(const struct verify_source_config *row)
{
	const enum verify_outage outage = row->outage != VERIFY_OUTAGE_DEFAULT
	    ? row->outage
	    : row->kind->outage;

	return json_pack("{s:s, s:o, s:s, s:s}", "kind", row->kind->name,
	    "source",
	    string_json(verify_source_shown(row->kind, row->argument).text),
	    "role", row->role == VERIFY_ROLE_DENY ? "deny" : "allow", "outage",
	    outage_word(outage));
}

/* In the words of derpverify explain. */
static json_t *
description_json(const struct verify_config *admission)
{
	json_t *list = json_array();
	struct slice line, rest;
	struct buf text;

	if (admission->source_count == 0) {
		json_array_append_new(list,
		    json_string("EVERYBODY is admitted: this is an open "
				"relay"));
		return list;
	}
	buf_init(&text, DESCRIPTION_MAX);
	(void)verify_describe(admission, &text);
	for (rest = buf_slice(&text); slice_cut(rest, '\n', &line, &rest);)
		json_array_append_new(list, text_json(line));
	buf_clear(&text);
	return list;
}

static json_t *
admission_json(const struct check_facts *c)
{
	const struct verify_config *admission = &c->setup.admission;
	json_t *list;

	if (check_facts_has_error(c, SERVER_SETUP_ADMISSION))
		return json_null();
	list = json_array();
	for (size_t i = 0; i < admission->source_count; i++)
		json_array_append_new(
		    list, source_json(&admission->sources[i]));
	return json_pack("{s:b, s:s, s:o, s:o}", "admits_everybody",
	    admission->source_count == 0, "policy",
	    verify_config_policy_name(admission->policy), "sources", list,
	    "description", description_json(admission));
}

static json_t *
limits_json(const struct config *c)
{
	struct rlimit files = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &files);
	return json_pack(
	    "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
	    "workers", (json_int_t)c->workers, "connections",
	    (json_int_t)c->max_connections, "connections_per_address",
	    (json_int_t)c->max_per_address, "connections_before_login",
	    (json_int_t)c->max_before_login, "handshakes",
	    (json_int_t)c->max_handshakes, "queue_bytes",
	    (json_int_t)c->queue_bytes, "queue_bytes_total",
	    (json_int_t)c->queue_bytes_total, "login_bytes_total",
	    (json_int_t)c->login_bytes_total, "open_files",
	    (json_int_t)(files.rlim_cur > INT64_MAX ? INT64_MAX
						    : files.rlim_cur),
	    "open_files_needed", (json_int_t)descriptors_needed(c),
	    "accepted_per_second",
	    c->use_tls && !isinf(c->accept_limit) ? json_real(c->accept_limit)
						  : json_null(),
	    "rate_config", string_or_null(c->rate_config));
}

static json_t *
debug_json(const struct debug_access *a)
{
	json_t *list = json_array();
	char text[TEXT_MAX];

	json_array_append_new(list, json_string("this machine"));
	json_array_append_new(list, json_string("Tailscale addresses"));
	if (a->allowed_ip != NULL)
		json_array_append_new(list, string_json(a->allowed_ip));
	for (size_t i = 0; i < a->trusted_count; i++) {
		struct netaddr from = { .is_v4 = a->trusted[i].is_v4,
			.is_set = true };
		char ip[NETADDR_TEXT];

		memcpy(from.ip, a->trusted[i].ip, sizeof from.ip);
		netaddr_format_ip(&from, ip);
		snprintf(text, sizeof text, "%s/%d", ip,
		    a->trusted[i].bits - (from.is_v4 ? 96 : 0));
		json_array_append_new(list, json_string(text));
	}
	if (a->key_file != NULL) {
		snprintf(text, sizeof text, "whoever gives the key in %s",
		    a->key_file);
		json_array_append_new(list, string_json(text));
	}
	return list;
}

static json_t *
confinement_json(const struct config *c)
{
	return json_pack("{s:b, s:b, s:b, s:b}", "landlock", c->landlock,
	    "seccomp", c->seccomp, "keeps_capabilities", c->keep_capabilities,
	    "core_dumps", c->core_dumps);
}

/* Adds it; without memory for it the document fails. */
static int
put(json_t *to, const char *name, json_t *value)
{
	return json_object_set_new(to, name, value);
}

static int
put_all(json_t *to, const struct check_facts *c)
{
	if (put(to, "listeners", listeners_json(c)) == -1 ||
	    put(to, "certificate", certificate_json(c)) == -1 ||
	    put(to, "key", key_json(c)) == -1 ||
	    put(to, "mesh", mesh_json(c)) == -1 ||
	    put(to, "admission", admission_json(c)) == -1 ||
	    put(to, "limits", limits_json(c->config)) == -1 ||
	    put(to, "debug_pages", debug_json(&c->setup.debug_access)) == -1 ||
	    put(to, "control_socket",
		string_or_null(c->config->control_socket)) == -1)
		return -1;
	return put(to, "confinement", confinement_json(c->config));
}

json_t *
check_json(const struct check_facts *c, bool is_complete)
{
	json_t *to = json_pack("{s:s, s:b, s:o, s:o, s:o}", "version",
	    DERPKIT_VERSION, "starts", c->errors.n == 0, "error",
	    c->errors.n > 0 ? string_json(c->errors.v[0].text) : json_null(),
	    "errors", notes_json(&c->errors), "warnings",
	    notes_json(&c->warnings));

	if (to != NULL && is_complete && put_all(to, c) == -1) {
		json_decref(to);
		return NULL;
	}
	return to;
}
