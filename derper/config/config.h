/*
 * config: what the command line and the environment ask of the relay.
 *
 * Life: config_init -> flags.h fills it -> config_derive; immutable
 * afterwards. Source: tailscale cmd/derper/derper.go.
 */
#ifndef DERPKIT_CONFIG_H
#define DERPKIT_CONFIG_H

#include "acme_config.h"
#include "fail.h"
#include "netaddr.h"
#include "opts.h"
#include "tls.h"
#include "verify_kinds.h"

#define CONFIG_WORKERS_MAX 64
#define CONFIG_QUEUE_DEPTH 32  /* packets per kind, as upstream */
#define CONFIG_FRAME_MAX 65573 /* bytes of the largest packet's frame */
#define CONFIG_PROXIES_MAX 64  /* prefixes of -proxy-protocol-from */
#define CONFIG_CONTROL_SOCKET_NAME "control.sock" /* in its folder */
#define CONFIG_DEV_ADDR ":3340"                   /* what -dev listens on */

enum config_home {
	CONFIG_HOME_DEFAULT,
	CONFIG_HOME_BLANK,
	CONFIG_HOME_REDIRECT
};

struct config {
	/* upstream's flags; texts are borrowed from argv or the environment */
	const char *addr_text; /* -a as given */
	struct netaddr addr;
	const char *key_path; /* -c; "" when not given */
	const char *cert_dir;
	const char *cert_mode;
	const char *hostname;
	const char *home;
	const char *socket;
	const char *verify_url;
	const char *mesh_psk_file; /* "": none */
	const char *mesh_with;
	const char *secrets_url, *secrets_path_prefix, *secrets_cache_dir;
	const char *proxy_from_text; /* -proxy-protocol-from as given */
	const char *rate_config;     /* file; "": no limits */
	/* lists of names, see bootstrap_dns.h */
	const char *bootstrap_names, *unpublished_names;
	double accept_limit; /* connections per second, or infinite */
	int64_t accept_burst;
	int64_t http_port; /* -1: none */
	int64_t stun_port;
	bool ace, derp, dev, stun, verify_clients, verify_url_fail_open;
	bool show_version;
	uint64_t keepalive_ms, user_timeout_ms, write_timeout_ms;
	/* ours */
	/* by kind, as in verify_kinds.h; for those that have a flag */
	struct opts_list verify_sources[VERIFY_KINDS_MAX];
	/* of each kind, in the order of its table; NULL: not given */
	const char *verify_settings[VERIFY_KINDS_MAX][VERIFY_OPTIONS_MAX];
	struct opts_list verify_deny; /* files with keys that are denied */
	struct acme_config acme;
	const char *verify_url_ca;
	const char *verify_config; /* file; "": none */
	bool verify_allow_empty;
	const char *tls_records_text;
	int64_t workers; /* --loops; 0 on input: one per CPU */
	int64_t max_connections;
	int64_t max_per_address;
	int64_t max_before_login; /* 0 on input: half of max_connections */
	int64_t max_handshakes, max_handshakes_per_address;
	int64_t login_bytes_total; /* all connections before login */
	int64_t queue_bytes;       /* per connection */
	int64_t queue_bytes_total; /* all connections */
	int64_t batch_delay_us;
	uint64_t drain_timeout_ms;
	const char *log_format, *log_level; /* log_config.h */
	bool log_connections;
	bool sample_rtt;            /* derived: not TS_DERP_DISABLE_RTT_STATS */
	const char *control_socket; /* "": none */
	bool renew_self_signed;
	bool check_config;      /* say what a start would do */
	bool json;              /* in JSON */
	const char *completion; /* a shell; "": none */
	bool landlock, seccomp, keep_capabilities, core_dumps; /* sandbox.h */
	/* derived */
	char cert_dir_default[4096]; /* <user cache>/tailscale/derper-certs;
					cert_dir may point here, so a config is
					not copied */
	/* $HOME/keys/derp-mesh.key; mesh_psk_file may point here */
	char mesh_psk_default[4096];
	char control_socket_default[4096]; /* control_socket may point here */
	enum config_home home_kind;
	bool use_tls;
	bool hostname_is_ip;
	enum tls_records tls_records;
	unsigned queue_depth; /* packets per kind */
	struct netaddr_prefix proxy_from[CONFIG_PROXIES_MAX];
	size_t proxy_from_count;
};

/* The defaults. */
void config_init(struct config *config, char *(*env)(const char *name));

/* Checks what the flags say, and sets what follows from it. May ask the name
 * service about a name in addr_text. -1 and the reason. */
int config_derive(
    struct config *config, char *(*env)(const char *name), struct fail *why);

/* Whether the host name is the owner's, not upstream's that is the default. */
bool config_has_hostname(const struct config *config);

/* Whether cert_mode is one of the Go derper's. */
bool config_knows_cert_mode(const struct config *config);

#endif
