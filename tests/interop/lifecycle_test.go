//go:build e2e

// The life of nodes of a real headscale, and what relays make of it that learn
// of it by every kind of source: who gets in, whose connection is closed.

package interop

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailscale.com/types/key"
)

// tailnet is a headscale with nodes, and relays that judge by it.
type tailnet struct {
	*headscale
	authKey string
	keyFile string // its API key
	nodes   string // what its command lists
	judges  []*judge
	checks  map[string]string // configurations of derpverify by source
	// all keys that there have been, and whether headscale knows them
	keys map[key.NodePublic]bool
}

// overTLS has headscale serve TLS on localhost.
func overTLS(t *testing.T) func(config, dir string) string {
	return func(config, dir string) string {
		testCA.writePair(t, dir, "localhost")
		return strings.Replace(config, "server_url: http://127.0.0.1", "server_url: https://localhost", 1) +
			"tls_cert_path: " + dir + "/localhost.crt\ntls_key_path: " + dir + "/localhost.key\n"
	}
}

// startTailnet starts a headscale over TLS whose nodes have the relay as home.
func startTailnet(t *testing.T, home *relay) *tailnet {
	t.Helper()
	derpYAML := generated(t, home, "headscale")
	n := &tailnet{keys: map[key.NodePublic]bool{}}
	n.headscale = startHeadscaleWith(t, freePort(t), func(config, dir string) string {
		writeText(t, filepath.Join(dir, "derp.yaml"), string(derpYAML))
		return overTLS(t)(config, dir)
	})
	n.authKey = n.headscale.authKey(t)
	n.keyFile = filepath.Join(n.dir, "api-key")
	writeText(t, n.keyFile, n.apiKey(t)+"\n")
	n.nodes = filepath.Join(n.dir, "nodes.json")
	return n
}

// rest is a source that lists the nodes by REST.
func (n *tailnet) rest() string {
	return "  - headscale: " + n.url + "\n    key-file: " + n.keyFile + "\n"
}

// export writes what headscale's command lists to the file that a relay reads.
func (n *tailnet) export(t *testing.T) {
	t.Helper()
	text, _ := n.nodeList(t)
	writeText(t, n.nodes, text)
}

// judge starts a relay for every kind of source; the home relay judges by REST.
func (n *tailnet) judge(t *testing.T, home *relay, local *node) {
	t.Helper()
	n.export(t)
	socket := restSocket(t, n.headscale, n.apiKey(t))
	busless := withoutBus(t, local)
	const fast = "    refresh: 1s\n"
	const asks = "    follow: false\n    recheck: 1s\n"
	const slow = "    refresh: 10m\n"
	byREST := &judge{name: "REST", rows: n.rest() + fast, relay: home}
	home.stop()
	home.config.args = []string{"-verify-config=" + admissionConfig(t, byREST.rows)}
	if !home.restart(t) {
		t.Fatalf("the relay does not start again:\n%s", home.log)
	}
	n.judges = []*judge{
		{name: "REST by socket", rows: "  - headscale: " + socket + "\n" + fast},
		{name: "REST on a miss", rows: n.rest() + slow, atOnce: true, listsOnMiss: true},
		{name: "/verify", rows: "  - url: " + n.url + "/verify\n    recheck: 1s\n",
			atOnce: true, admitsExpiry: true},
		{name: "list", rows: "  - nodes: " + n.nodes + "\n"},
		{name: "WhoIs", rows: "  - tailscaled: " + local.socket() + "\n" + asks},
		{name: "bus", rows: "  - tailscaled: " + local.socket() + "\n" + slow},
		{name: "status", rows: "  - tailscaled: " + busless + "\n" + fast},
	}
	n.checks = map[string]string{"REST": admissionConfig(t, n.rest()+"    allow-expired: true\n")}
	for _, j := range n.judges {
		j.open(t)
		rows := j.rows
		if !j.admitsExpiry {
			rows += "    allow-expired: true\n"
		}
		n.checks[j.name] = admissionConfig(t, rows)
	}
	n.judges = append(n.judges, byREST, n.stockRelay(t))
}

// stockRelay is upstream's relay, which asks derpverify serve.
func (n *tailnet) stockRelay(t *testing.T) *judge {
	t.Helper()
	port := freePort(t)
	serve := start(t, nil, ours(t, "derpverify"), "serve",
		"--config", admissionConfig(t, n.rest()+"    allow-expired: true\n    refresh: 1s\n"),
		"--listen", "127.0.0.1:"+itoa(port))
	s := &admissionServer{process: serve, port: port}
	s.wantLog(t, "serving admission on")
	return &judge{name: "stock derper on serve", admitsExpiry: true, keepsLive: true,
		relay: startRelay(t, relayConfig{kind: "go", args: []string{
			"-verify-client-url=http://127.0.0.1:" + itoa(port) + "/verify",
			"-verify-client-url-fail-open=false",
		}})}
}

// wantAdmitted checks that all admit a node's key.
func (n *tailnet) wantAdmitted(t *testing.T, private key.NodePrivate) {
	t.Helper()
	n.keys[private.Public()] = true
	n.export(t)
	for _, j := range n.judges {
		j.wantAdmits(t, private)
	}
	n.wantAgreement(t)
}

// wantGone checks that a key that headscale does not know any more is closed
// and refused everywhere.
func (n *tailnet) wantGone(t *testing.T, private key.NodePrivate, began time.Time) {
	t.Helper()
	n.keys[private.Public()] = false
	n.export(t)
	for _, j := range n.judges {
		if j.keepsLive || j.listsOnMiss {
			j.wantLive(t)
		} else {
			j.wantClosed(t, began)
		}
	}
	for _, j := range n.judges {
		if !j.listsOnMiss {
			j.wantRefuses(t, private)
		}
	}
	n.wantAgreement(t)
}

// wantExpired checks that a key that has expired is closed and refused by all
// who are told of it. The row stays, and /verify still says yes.
func (n *tailnet) wantExpired(t *testing.T, private key.NodePrivate, began time.Time) {
	t.Helper()
	n.export(t)
	for _, j := range n.judges {
		if !j.admitsExpiry && !j.listsOnMiss {
			j.wantClosed(t, began)
			j.wantRefuses(t, private)
		}
	}
	for _, j := range n.judges {
		if j.admitsExpiry {
			j.wantLive(t)
			j.wantAdmits(t, private)
		}
	}
	n.wantAgreement(t)
}

// wantAgreement checks that every source says of every key what headscale's
// own /verify says, when expiry is left aside.
func (n *tailnet) wantAgreement(t *testing.T) {
	t.Helper()
	for name, config := range n.checks {
		args := []string{"check", "--config", config}
		words := map[bool]string{true: "allow   ", false: "deny    "}
		for k := range n.keys {
			args = append(args, k.String())
		}
		// a local tailscaled is told a moment later
		eventually(t, name+" agrees", func() error {
			stdout, stderr, _ := run(t, nil, ours(t, "derpverify"), args...)
			for k, known := range n.keys {
				if !strings.Contains(stdout, words[known]+k.String()) {
					return fmt.Errorf("want %s%v:\n%s%s", words[known], k, stdout, stderr)
				}
			}
			return nil
		})
	}
}

// ephemeralKey makes a key for nodes that are deleted when they log out.
func (n *tailnet) ephemeralKey(t *testing.T) string {
	t.Helper()
	text, err := n.command(t, "preauthkeys", "create", "--ephemeral", "--tags", "tag:x", "-e", "1h", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Key == "" {
		t.Fatalf("%v in %s", err, text)
	}
	return made.Key
}

// logout has the node log out.
func (n *node) logout(t *testing.T) {
	t.Helper()
	if err := n.Logout(t.Context()); err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
}

// loses waits until a real node has lost its relay and says so.
func (n *node) loses(t *testing.T) {
	t.Helper()
	eventuallyWithin(t, 3*patience, n.name+" loses its relay", func() error {
		health := strings.Join(n.status(t).Health, "\n")
		if !strings.Contains(health, "relay server") {
			return fmt.Errorf("health: %q", health)
		}
		return nil
	})
}

func TestE2EAdmissionLifeCycle(t *testing.T) {
	alone(t)
	if *relayKind == "go" {
		t.Skip("the sources are ours")
	}
	home := startRelay(t, relayConfig{})
	n := startTailnet(t, home)
	a := startNode(t, "node-a", n.url, n.authKey)
	n.keys[a.public(t)] = true
	n.keys[key.NewNode().Public()] = false
	n.judge(t, home, a)

	b := startNode(t, "node-b", n.url, n.authKey)
	meets(t, a, b) // before the same key logs in twice, and gets its packets
	n.wantAdmitted(t, b.private(t))
	stranger := key.NewNode()
	for _, j := range n.judges {
		j.wantRefuses(t, stranger)
	}

	private := b.private(t)
	began := time.Now()
	n.change(t, "nodes", "expire", "-i", n.nodeID(t, private.Public()))
	n.wantExpired(t, private, began)

	// the same node with a new key
	began = time.Now()
	b.up(t, n.url, n.authKey, "--force-reauth")
	n.wantGone(t, private, began)
	private = b.private(t)
	n.wantAdmitted(t, private)

	began = time.Now()
	b.logout(t)
	n.wantExpired(t, private, began)

	n.wantAgreement(t)
	began = time.Now()
	n.change(t, "nodes", "delete", "-i", n.nodeID(t, private.Public()), "--force")
	n.wantGone(t, private, began)

	// a tagged node that goes when it logs out
	c := startNode(t, "node-c", n.url, n.ephemeralKey(t))
	private = c.private(t)
	n.wantAdmitted(t, private)
	began = time.Now()
	c.logout(t)
	n.wantGone(t, private, began)

	// and one that nobody tells that it has been deleted
	d := startNode(t, "node-d", n.url, n.authKey)
	meets(t, a, d)
	private = d.private(t)
	n.wantAdmitted(t, private)
	began = time.Now()
	n.change(t, "nodes", "delete", "-i", n.nodeID(t, private.Public()), "--force")
	n.wantGone(t, private, began)
	home.wantLog(t, "client "+private.Public().String()+" disconnected: node-d: ")
	d.loses(t)
}
