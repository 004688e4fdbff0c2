//go:build e2e

// What happens to admission while headscale is away, or does not accept the
// API key any more; and two tailnets on one relay.

package interop

import (
	"strings"
	"testing"
	"time"

	"tailscale.com/types/key"
)

// startJudge restarts the home relay so that it admits by these sources, and
// keeps the last good sets in one folder over all restarts.
func startJudge(t *testing.T, home *relay, rows string) *judge {
	t.Helper()
	j := &judge{name: "home", rows: rows, relay: home}
	home.stop()
	home.config.args = []string{"-verify-config=" + admissionConfig(t, rows)}
	j.again(t)
	return j
}

// again starts the relay after its end.
func (j *judge) again(t *testing.T) {
	t.Helper()
	if !j.restart(t) {
		t.Fatalf("the relay does not start again:\n%s", j.log)
	}
}

// wantOut checks that a key does not get in, whatever the reason.
func (j *judge) wantOut(t *testing.T, private key.NodePrivate) {
	t.Helper()
	if p, err := j.tryLogin(t, fastStart, private); err == nil {
		p.leave()
		t.Errorf("%s: admitted", j.name)
	}
}

func TestE2EAdmissionOutage(t *testing.T) {
	alone(t)
	if *relayKind == "go" {
		t.Skip("the source is ours")
	}
	home := startRelay(t, relayConfig{})
	n := startTailnet(t, home)
	a := startNode(t, "node-a", n.url, n.authKey)
	j := startJudge(t, home, n.rest()+"    refresh: 1s\n    outage: last-known-good\n    outage-for: 1h\n")
	j.wantAdmits(t, a.private(t))
	j.live.leave()
	stranger := key.NewNode()
	var b *node

	steps := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"the API key expires", func(t *testing.T) {
			apiKey := n.apiKey(t)
			writeText(t, n.keyFile, apiKey+"\n")
			j.wantAdmits(t, a.private(t))
			prefix := strings.TrimPrefix(apiKey, "hskey-api-")[:12]
			n.change(t, "apikeys", "expire", "--prefix", prefix)
			j.wantLog(t, "401 Unauthorized: it does not accept the key (has it expired?)")
			// it is there: who was a member still is, nobody else gets in
			j.wantLive(t)
			j.wantAdmits(t, a.private(t))
			j.live.leave()
			j.wantOut(t, stranger)
			writeText(t, n.keyFile, n.apiKey(t)+"\n")
			j.wantLog(t, " is back after ")
			b = startNode(t, "node-b", n.url, n.authKey)
			meets(t, a, b)
			j.wantAdmits(t, b.private(t))
			j.live.leave()
		}},
		{"headscale is killed", func(t *testing.T) {
			before := len(j.log.String())
			n.kill()
			j.wantLogAfter(t, before, " cannot be reached, keeping the 2 keys ")
			for _, member := range []*node{a, b} {
				j.wantAdmits(t, member.private(t))
				j.wantLive(t)
			}
			j.wantOut(t, stranger)
			a.pings(t, b)
		}},
		{"the relay is killed meanwhile and knows its members again", func(t *testing.T) {
			j.kill()
			j.again(t)
			for _, member := range []*node{a, b} {
				j.wantAdmits(t, member.private(t))
				j.live.leave()
			}
			j.wantOut(t, stranger)
			a.pings(t, b)
		}},
		{"headscale is back", func(t *testing.T) {
			before := len(j.log.String())
			n.serve(t)
			j.wantLogAfter(t, before, " is back after ")
			c := startNode(t, "node-c", n.url, n.authKey)
			meets(t, a, c)
			j.wantAdmits(t, c.private(t))
			j.live.leave()
			j.wantRefuses(t, stranger)
			private := b.private(t)
			j.wantAdmits(t, private)
			began := time.Now()
			n.change(t, "nodes", "delete", "-i", n.nodeID(t, private.Public()), "--force")
			j.wantClosed(t, began)
		}},
	}
	// not as subtests: a node that one starts lives on in the next
	for _, step := range steps {
		t.Log(step.name)
		step.run(t)
	}
	n.kill() // it would wait for its nodes to end
}

// Two headscales, whose nodes share a relay: one is asked, one lists.
func TestE2ETwoTailnets(t *testing.T) {
	alone(t)
	if *relayKind == "go" {
		t.Skip("the policy is ours")
	}
	home := startRelay(t, relayConfig{})
	first, second := startTailnet(t, home), startTailnet(t, home)
	j := startJudge(t, home, first.rest()+"    refresh: 1s\n"+
		"  - url: "+second.url+"/verify\n    recheck: 1s\n")
	a1 := startNode(t, "node-a1", first.url, first.authKey)
	a2 := startNode(t, "node-a2", second.url, second.authKey)
	b1 := startNode(t, "node-b1", first.url, first.authKey)
	b2 := startNode(t, "node-b2", second.url, second.authKey)
	meets(t, a1, b1)
	meets(t, a2, b2)
	j.wantOut(t, key.NewNode())

	// who leaves one tailnet goes, and takes nobody of the other along
	for _, gone := range []struct {
		from *tailnet
		node *node
	}{{first, b1}, {second, b2}} {
		private := gone.node.private(t) // which it may lose with its place
		public := private.Public()
		gone.from.change(t, "nodes", "delete", "-i", gone.from.nodeID(t, public), "--force")
		j.wantLog(t, "client "+public.String()+" disconnected: ")
		j.wantOut(t, private)
		for _, member := range []*node{a1, a2} {
			j.wantAdmits(t, member.private(t))
			j.wantLive(t)
		}
	}
	if log := j.log.String(); strings.Contains(log, "client "+a1.public(t).String()+" disconnected: ") ||
		strings.Contains(log, "client "+a2.public(t).String()+" disconnected: ") {
		t.Errorf("a member was disconnected:\n%s", log)
	}
}

// What old releases speak on their socket is recognized.
func TestE2EHeadscaleSocket(t *testing.T) {
	alone(t)
	if *relayKind == "go" {
		t.Skip("the source is ours")
	}
	h := startHeadscale(t, freePort(t), generated(t, startRelay(t, relayConfig{}), "headscale"))
	stdout, stderr, code := run(t, nil, ours(t, "derpverify"), "check",
		"--headscale", h.socket(), key.NewNode().Public().String())
	if code != 2 || !strings.Contains(stdout+stderr, "gRPC is spoken there") {
		t.Errorf("exit status %d: %s%s", code, stdout, stderr)
	}
}
