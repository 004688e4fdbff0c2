/* probe_kinds: severity and texts of what a probe can find. Source of what
 * clients do: tailscale derp/derphttp, net/tlsdial, net/netcheck,
 * net/captivedetection, v1.102.5. */
#include "probe_finding.h"

static const struct probe_kind_row rows[PROBE_KIND_COUNT] = {
	[PROBE_NO_ADDRESS] = { "no-address", PROBE_ERROR,
	    "the node has no usable address",
	    "No client can connect to it: neither IPv4, IPv6 nor the host "
	    "name leads to an address.",
	    "Set ipv4 (and ipv6) of the node to its public addresses, or "
	    "create the DNS records of its host name." },
	[PROBE_BAD_PORT] = { "bad-port", PROBE_ERROR,
	    "the node has a port that does not exist",
	    "Clients fail to dial it.", "Use a port from 1 to 65535." },
	[PROBE_DNS_FAILED] = { "dns-failed", PROBE_ERROR,
	    "the host name does not resolve",
	    "Clients need the name where the map has no literal address.",
	    "Create the DNS records, or set ipv4 and ipv6 of the node." },
	[PROBE_DNS_DIFFERS] = { "dns-differs", PROBE_WARNING,
	    "DNS and the map name different addresses",
	    "Clients use the address of the map; browsers, certificate "
	    "renewal and proxies use DNS. One of them is probably stale.",
	    "Correct the map or the DNS record." },
	[PROBE_DNS_LITERAL_ONLY] = { "dns-literal-only", PROBE_INFO,
	    "the host name does not resolve, the map's address is used",
	    "Clients connect to the literal address; browser clients and "
	    "proxies need the name and fail.",
	    "Create the DNS record if such clients exist." },
	[PROBE_NO_ROUTE] = { "no-route", PROBE_INFO,
	    "this machine has no route to that address family",
	    "It says nothing about the relay: it was not probed over this "
	    "family.",
	    "Probe from a machine that has it." },
	[PROBE_NOT_PROBED] = { "not-probed", PROBE_WARNING,
	    "the node could not be probed from here",
	    "Nothing is known about it.",
	    "Probe from a machine with a route to one of its addresses." },
	[PROBE_SHORT_OF_TIME] = { "short-of-time", PROBE_ERROR,
	    "the total time limit was reached",
	    "What was not probed may be good or bad.",
	    "Raise --timeout or --concurrency, or choose regions with "
	    "--region." },

	[PROBE_TCP_REFUSED] = { "tcp-refused", PROBE_ERROR,
	    "the relay's port is closed",
	    "The host is there, but nothing listens on that port; clients "
	    "cannot use the relay.",
	    "Start the relay, or correct derpport, or the port forwarding." },
	[PROBE_TCP_SILENT] = { "tcp-silent", PROBE_ERROR,
	    "no answer from the relay's port",
	    "The host is down, or a firewall drops the packets. Clients give "
	    "a node 1.5 seconds, then try the next.",
	    "Open the TCP port in the firewalls on the way, and check the "
	    "address." },
	[PROBE_TCP_FAILED] = { "tcp-failed", PROBE_ERROR,
	    "the connection failed", "Clients cannot use the relay.",
	    "Check the address and the network on the way to it." },
	[PROBE_ADDRESS_DEAD] = { "address-dead", PROBE_WARNING,
	    "one of several addresses of the host name does not answer",
	    "Clients that try it first lose time or fail.",
	    "Remove the stale DNS record, or start the relay there." },
	[PROBE_PROXY_REFUSED] = { "proxy-refused", PROBE_ERROR,
	    "the HTTP proxy does not connect to the relay",
	    "Clients behind this proxy cannot use the relay.",
	    "Allow CONNECT to the relay's host name and port in the proxy; "
	    "many allow port 443 only." },
	[PROBE_PROXY_BETWEEN] = { "proxy-between", PROBE_INFO,
	    "an HTTP proxy answers in front of the relay",
	    "It must pass on the upgrade and hold connections open for "
	    "hours; it costs fast start.",
	    "Better let the relay serve TLS itself (TCP pass-through)." },

	[PROBE_TLS_FAILED] = { "tls-failed", PROBE_ERROR,
	    "the TLS handshake failed", "Clients cannot use the relay.",
	    "Check that the relay has a certificate for exactly this host "
	    "name: relays refuse a server name that they do not know." },
	[PROBE_TLS_PLAIN] = { "tls-plain", PROBE_ERROR,
	    "the port speaks plain HTTP, not TLS",
	    "Clients speak TLS only; they cannot use the relay.",
	    "Let the relay serve TLS (derper: port 443 or -certmode "
	    "manual), or correct derpport." },
	[PROBE_TLS_OTHER] = { "tls-other", PROBE_ERROR,
	    "the port speaks another protocol than TLS",
	    "Clients speak TLS only; they cannot use the relay.",
	    "Something else than the relay listens on this port: correct "
	    "derpport, or the port forwarding." },
	[PROBE_TLS_TOO_OLD] = { "tls-too-old", PROBE_ERROR,
	    "the server has no TLS 1.2 or newer",
	    "Clients speak TLS 1.2 and 1.3 only; they cannot use the relay.",
	    "Allow TLS 1.2 and 1.3 where TLS is served: update the proxy in "
	    "front of the relay, or its settings (nginx: ssl_protocols TLSv1.2 "
	    "TLSv1.3), or correct derpport if this is not the relay." },
	[PROBE_TLS_SILENT] = { "tls-silent", PROBE_ERROR,
	    "the port accepts connections but does not answer TLS",
	    "Clients give up after 10 seconds.",
	    "Something else may listen on this port, or the relay is "
	    "overloaded or stopped." },
	[PROBE_TLS_SLOW] = { "tls-slow", PROBE_WARNING,
	    "the TLS handshake is slow",
	    "Clients have 10 seconds for everything from DNS to login.",
	    "Look at the load of the relay and of the network." },
	[PROBE_TLS_OLD] = { "tls-old", PROBE_INFO,
	    "TLS 1.2: fast start is not possible",
	    "Each connect takes a round trip more.",
	    "Allow TLS 1.3 where TLS is served." },
	[PROBE_CERT_NONE] = { "cert-none", PROBE_ERROR,
	    "no usable certificate was served", "Clients refuse the relay.",
	    "Check the relay's certificate files." },
	[PROBE_CERT_UNTRUSTED] = { "cert-untrusted", PROBE_ERROR,
	    "the certificate does not lead to a known root",
	    "Clients refuse the relay.",
	    "Use a publicly trusted certificate, install your CA on every "
	    "client (--ca-file here), or pin a single certificate in "
	    "certname." },
	[PROBE_CERT_SELF_SIGNED] = { "cert-self-signed", PROBE_ERROR,
	    "the certificate is self-signed and not pinned",
	    "Clients refuse the relay.",
	    "Pin it in the map's certname (clients of 1.82 and newer), or "
	    "use a publicly trusted certificate." },
	[PROBE_CERT_INCOMPLETE] = { "cert-incomplete", PROBE_ERROR,
	    "intermediate certificates are not served",
	    "Clients refuse the relay; browsers may fetch the missing ones "
	    "and hide it.",
	    "Serve the full chain (fullchain.pem, not cert.pem)." },
	[PROBE_CERT_OTHER_NAME] = { "cert-other-name", PROBE_ERROR,
	    "the certificate is for another name", "Clients refuse the relay.",
	    "Correct hostname, set certname to a name that the certificate "
	    "has, or get a certificate for the host name." },
	[PROBE_CERT_EXPIRED] = { "cert-expired", PROBE_ERROR,
	    "the certificate has expired", "Clients refuse the relay.",
	    "Renew it; look why the automatic renewal failed, and at this "
	    "machine's clock." },
	[PROBE_CERT_NOT_YET] = { "cert-not-yet", PROBE_ERROR,
	    "the certificate is not valid yet", "Clients refuse the relay.",
	    "Check the clocks of the relay, of the CA and of this machine." },
	[PROBE_CERT_EXPIRING] = { "cert-expiring", PROBE_WARNING,
	    "the certificate expires soon",
	    "Clients will refuse the relay then.",
	    "Renew it. A pinned one changes its pin: add a second relay "
	    "with the new one first." },
	[PROBE_CERT_IGNORED] = { "cert-ignored", PROBE_INFO,
	    "the certificate would be refused, insecurefortests hides it",
	    "Anybody on the way can pose as the relay, see who talks to "
	    "whom and drop packets; the packets stay encrypted.",
	    "Pin the certificate in certname and remove insecurefortests." },
	[PROBE_PIN_DIFFERS] = { "pin-differs", PROBE_ERROR,
	    "the relay serves another certificate than the pinned one",
	    "Clients refuse the relay: its certificate was renewed, it is "
	    "not the relay, or somebody is in between.",
	    "If the certificate was renewed on purpose, correct certname in "
	    "the map." },
	[PROBE_PIN_MULTIPLE] = { "pin-chain", PROBE_ERROR,
	    "more than one certificate is served under a pin",
	    "Clients accept a pin only when the pinned certificate is "
	    "served alone.",
	    "Serve the leaf certificate without its chain, or remove the "
	    "pin: a chain to a public root needs none." },
	[PROBE_PIN_BAD] = { "pin-bad", PROBE_ERROR,
	    "the pin can match no certificate",
	    "Clients compare it as text: 64 hex digits in lower case after "
	    "sha256-raw:.",
	    "Correct certname." },
	[PROBE_META_MISSING] = { "meta-missing", PROBE_INFO,
	    "no metacert is served",
	    "TLS is ended by something else than the relay (a reverse "
	    "proxy), or the relay is headscale's; each connect takes a round "
	    "trip more.",
	    "Nothing must be done; let the relay serve TLS itself to save "
	    "it." },
	[PROBE_META_DIFFERS] = { "meta-differs", PROBE_ERROR,
	    "the metacert names another key than the relay has",
	    "Clients with TLS 1.3 seal their login to a wrong key and fail.",
	    "Several relays behind one address? Give each its own host name "
	    "and node." },

	[PROBE_UPGRADE_EATEN] = { "upgrade-eaten", PROBE_ERROR,
	    "a reverse proxy removes the Upgrade header",
	    "The relay never sees that the client asks for DERP, and "
	    "answers 426 (Upgrade Required). Clients cannot connect.",
	    "Let the proxy pass on the upgrade. nginx: proxy_http_version "
	    "1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
	    "Connection \"upgrade\"; proxy_read_timeout 1d. Or pass TCP "
	    "through." },
	[PROBE_UPGRADE_REFUSED] = { "upgrade-refused", PROBE_ERROR,
	    "the upgrade to DERP was refused",
	    "What answers is not a relay, or its DERP is off, or a proxy "
	    "does not lead to it. Clients cannot connect.",
	    "Check host name and port, the proxy's rules for /derp, and "
	    "derper's -derp." },
	[PROBE_UPGRADE_SILENT] = { "upgrade-silent", PROBE_ERROR,
	    "no answer to the upgrade to DERP", "Clients cannot connect.",
	    "Check what a proxy in front of the relay does with /derp, and "
	    "the relay's load." },
	[PROBE_NOT_DERP] = { "not-derp", PROBE_ERROR,
	    "what follows the upgrade is not DERP", "Clients cannot connect.",
	    "Check that the proxy does not turn it into a WebSocket, and "
	    "that this is a DERP relay." },
	[PROBE_HEADERS_LONG] = { "headers-too-long", PROBE_ERROR,
	    "the headers of the answer to the upgrade are too long",
	    "A relay answers with a few hundred bytes. Clients read headers "
	    "until they end; if they do not, no client can connect.",
	    "Look at what the server sends (curl -v), and whether it is the "
	    "relay: a proxy or an application in front may add headers, or "
	    "repeat them without end." },
	[PROBE_LOGIN_FAILED] = { "login-failed", PROBE_ERROR,
	    "the login was not answered",
	    "Clients connect, and nothing comes from the relay.",
	    "Look into the relay's log. A -verify-client-url that is slow to "
	    "answer delays logins, too." },
	[PROBE_LOGIN_UNSAFE] = { "login-unsafe", PROBE_WARNING,
	    "the key of --key-file was not used",
	    "The relay's certificate is not one that a client accepts: it "
	    "may not be the relay.",
	    "Correct the certificate first." },
	[PROBE_MEMBERS_ONLY] = { "members-only", PROBE_INFO,
	    "the relay admits known nodes only",
	    "It is alive: it took the login of an unknown key and closed, "
	    "as it should when it verifies clients. What follows a login was "
	    "not tested.",
	    "To test that as well, give a node's key with --key-file." },
	[PROBE_NOT_ADMITTED] = { "not-admitted", PROBE_ERROR,
	    "the relay does not admit this node",
	    "The node of --key-file connects and is closed at once; it "
	    "cannot be reached through this relay.",
	    "Look why: `derpverify check` with the relay's settings tells "
	    "what it would decide." },
	[PROBE_FAST_START_FAILED] = { "fast-start-failed", PROBE_ERROR,
	    "login by fast start fails",
	    "Clients with TLS 1.3 log in so wherever a metacert is served, "
	    "and do not try it otherwise.",
	    "A proxy that passes the relay's chain on but not "
	    "Derp-Fast-Start? Pass TCP through." },
	[PROBE_RELAY_FAILED] = { "relay-failed", PROBE_ERROR,
	    "packets do not get through the relay",
	    "Two clients logged in, and one did not get the other's packet.",
	    "Several relays behind one address do that, unless they are "
	    "meshed; look into the relay's log." },
	[PROBE_KEY_CHANGES] = { "key-changes", PROBE_ERROR,
	    "several relays answer at this address",
	    "A load balancer spreads clients over relays that do not know "
	    "each other's: two nodes reach each other by luck only.",
	    "Give each relay a node of its own in the map; mesh them if they "
	    "are one region." },
	[PROBE_CONNECT_UNSTEADY] = { "connect-unsteady", PROBE_WARNING,
	    "some of several connects failed",
	    "Clients will see the relay come and go.",
	    "Look at the limits of the relay and of firewalls on the way "
	    "(connections per address), and at its load." },
	[PROBE_SAME_RELAY] = { "same-relay", PROBE_WARNING,
	    "two nodes are the same relay",
	    "Clients then hold two connections with one key to it, and "
	    "packets go to the one that was used last: some are lost.",
	    "Keep one of them." },
	[PROBE_MESH_MISSING] = { "mesh-missing", PROBE_ERROR,
	    "two nodes of one region do not forward to each other",
	    "Clients that are connected to different nodes of the region "
	    "cannot reach each other.",
	    "Mesh them (the Go derper's -mesh-with and -mesh-psk-file), or "
	    "make each node a region of its own." },

	[PROBE_LATENCY_FAILED] = { "latency-check-failed", PROBE_WARNING,
	    "/derp/latency-check does not answer as it should",
	    "Clients whose UDP is blocked measure the relay by it, and "
	    "cannot choose it then.",
	    "Let the proxy in front of the relay pass on all of /derp." },
	[PROBE_LATENCY_NO_CORS] = { "latency-check-cors", PROBE_INFO,
	    "/derp/latency-check lacks Access-Control-Allow-Origin",
	    "Browser clients cannot measure the relay.",
	    "Let the proxy pass on the relay's headers." },
	[PROBE_CLOCK_SKEW] = { "clock-skew", PROBE_WARNING,
	    "the clocks of the relay and of this machine differ",
	    "Certificates are judged by the clock: one that is wrong sees "
	    "good ones as expired or not valid yet.",
	    "Synchronise both (timedatectl)." },
	[PROBE_STUN_SILENT] = { "stun-silent", PROBE_WARNING,
	    "no answer to STUN",
	    "Clients choose their home by it: without it they measure by "
	    "HTTPS, only when no other STUN server answers, and they learn "
	    "nothing of their own address here.",
	    "Open the UDP port in the firewalls, check that the relay serves "
	    "STUN, or set stunport: -1." },
	[PROBE_STUN_NAT] = { "stun-nat", PROBE_ERROR,
	    "STUN reports a private address: it is behind a NAT of its own",
	    "The relay sees its clients as its gateway, typically Docker's "
	    "bridge (172.17.0.1), and tells them that address as theirs: no "
	    "direct connections come about.",
	    "Run the container with host networking, or turn Docker's "
	    "userland proxy off (\"userland-proxy\": false)." },
	[PROBE_STUN_NAT_LIKELY] = { "stun-nat-likely", PROBE_WARNING,
	    "STUN reports a private address that is not this machine's",
	    "There is a NAT between this machine and the relay, although "
	    "both are in a private network: Docker's bridge (172.17.0.1) "
	    "does that. Clients are told an address that nobody can reach.",
	    "If the relay runs in a container, use host networking, or turn "
	    "Docker's userland proxy off; else probe from outside." },
	[PROBE_STUN_OTHER_SOURCE] = { "stun-other-source", PROBE_WARNING,
	    "the answer to STUN comes from another address",
	    "Firewalls and NATs of most clients drop such an answer.",
	    "Bind the relay to that one address (-a), so that it answers "
	    "from it." },
	[PROBE_PORTAL_CLOSED] = { "port80-closed", PROBE_WARNING,
	    "canport80 is set, but port 80 does not answer",
	    "Clients lose time in their captive portal check; they do not "
	    "count it as a portal.",
	    "Open port 80 of the relay, or remove canport80." },
	[PROBE_PORTAL_REDIRECT] = { "port80-redirect", PROBE_ERROR,
	    "port 80 redirects /generate_204",
	    "Every client reports a captive portal that does not exist.",
	    "Let the relay itself serve port 80, or let the proxy pass on "
	    "/generate_204, or remove canport80." },
	[PROBE_PORTAL_STATUS] = { "port80-status", PROBE_ERROR,
	    "port 80 does not answer 204 to /generate_204",
	    "Every client reports a captive portal that does not exist.",
	    "Let the relay itself serve port 80, or remove canport80." },
	[PROBE_PORTAL_CHALLENGE] = { "port80-challenge", PROBE_ERROR,
	    "port 80 does not answer the challenge of /generate_204",
	    "Every client reports a captive portal that does not exist: a "
	    "204 alone does not count.",
	    "Let the relay itself serve port 80 (X-Tailscale-Response), or "
	    "remove canport80." },
	[PROBE_PORTAL_UNUSED] = { "port80-unused", PROBE_INFO,
	    "canport80 has no effect without ipv4",
	    "Clients use only nodes with a literal IPv4 address for their "
	    "captive portal check.",
	    "Set ipv4, or remove canport80." },
};

const struct probe_kind_row *
probe_kind_row(enum probe_kind kind)
{
	return &rows[kind];
}
