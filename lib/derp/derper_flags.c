/* derper_flags: see derper_flags.h. */
#include "derper_flags.h"

#include <stdio.h>

#define SWITCH .is_switch = true

/* In order. Names and which are switches: tailscale cmd/derper/derper.go, and
 * our own; the second variables are the common container image's. */
const struct derper_flag derper_flags[] = {
	{ .name = "a", .variable = "DERP_ADDR" },
	{ .name = "accept-connection-burst" },
	{ .name = "accept-connection-limit" },
	{ .name = "ace", SWITCH },
	{ .name = "acme-ca" },
	{ .name = "acme-directory" },
	{ .name = "acme-eab-key" },
	{ .name = "acme-eab-key-file" },
	{ .name = "acme-eab-kid" },
	{ .name = "acme-email" },
	{ .name = "acme-ip-certs", SWITCH },
	{ .name = "batch-delay-us" },
	{ .name = "bootstrap-dns-names" },
	{ .name = "c", .variable = "DERP_KEY_FILE" },
	{ .name = "certdir", .variable = "DERP_CERT_DIR" },
	{ .name = "certmode", .variable = "DERP_CERT_MODE" },
	{ .name = "check-config", SWITCH },
	{ .name = "completion" },
	{ .name = "control-socket" },
	{ .name = "core-dumps", SWITCH },
	{ .name = "derp", SWITCH },
	{ .name = "dev", SWITCH },
	{ .name = "drain-timeout" },
	{ .name = "home" },
	{ .name = "hostname", .variable = "DERP_DOMAIN" },
	{ .name = "http-port" },
	{ .name = "json", SWITCH },
	{ .name = "keep-capabilities", SWITCH },
	{ .name = "landlock", SWITCH },
	{ .name = "log-connections", SWITCH },
	{ .name = "log-format" },
	{ .name = "log-level" },
	{ .name = "login-bytes-total" },
	{ .name = "loops" },
	{ .name = "max-connections" },
	{ .name = "max-connections-before-login" },
	{ .name = "max-connections-per-address" },
	{ .name = "max-handshakes" },
	{ .name = "max-handshakes-per-address" },
	{ .name = "mesh-psk-file" },
	{ .name = "mesh-with" },
	{ .name = "proxy-protocol-from" },
	{ .name = "queue-bytes" },
	{ .name = "queue-bytes-total" },
	{ .name = "rate-config" },
	{ .name = "renew-self-signed", SWITCH },
	{ .name = "seccomp", SWITCH },
	{ .name = "secrets-cache-dir" },
	{ .name = "secrets-path-prefix" },
	{ .name = "secrets-url" },
	{ .name = "socket" },
	{ .name = "stun", SWITCH },
	{ .name = "stun-port" },
	{ .name = "tcp-keepalive-time" },
	{ .name = "tcp-user-timeout" },
	{ .name = "tcp-write-timeout" },
	{ .name = "tls-records" },
	{ .name = "unpublished-bootstrap-dns-names" },
	{ .name = "verify-allow-empty", SWITCH },
	{ .name = "verify-client-url" },
	{ .name = "verify-client-url-ca" },
	{ .name = "verify-client-url-fail-open", SWITCH },
	{ .name = "verify-clients", SWITCH },
	{ .name = "verify-config" },
	{ .name = "verify-deny" },
	{ .name = "verify-headscale" },
	{ .name = "verify-headscale-key-file" },
	{ .name = "verify-headscale-key-variable" },
	{ .name = "verify-nodes" },
	{ .name = "verify-tailscale-api" },
	{ .name = "verify-tailscale-api-client-id" },
	{ .name = "verify-tailscale-api-key-file" },
	{ .name = "verify-tailscale-api-key-variable" },
	{ .name = "verify-tailscaled" },
	{ .name = "version", SWITCH },
};

const size_t derper_flag_count = sizeof derper_flags / sizeof derper_flags[0];

const struct derper_flag *
derper_flags_find(struct slice name)
{
	for (size_t i = 0; i < derper_flag_count; i++)
		if (slice_is(name, derper_flags[i].name))
			return &derper_flags[i];
	return NULL;
}

void
derper_flags_variable(
    const char *flag, char variable[static DERPER_VARIABLE_MAX])
{
	size_t n = (size_t)snprintf(variable, DERPER_VARIABLE_MAX, "DERP_");

	for (; *flag != '\0' && n < DERPER_VARIABLE_MAX - 1; flag++)
		variable[n++] = *flag == '-'       ? '_'
		    : *flag >= 'a' && *flag <= 'z' ? (char)(*flag - 'a' + 'A')
						   : *flag;
	variable[n] = '\0';
}
