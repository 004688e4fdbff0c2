/* check_text: see check_text.h. */
#include "check_text.h"

#include "json_member.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define LABEL_WIDTH 13

static int64_t
number_at(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool
is_true_at(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* The beginning of a line: what it is about, once. */
static void
put_label(FILE *to, const char *label)
{
	fprintf(to, "%-*s", LABEL_WIDTH, label);
}

static void
put_listeners(FILE *to, const json_t *told)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(told, "listeners"), i, one)
	{
		put_label(to, i == 0 ? "listens" : "");
		fprintf(to, "%s %s: %s%s\n", json_member_text(one, "protocol"),
		    json_member_text(one, "address"),
		    json_member_text(one, "what"),
		    is_true_at(one, "binds") ? "" : ": CANNOT be bound");
	}
}

static void
put_found(FILE *to, const json_t *found)
{
	const bool self_signed = is_true_at(found, "self_signed");

	put_label(to, "");
	fprintf(to, "for %s, %s%s%s, %s: from %s to %s\n",
	    json_member_text(found, "names"),
	    self_signed ? "self-signed" : "issued by ",
	    self_signed ? "" : json_member_text(found, "issuer"), "",
	    json_member_text(found, "age"),
	    json_member_text(found, "not_before"),
	    json_member_text(found, "not_after"));
	if (!self_signed)
		return;
	put_label(to, "");
	fprintf(to, "pin sha256-raw:%s\n", json_member_text(found, "sha256"));
}

static void
put_certificate(FILE *to, const json_t *told)
{
	const json_t *c = json_object_get(told, "certificate");
	const json_t *found = json_object_get(c, "certificate");
	const char *from = json_member_text(c, "ordered_from");

	put_label(to, "certificate");
	if (!json_is_object(c)) {
		fputs("none: plain HTTP\n", to);
		return;
	}
	fprintf(to, "-certmode %s for %s: %s%s%s", json_member_text(c, "mode"),
	    json_member_text(c, "name"), json_member_text(c, "state"),
	    from[0] != '\0' ? ", ordered and renewed by " : "", from);
	if (json_member_text(c, "file")[0] != '\0')
		fprintf(to, "; file %s", json_member_text(c, "file"));
	fputc('\n', to);
	if (json_is_object(found))
		put_found(to, found);
}

static void
put_key(FILE *to, const json_t *told)
{
	const json_t *key = json_object_get(told, "key");
	const char *public_key = json_member_text(key, "public_key");

	put_label(to, "key");
	fprintf(to, "%s%s%s%s%s\n", json_member_text(key, "file"),
	    json_member_text(key, "file")[0] != '\0' ? ": " : "",
	    json_member_text(key, "state"),
	    public_key[0] != '\0' ? ", public key " : "", public_key);
}

static void
put_list(FILE *to, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		fprintf(to, "%s%s", i > 0 ? ", " : "", json_string_value(one));
	}
	fputc('\n', to);
}

static void
put_mesh(FILE *to, const json_t *told)
{
	const json_t *mesh = json_object_get(told, "mesh");
	const json_t *relays = json_object_get(mesh, "relays");

	put_label(to, "mesh");
	if (!is_true_at(mesh, "has_key")) {
		fputs("no mesh key\n", to);
		return;
	}
	fputs(json_array_size(relays) > 0 ? "with "
					  : "a key; other relays may connect\n",
	    to);
	if (json_array_size(relays) > 0)
		put_list(to, relays);
}

static void
put_admission(FILE *to, const json_t *told)
{
	const json_t *admission = json_object_get(told, "admission");
	const json_t *line;
	size_t i;

	if (!json_is_object(admission)) {
		put_label(to, "admission");
		fputs("unusable\n", to);
		return;
	}
	json_array_foreach(json_object_get(admission, "description"), i, line)
	{
		put_label(to, i == 0 ? "admission" : "");
		fprintf(to, "%s\n", json_string_value(line));
	}
}

static void
put_limits(FILE *to, const json_t *told)
{
	const json_t *l = json_object_get(told, "limits");

	put_label(to, "limits");
	fprintf(to,
	    "%" PRId64 " connections, %" PRId64 " from one address, %" PRId64
	    " not logged in, %" PRId64 " handshakes at a time\n",
	    number_at(l, "connections"),
	    number_at(l, "connections_per_address"),
	    number_at(l, "connections_before_login"),
	    number_at(l, "handshakes"));
	put_label(to, "");
	fprintf(to,
	    "%" PRId64 " bytes queued for one client, %" PRId64
	    " for all, %" PRId64 " held before login\n",
	    number_at(l, "queue_bytes"), number_at(l, "queue_bytes_total"),
	    number_at(l, "login_bytes_total"));
	put_label(to, "");
	fprintf(to,
	    "%" PRId64 " workers; %" PRId64 " open files, of which it needs "
	    "%" PRId64 "\n",
	    number_at(l, "workers"), number_at(l, "open_files"),
	    number_at(l, "open_files_needed"));
	if (json_member_text(l, "rate_config")[0] == '\0')
		return;
	put_label(to, "");
	fprintf(
	    to, "rates of clients: %s\n", json_member_text(l, "rate_config"));
}

static void
put_confinement(FILE *to, const json_t *told)
{
	const json_t *c = json_object_get(told, "confinement");

	put_label(to, "hardening");
	fprintf(to,
	    "Landlock %s, system call filter %s, capabilities %s, core dumps "
	    "%s\n",
	    is_true_at(c, "landlock") ? "on" : "off",
	    is_true_at(c, "seccomp") ? "on" : "off",
	    is_true_at(c, "keeps_capabilities") ? "kept" : "dropped",
	    is_true_at(c, "core_dumps") ? "allowed" : "prevented");
}

static void
put_notes(FILE *to, const char *what, const json_t *notes)
{
	const json_t *one;
	size_t i;

	json_array_foreach(notes, i, one)
	    fprintf(to, "%s: %s\n", what, json_member_text(one, "text"));
}

static void
put_facts(FILE *to, const json_t *told)
{
	put_listeners(to, told);
	put_certificate(to, told);
	put_key(to, told);
	put_mesh(to, told);
	put_admission(to, told);
	put_limits(to, told);
	put_label(to, "debug pages");
	fputs("for ", to);
	put_list(to, json_object_get(told, "debug_pages"));
	put_label(to, "control");
	fprintf(to, "%s\n",
	    json_member_text(told, "control_socket")[0] != '\0'
		? json_member_text(told, "control_socket")
		: "no control socket");
	put_confinement(to, told);
}

void
check_text(FILE *to, const json_t *told)
{
	if (json_object_get(told, "listeners") != NULL)
		put_facts(to, told);
	put_notes(to, "warning", json_object_get(told, "warnings"));
	put_notes(to, "error", json_object_get(told, "errors"));
	fprintf(to, "%s\n",
	    is_true_at(told, "starts") ? "the relay would start"
				       : "the relay would NOT start");
}
