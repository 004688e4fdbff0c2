/* doctor_map: the map against the relay, with derpmap, which knows maps. */
#include "doctor_checks.h"

#include "cert.h"
#include "doctor_program.h"
#include "json_member.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LINT_MS 20000
#define PROBE_MS 90000
#define WORDS_MAX 14 /* after the program's name */
#define SHOWN_MAX 10 /* findings of one kind */
#define PORT_DERP 443
#define PORT_STUN 3478

static const char name[] = "map";

/* The derpmap beside this program, or the one in PATH. */
static const char *
find_derpmap(char path[static PATH_MAX])
{
	static const char beside[] = "derpmap";
	const ssize_t n =
	    readlink("/proc/self/exe", path, PATH_MAX - sizeof beside);
	char *slash;

	if (n <= 0)
		return beside;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return beside;
	memcpy(slash + 1, beside, sizeof beside);
	return access(path, X_OK) == 0 ? path : beside;
}

/* Its output as JSON, also when it ended with findings; NULL and the reason
 * when it is none. Owned by the caller. */
static json_t *
run_derpmap(
    const char *const arguments[], uint64_t timeout_ms, struct fail *why)
{
	char path[PATH_MAX];
	const char *words[WORDS_MAX + 2] = { find_derpmap(path) };
	struct fail inner = { 0 };
	json_t *root = NULL;
	struct buf out;

	for (size_t i = 0; i < WORDS_MAX && arguments[i] != NULL; i++)
		words[i + 1] = arguments[i];
	(void)doctor_program_run(words, timeout_ms, &out, &inner);
	if (buf_len(&out) > 0)
		root = json_loadb(
		    (const char *)buf_slice(&out).p, buf_len(&out), 0, NULL);
	buf_clear(&out);
	if (root == NULL)
		fail_set(why, "derpmap %s: %s", arguments[0],
		    inner.text[0] != '\0' ? inner.text : "no JSON came");
	return root;
}

static enum doctor_level
level_of(const json_t *finding)
{
	const char *severity = json_member_text(finding, "severity");

	return strcmp(severity, "error") == 0  ? DOCTOR_ERROR
	    : strcmp(severity, "warning") == 0 ? DOCTOR_WARNING
					       : DOCTOR_OK;
}

/* ---- lint */

static void
report_lint(const struct doctor_subject *d, const json_t *findings)
{
	const json_t *one;
	unsigned shown = 0;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		const char *fix = json_member_text(one, "fix");

		if (level_of(one) == DOCTOR_OK || ++shown > SHOWN_MAX)
			continue;
		doctor_report_add(d->report, name, level_of(one),
		    fix[0] != '\0' ? fix : NULL, "%s:%" PRId64 ": %s: %s",
		    d->map,
		    (int64_t)json_integer_value(json_object_get(one, "line")),
		    json_member_text(one, "rule"),
		    json_member_text(one, "message"));
	}
	if (shown > SHOWN_MAX)
		doctor_report_add(d->report, name, DOCTOR_WARNING, NULL,
		    "and %u more: derpmap lint %s", shown - SHOWN_MAX, d->map);
	if (shown == 0)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%s has no mistakes in itself", d->map);
}

static int
lint(const struct doctor_subject *d)
{
	const char *const arguments[] = { "lint", "--format", "json", d->map,
		NULL };
	struct fail why = { 0 };
	json_t *root = run_derpmap(arguments, LINT_MS, &why);

	if (root == NULL) {
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "see that derpmap is installed, and that the file is a "
		    "map",
		    "%s", why.text);
		return -1;
	}
	report_lint(d, json_object_get(root, "findings"));
	json_decref(root);
	return 0;
}

/* ---- the node that is this relay */

static int64_t
port_at(const json_t *node, const char *key, int64_t by_default)
{
	const int64_t port = json_integer_value(json_object_get(node, key));

	return port != 0 ? port : by_default;
}

static void
compare_pin(const struct doctor_subject *d, const char *node, const char *pin)
{
	char advice[128];

	if (strncmp(pin, PIN_PREFIX, sizeof PIN_PREFIX - 1) != 0 ||
	    d->pin[0] == '\0')
		return;
	snprintf(advice, sizeof advice, "certname: " PIN_PREFIX "%s", d->pin);
	if (strcasecmp(pin + sizeof PIN_PREFIX - 1, d->pin) == 0)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "node %s: its certname is the pin of the relay's "
		    "certificate",
		    node);
	else
		doctor_report_add(d->report, name, DOCTOR_ERROR, advice,
		    "node %s: its certname is the pin of another certificate: "
		    "clients refuse the relay",
		    node);
}

static void
compare_port(const struct doctor_subject *d, const char *node, const char *what,
    int64_t mapped, uint16_t port)
{
	if (mapped == port)
		return;
	doctor_report_add(d->report, name, DOCTOR_WARNING,
	    "right if that port is forwarded here; else correct the map",
	    "node %s: %s is %" PRId64 ", and the relay listens on %u", node,
	    what, mapped, port);
}

static void
compare(const struct doctor_subject *d, const json_t *node)
{
	const struct server_setup *s = &d->found->setup;
	const char *called = json_member_text(node, "Name");
	const int64_t stun = port_at(node, "STUNPort", PORT_STUN);

	compare_port(d, called, "derpport",
	    port_at(node, "DERPPort", PORT_DERP), s->main_addr.port);
	if (s->use_stun && stun > 0)
		compare_port(d, called, "stunport", stun, s->stun_addr.port);
	else if (!s->use_stun && stun > 0)
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "stunport: -1, or start the relay without -stun=false",
		    "node %s: the map has clients ask for STUN, and the relay "
		    "does not serve it",
		    called);
	compare_pin(d, called, json_member_text(node, "CertName"));
}

static bool
is_ours(const struct doctor_subject *d, const json_t *node)
{
	const char *host = d->config->hostname;

	return strcasecmp(json_member_text(node, "HostName"), host) == 0 ||
	    strcmp(json_member_text(node, "IPv4"), host) == 0 ||
	    strcmp(json_member_text(node, "IPv6"), host) == 0;
}

/* The node's name; NULL: the map does not have it. */
static const char *
find_node(const struct doctor_subject *d, const json_t *map)
{
	const json_t *region, *node;
	const char *id, *found = NULL;
	size_t i;

	json_object_foreach(
	    (json_t *)(uintptr_t)json_object_get(map, "Regions"), id, region)
	{
		json_array_foreach(json_object_get(region, "Nodes"), i, node)
		{
			if (!is_ours(d, node))
				continue;
			compare(d, node);
			found = json_member_text(node, "Name");
		}
	}
	return found;
}

/* ---- probe */

static void
report_probe(const struct doctor_subject *d, const json_t *findings)
{
	const json_t *one;
	unsigned shown = 0;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		if (level_of(one) == DOCTOR_OK || ++shown > SHOWN_MAX)
			continue;
		doctor_report_add(d->report, name, level_of(one),
		    json_member_text(one, "advice"), "node %s: %s: %s; %s",
		    json_member_text(one, "node"),
		    json_member_text(one, "title"),
		    json_member_text(one, "got"),
		    json_member_text(one, "means"));
	}
	if (shown == 0)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "clients reach the relay by it");
}

static void
probe(const struct doctor_subject *d, const char *node)
{
	const char *const arguments[] = { "probe", "--format", "json", "--node",
		node, d->map, NULL };
	struct fail why = { 0 };
	json_t *root;

	if (d->pid == 0)
		return; /* nobody is there */
	root = run_derpmap(arguments, PROBE_MS, &why);
	if (root == NULL)
		doctor_report_add(
		    d->report, name, DOCTOR_WARNING, NULL, "%s", why.text);
	else
		report_probe(d, json_object_get(root, "findings"));
	json_decref(root);
}

void
doctor_map(const struct doctor_subject *d)
{
	const char *const arguments[] = { "convert", "--to", "json", d->map,
		NULL };
	struct fail why = { 0 };
	const char *node;
	json_t *map;

	if (d->map[0] == '\0' || lint(d) == -1)
		return;
	map = run_derpmap(arguments, LINT_MS, &why);
	if (map == NULL) {
		doctor_report_add(
		    d->report, name, DOCTOR_ERROR, NULL, "%s", why.text);
		return;
	}
	node = find_node(d, map);
	if (node != NULL)
		probe(d, node);
	else
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    "add a node with that host name (derpmap generate "
		    "--from-derper), or correct -hostname",
		    "no node of %s has the host name %s", d->map,
		    d->config->hostname);
	json_decref(map);
}
