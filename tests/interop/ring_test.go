//go:build e2e

// The ring: relay, control server, and real nodes that cannot reach each other
// but through the relay. e2e.sh runs it alone in a network namespace.

package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/proxy"
	"tailscale.com/client/local"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// alone makes sure that the test runs where nothing can leave and no other
// route can be taken.
func alone(t *testing.T) {
	t.Helper()
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if link.Flags&net.FlagLoopback == 0 && link.Flags&net.FlagUp != 0 {
			t.Fatalf("there is an interface %s: run this by e2e.sh, which "+
				"makes a network namespace for it", link.Name)
		}
	}
}

// withoutICMP starts a program so that it cannot ping: netcheck would take the
// echo of a dead relay's address for an answer of the relay.
var withoutICMP = []string{"setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"}

// offline catches whatever would leave the machine.
var offline = []string{
	"HTTP_PROXY=http://127.0.0.1:9",
	"HTTPS_PROXY=http://127.0.0.1:9",
	"NO_PROXY=" + middle,
}

// node is a real tailscaled in userspace mode.
type node struct {
	*process
	*local.Client
	name  string
	place *place
	dir   string
	socks int
}

func (n *node) socket() string { return filepath.Join(n.dir, "sock") }

// startNode starts a tailscaled that is told not to go direct, and logs it in.
func startNode(t *testing.T, name, controlURL, authKey string) *node {
	t.Helper()
	return startNodeIn(t, nil, name, controlURL, authKey)
}

// startNodeIn starts a tailscaled in a network namespace, which is what keeps
// it from going direct, or in the test's own, where an environment variable
// does.
func startNodeIn(t *testing.T, where *place, name, controlURL, authKey string) *node {
	t.Helper()
	n := &node{name: name, place: where, dir: shortDir(t), socks: freePort(t)}
	env := append([]string{
		"TS_LOGS_DIR=" + n.dir,
		"TS_DISABLE_PORTMAPPER=1",
		"TS_ASSUME_NETWORK_UP_FOR_TEST=1",
		"TS_PANIC_IF_HIT_MAIN_CONTROL=1",
	}, offline...)
	if where == nil {
		env = append(env, "TS_DEBUG_NEVER_DIRECT_UDP=1")
	}
	args := append(where.enter(withoutICMP...),
		upstream(t, "tailscaled"),
		"--no-logs-no-support",
		"--tun=userspace-networking",
		"--statedir="+n.dir,
		"--socket="+n.socket(),
		"--port=0",
		"--socks5-server=127.0.0.1:"+itoa(n.socks))
	n.process = start(t, env, args[0], args[1:]...)
	n.process.name = name
	n.Client = &local.Client{Socket: n.socket(), UseSocketOnly: true}
	eventually(t, name+" is up", func() error {
		_, err := n.Status(t.Context())
		return err
	})
	n.up(t, controlURL, authKey)
	return n
}

// up logs the node in, also again, with a new key if it is told so.
func (n *node) up(t *testing.T, controlURL, authKey string, flags ...string) {
	t.Helper()
	args := append([]string{"--socket=" + n.socket(), "up",
		"--login-server=" + controlURL, "--auth-key=" + authKey,
		"--hostname=" + n.name, "--accept-dns=false", "--timeout=60s"}, flags...)
	_, stderr, code := run(t, offline, upstream(t, "tailscale"), args...)
	if code != 0 {
		t.Fatalf("%s does not join: %s\n%s", n.name, stderr, tail(n.log.String(), 50))
	}
}

func (n *node) status(t *testing.T) *ipnstate.Status {
	t.Helper()
	s, err := n.Status(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return s
}

func (n *node) address(t *testing.T) netip.Addr {
	t.Helper()
	s := n.status(t)
	if len(s.TailscaleIPs) == 0 {
		t.Fatalf("%s has no address", n.name)
	}
	return s.TailscaleIPs[0]
}

func (n *node) public(t *testing.T) key.NodePublic {
	t.Helper()
	return n.status(t).Self.PublicKey
}

// private reads the node's key from its state, to log in as that very node.
func (n *node) private(t *testing.T) (private key.NodePrivate) {
	t.Helper()
	eventually(t, n.name+"'s state has its key", func() (err error) {
		private, err = n.storedKey()
		if err == nil && private.Public() != n.public(t) {
			err = fmt.Errorf("state has %v, the node says %v", private.Public(), n.public(t))
		}
		return err
	})
	return private
}

func (n *node) storedKey() (private key.NodePrivate, err error) {
	text, err := os.ReadFile(filepath.Join(n.dir, "tailscaled.state"))
	if err != nil {
		return private, err
	}
	var state map[string][]byte // base64 by itself
	if err := json.Unmarshal(text, &state); err != nil {
		return private, err
	}
	var profile struct {
		Config struct{ PrivateNodeKey key.NodePrivate }
	}
	if err := json.Unmarshal(state[string(state["_current-profile"])], &profile); err != nil {
		return private, fmt.Errorf("%w in %s", err, base64.StdEncoding.EncodeToString(text))
	}
	return profile.Config.PrivateNodeKey, nil
}

// knows waits until a node sees another one and its home relay.
func (n *node) knows(t *testing.T, other *node) {
	t.Helper()
	public := other.public(t)
	eventually(t, n.name+" knows "+other.name, func() error {
		peer := n.status(t).Peer[public]
		if peer == nil || !peer.Online || peer.Relay != regionCode {
			return fmt.Errorf("peer %+v", peer)
		}
		return nil
	})
}

// tryPing pings over the tailnet and wants the answer by way of the relay.
func (n *node) tryPing(t *testing.T, other *node) error {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	result, err := n.Ping(ctx, other.address(t), tailcfg.PingDisco)
	switch {
	case err != nil:
		return err
	case result.Err != "":
		return fmt.Errorf("%s", result.Err)
	case result.DERPRegionID != regionID || result.DERPRegionCode != regionCode ||
		result.Endpoint != "" || result.PeerRelay != "":
		return fmt.Errorf("not by way of the relay: %+v", result)
	}
	return nil
}

func (n *node) pings(t *testing.T, other *node) {
	t.Helper()
	eventuallyWithin(t, 2*patience, n.name+" pings "+other.name, func() error {
		return n.tryPing(t, other)
	})
}

// meets waits until two nodes see each other and pings both ways, with
// upstream's command as well.
func meets(t *testing.T, a, b *node) {
	t.Helper()
	a.knows(t, b)
	b.knows(t, a)
	a.pings(t, b)
	b.pings(t, a)
	stdout, stderr, code := run(t, nil, upstream(t, "tailscale"),
		"--socket="+a.socket(), "ping", "--c=1", "--until-direct=false",
		"--timeout=10s", b.address(t).String())
	if want := "via DERP(" + regionCode + ")"; code != 0 || !strings.Contains(stdout, want) {
		t.Errorf("tailscale ping: exit status %d, want %s: %s%s", code, want, stdout, stderr)
	}
}

// sees runs upstream's netcheck command and wants the relay to be nearest.
func (n *node) sees(t *testing.T, udp bool) {
	t.Helper()
	args := append(n.place.enter(withoutICMP...),
		upstream(t, "tailscale"), "--socket="+n.socket(), "netcheck", "--format=json")
	stdout, stderr, code := run(t, offline, args[0], args[1:]...)
	var report struct {
		UDP             bool
		PreferredDERP   int
		RegionLatency   map[int]time.Duration
		RegionV4Latency map[int]time.Duration
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 {
		t.Fatalf("netcheck: exit status %d, %v: %s%s", code, err, stdout, stderr)
	}
	if report.UDP != udp || report.PreferredDERP != regionID ||
		report.RegionLatency[regionID] <= 0 || (report.RegionV4Latency[regionID] > 0) != udp {
		t.Errorf("netcheck: %+v, want UDP %v and region %d", report, udp, regionID)
	}
}

// wantStream moves 20 MB each way between two nodes: one serves, the other
// dials through its SOCKS proxy. What arrives must be what was sent.
func wantStream(t *testing.T, a, b *node) {
	t.Helper()
	blob := make([]byte, 20<<20)
	rand.Read(blob)
	want := sha256.Sum256(blob)
	uploaded := make(chan [sha256.Size]byte, 1)
	// a connection to the node's address ends at this port of its host
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			sum := sha256.New()
			io.Copy(sum, r.Body)
			uploaded <- [sha256.Size]byte(sum.Sum(nil))
			return
		}
		w.Write(blob)
	})}
	var l net.Listener
	err := b.place.inside(func() (err error) {
		l, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	defer server.Close()

	socks, err := proxy.SOCKS5("tcp", "127.0.0.1:"+itoa(a.socks), nil, a.place)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Transport: &http.Transport{DialContext: socks.(proxy.ContextDialer).DialContext},
		Timeout:   3 * time.Minute,
	}
	defer client.CloseIdleConnections()
	url := fmt.Sprintf("http://%s:%d/blob", b.address(t), l.Addr().(*net.TCPAddr).Port)
	began := time.Now()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || sha256.Sum256(got) != want {
		t.Errorf("down: %d of %d bytes, %v, or not the same", len(got), len(blob), err)
	}
	request, err := http.NewRequest("PUT", url, bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	response, err = client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if <-uploaded != want {
		t.Error("up: not the same")
	}
	t.Logf("20 MB down and up in %v", time.Since(began).Round(time.Millisecond))
	peer := a.status(t).Peer[b.public(t)]
	if peer.CurAddr != "" || peer.PeerRelay != "" || peer.Relay != regionCode ||
		peer.RxBytes < int64(len(blob)) || peer.TxBytes < int64(len(blob)) {
		t.Errorf("not by way of the relay: %+v", peer)
	}
}

// replace stops the relay and starts it again, with other flags if there are
// any, and checks that nothing gets through in between.
func replace(t *testing.T, r *relay, a, b *node, args ...string) {
	t.Helper()
	replaceAfter(t, r, a, b, r.stop, args...)
}

// replaceAfter is replace with another way to end the relay.
func replaceAfter(t *testing.T, r *relay, a, b *node, end func(), args ...string) {
	t.Helper()
	end()
	if err := a.tryPing(t, b); err == nil {
		t.Fatal("a ping got through without a relay")
	}
	r.config.args = args
	if !r.restart(t) {
		t.Fatalf("the relay does not start again:\n%s", r.log)
	}
}

// wantMap checks that a node has this DERP map, all fields of it, and that it
// leads to the relay.
func (n *node) wantMap(t *testing.T, r *relay, want *tailcfg.DERPMap) {
	t.Helper()
	got, err := n.CurrentDERPMap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if wire(got) != wire(want) {
		t.Errorf("%s has %s, want %s", n.name, wire(got), wire(want))
	}
	if expected := r.derpMap(t); wire(got) != wire(expected) {
		t.Errorf("%s has %s, the relay is %s", n.name, wire(got), wire(expected))
	}
}

// generated returns the map that leads to the relay, as our derpmap writes it;
// with -relay=go, which has no derpmap, as it would.
func generated(t *testing.T, r *relay, format string) []byte {
	t.Helper()
	if *relayKind == "go" {
		text, err := json.Marshal(r.derpMap(t))
		if err != nil {
			t.Fatal(err)
		}
		if format == "headscale" { // small letters, and numbers as keys
			number := fmt.Appendf(nil, "%q:", itoa(regionID))
			text = bytes.ReplaceAll(bytes.ToLower(text), number,
				fmt.Appendf(nil, "%d: ", regionID))
		}
		return text
	}
	text, stderr, code := run(t, nil, ours(t, "derpmap"), "generate",
		"--from-derper", "--hostname", r.host, "--certdir", r.dir,
		"-a", r.addr(), "--stun-port", itoa(r.stunPort),
		"--region-id", itoa(regionID), "--region-code", regionCode,
		"--region-name", "E2E", "--format", format)
	if code != 0 {
		t.Fatalf("derpmap generate: exit status %d: %s", code, stderr)
	}
	t.Logf("derpmap generate:\n%s", text)
	return []byte(text)
}
