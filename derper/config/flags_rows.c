/* flags_rows: see flags_rows.h. */
#include "flags_rows.h"

#include "config.h"

#include <assert.h>
#include <limits.h>

#define SECOND_MS 1000

#define AT(member) offsetof(struct config, member)
#define TEXT(name, member, arg, help)                               \
	{                                                           \
		name, OPTS_TEXT, AT(member), arg, 0, 0, help, false \
	}
#define SWITCH(name, member, help)                                   \
	{                                                            \
		name, OPTS_BOOL, AT(member), NULL, 0, 0, help, false \
	}
#define NUMBER(name, member, arg, min, max, help)                      \
	{                                                              \
		name, OPTS_INT, AT(member), arg, min, max, help, false \
	}
#define RATE(name, member, arg, help)                                \
	{                                                            \
		name, OPTS_FLOAT, AT(member), arg, 0, 0, help, false \
	}
#define TIME(name, member, max, help)                                        \
	{                                                                    \
		name, OPTS_DURATION, AT(member), "time", 0, max, help, false \
	}
/* Ones that say who may use the relay: a variable of a script that is not set
 * must not open it. */
#define VERIFY_TEXT(name, member, arg, help)                       \
	{                                                          \
		name, OPTS_TEXT, AT(member), arg, 0, 0, help, true \
	}
#define VERIFY_LIST(name, member, arg, help)                       \
	{                                                          \
		name, OPTS_LIST, AT(member), arg, 0, 0, help, true \
	}

const struct flags_row flags_rows[] = {
	TEXT("a", addr_text, "addr",
	    "listen address, [host]:port; TLS is served on port 443, with "
	    "-certmode manual or -acme-directory, plain HTTP otherwise"),
	TEXT("hostname", hostname, "name", "TLS host name, or an IP address"),
	TEXT("home", home, "what",
	    "home page: empty for the default, blank, or a URL to "
	    "redirect to"),
	SWITCH("derp", derp,
	    "relay packets; false leaves STUN and the probe pages"),
	SWITCH("stun", stun, "run a STUN server"),
	NUMBER("stun-port", stun_port, "port", 0, 65535,
	    "UDP port of the STUN server"),
	NUMBER("http-port", http_port, "port", -1, 65535,
	    "plain HTTP port in TLS mode; -1 for none"),
	SWITCH("dev", dev,
	    "plain HTTP on " CONFIG_DEV_ADDR ", new key each start"),
	TEXT("c", key_path, "path", "key file"),
	SWITCH("ace", ace,
	    "let whoever connects over TLS open tunnels (CONNECT) to ports 443 "
	    "and 80 of hosts below tailscale.com that have public addresses"),
	TEXT("bootstrap-dns-names", bootstrap_names, "names",
	    "host names, with commas between them, whose addresses are told on "
	    "/bootstrap-dns"),
	TEXT("unpublished-bootstrap-dns-names", unpublished_names, "names",
	    "the same for who asks for the name alone; NAME/TXTNAME: for as "
	    "many percent of all addresses as the TXT record says"),
	TEXT("proxy-protocol-from", proxy_from_text, "prefixes",
	    "load balancers, ADDRESS[/BITS],..., whose connections begin with "
	    "a "
	    "PROXY header (version 1 or 2) that names the client"),
	TEXT("mesh-psk-file", mesh_psk_file, "file",
	    "file with the mesh key, 64 hex digits; who knows it may watch and "
	    "forward, and is not verified"),
	TEXT("mesh-with", mesh_with, "hosts",
	    "the region's other relays, HOST[:PORT][/DIALHOST],...: a client "
	    "of "
	    "one can be reached through all"),
	TEXT("secrets-url", secrets_url, "url",
	    "not supported: use -mesh-psk-file"),
	TEXT("secrets-path-prefix", secrets_path_prefix, "path", "likewise"),
	TEXT("secrets-cache-dir", secrets_cache_dir, "dir",
	    "without effect, as -secrets-url is not supported"),
	TEXT("control-socket", control_socket, "path",
	    "unix socket for derper status, close, reload and drain, which "
	    "only its owner and root can use; by default "
	    "$RUNTIME_DIRECTORY/" CONFIG_CONTROL_SOCKET_NAME
	    " where systemd sets that, else none"),
	NUMBER("loops", workers, "n", 0, CONFIG_WORKERS_MAX,
	    "number of event loops; 0 for one per CPU"),
	TEXT("certmode", cert_mode, "mode",
	    "how to get a certificate: letsencrypt, gcp (both order it), or "
	    "manual"),
	TEXT("certdir", cert_dir, "dir",
	    "folder with HOSTNAME.crt and HOSTNAME.key, or for what is "
	    "ordered"),
	TEXT("acme-email", acme.email, "address",
	    "address that the certificate authority may write to"),
	SWITCH("acme-ip-certs", acme.ip_certs,
	    "with -certmode letsencrypt, order a certificate for the IP "
	    "address that is -hostname"),
	TEXT("acme-eab-kid", acme.eab_kid, "id",
	    "the account that the certificate authority knows us by already; "
	    "needed for -certmode gcp"),
	TEXT("acme-eab-key", acme.eab_key, "key",
	    "base64 key of the account that -acme-eab-kid names"),
	TEXT("acme-eab-key-file", acme.eab_key_file, "file",
	    "file with the key of -acme-eab-key"),
	TEXT("acme-directory", acme.directory, "url",
	    "order certificates there instead of from Let's Encrypt or "
	    "Google"),
	TEXT("acme-ca", acme.ca_file, "file",
	    "PEM roots for the certificate authority's server instead of the "
	    "system's"),
	SWITCH("renew-self-signed", renew_self_signed,
	    "replace the self-signed certificate of an IP address by a new "
	    "one, print its pin and exit"),
	TEXT("tls-records", tls_records_text, "which",
	    "TLS 1.3 record implementation: native or openssl"),
	TEXT("rate-config", rate_config, "file",
	    "JSON file with the limits of what clients may send, read again on "
	    "SIGHUP"),
	RATE("accept-connection-limit", accept_limit, "n",
	    "connections per second that are accepted on the TLS port; others "
	    "wait"),
	NUMBER("accept-connection-burst", accept_burst, "n", 1, INT64_MAX,
	    "connections that are accepted at once on the TLS port, beyond "
	    "-accept-connection-limit"),
	NUMBER("max-connections", max_connections, "n", 1, 1 << 22,
	    "maximum concurrent connections"),
	NUMBER("max-connections-per-address", max_per_address, "n", 1, 1 << 22,
	    "maximum concurrent connections from one IP address"),
	NUMBER("max-connections-before-login", max_before_login, "n", 0,
	    1 << 22,
	    "maximum of these that are not logged in: beyond it the oldest of "
	    "them is closed; 0 for half"),
	NUMBER("max-handshakes", max_handshakes, "n", 1, 1 << 22,
	    "maximum TLS handshakes in progress: others wait for up to a "
	    "second, then the oldest is closed"),
	NUMBER("max-handshakes-per-address", max_handshakes_per_address, "n", 1,
	    1 << 22,
	    "maximum of these from one IP address or IPv6 /64: beyond it its "
	    "oldest is closed"),
	NUMBER("login-bytes-total", login_bytes_total, "n", 1 << 20,
	    INT64_C(1) << 40,
	    "maximum bytes held for all connections that are not logged in: "
	    "beyond it the largest is closed"),
	NUMBER("queue-bytes", queue_bytes, "n", CONFIG_FRAME_MAX, 1 << 30,
	    "maximum bytes queued for one client"),
	NUMBER("queue-bytes-total", queue_bytes_total, "n", CONFIG_FRAME_MAX,
	    INT64_C(1) << 40, "maximum bytes queued for all clients"),
	NUMBER("batch-delay-us", batch_delay_us, "n", 0, 100000,
	    "at a high rate, coalesce packets of busy clients for this many "
	    "microseconds; 0 for never"),
	TIME("tcp-keepalive-time", keepalive_ms, 32767 * SECOND_MS,
	    "TCP keep-alive time"),
	TIME("tcp-user-timeout", user_timeout_ms, INT_MAX, "TCP user timeout"),
	TIME("tcp-write-timeout", write_timeout_ms, INT_MAX,
	    "close a client that acknowledges nothing for four times this "
	    "long while more waits for it; 0 for never"),
	TIME("drain-timeout", drain_timeout_ms, 3600 * SECOND_MS,
	    "longest wait for output at shutdown (SIGTERM)"),
	TEXT("log-format", log_format, "format",
	    "text, json, journal (levels for journald), or auto, which is "
	    "text unless standard error is journald's"),
	TEXT("log-level", log_level, "level",
	    "log up to this level: error, warn, info or debug"),
	SWITCH("log-connections", log_connections,
	    "log each client that connects or leaves, with its bytes and the "
	    "reason"),
	SWITCH("landlock", landlock,
	    "after start, open only the files that serving needs"),
	SWITCH("seccomp", seccomp,
	    "after start, make only the system calls that serving needs"),
	SWITCH("keep-capabilities", keep_capabilities,
	    "keep root's rights after start"),
	SWITCH("core-dumps", core_dumps,
	    "allow core dumps and debuggers, which can read all keys"),
	SWITCH("check-config", check_config,
	    "say what a start with these flags would do, start and write "
	    "nothing, and exit: 0 it would start, 1 not"),
	SWITCH("json", json,
	    "with -check-config, print JSON "
	    "(schemas/check-config.schema.json)"),
	SWITCH("version", show_version, "print the version and exit"),
	TEXT("completion", completion, "shell",
	    "print a script with which bash, zsh or fish completes flags, and "
	    "exit"),
	SWITCH("verify-clients", verify_clients,
	    "admit only nodes that the local tailscaled knows"),
	TEXT("socket", socket, "path", "tailscaled socket for -verify-clients"),
	TEXT("verify-client-url", verify_url, "url",
	    "ask this admission URL about every client"),
	SWITCH("verify-client-url-fail-open", verify_url_fail_open,
	    "admit clients while the admission URL is unreachable"),
	VERIFY_TEXT("verify-client-url-ca", verify_url_ca, "file",
	    "PEM roots for the admission URL instead of the system's"),
	VERIFY_TEXT("verify-config", verify_config, "file",
	    "YAML file with the sources of admission, their policy and what "
	    "an outage means (derpverify explain --config tells it in words); "
	    "what other verify flags name must allow a client, too"),
	VERIFY_LIST("verify-deny", verify_deny, "file",
	    "refuse the node keys in this file, whatever else allows them; it "
	    "is read again when it changes; may be given several times"),
	SWITCH("verify-allow-empty", verify_allow_empty,
	    "believe a node list that became empty; otherwise it takes effect "
	    "on SIGHUP only"),
};

const size_t flags_row_count = sizeof flags_rows / sizeof flags_rows[0];

const struct flags_theme flags_themes[] = {
	{ "What is served", "a" },
	{ "The certificate", "certmode" },
	{ "Limits", "rate-config" },
	{ "The log", "log-format" },
	{ "What is given up after the start", "landlock" },
	{ "Instead of a start", "check-config" },
	{ "Who is admitted", "verify-clients" },
};
const size_t flags_theme_count = sizeof flags_themes / sizeof flags_themes[0];

static_assert(
    sizeof flags_rows / sizeof flags_rows[0] <= FLAGS_ROWS_MAX, "room for all");
