//go:build e2e

// Judges: relays that admit by one source each, all of which know the same
// tailnet, and what each of them promises.

package interop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailscale.com/derp"
	"tailscale.com/types/key"
)

// judge is a relay and the source that it admits by.
type judge struct {
	name string
	rows string // of the configuration: its sources
	// what it promises
	atOnce       bool // whoever has registered gets in at the first try
	admitsExpiry bool // it is not told that a key has expired
	keepsLive    bool // only the next connect of a key is refused
	listsOnMiss  bool // it lists for an unknown key, and not again soon

	*relay
	live *peer // a connection of the node that is looked at
}

// writeText puts a file in place at once, as whoever follows it expects.
func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// admissionConfig writes a configuration with these sources, of which one is
// enough. The last good sets are kept beside it.
func admissionConfig(t *testing.T, rows string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "admission.yaml")
	writeText(t, path, "policy: any\nlast-good-folder: "+dir+"\nsources:\n"+rows)
	return path
}

// open starts the judge's relay.
func (j *judge) open(t *testing.T) {
	t.Helper()
	j.relay = startRelay(t, relayConfig{kind: "ours",
		args: []string{"-verify-config=" + admissionConfig(t, j.rows)}})
}

// wantAdmits checks that a node's key gets in, and keeps the connection.
func (j *judge) wantAdmits(t *testing.T, private key.NodePrivate) {
	t.Helper()
	var err error
	if j.live, err = j.tryLogin(t, fastStart, private); err == nil {
		return
	}
	if j.atOnce {
		t.Fatalf("%s: refused at the first try: %v", j.name, err)
	}
	eventually(t, j.name+" admits", func() error {
		j.live, err = j.tryLogin(t, fastStart, private)
		return err
	})
}

// wantRefuses checks that a key does not get in, or not any more after a
// moment, for the reason that it is not a member's.
func (j *judge) wantRefuses(t *testing.T, private key.NodePrivate) {
	t.Helper()
	before := len(j.log.String())
	eventually(t, j.name+" refuses", func() error {
		if p, err := j.tryLogin(t, fastStart, private); err == nil {
			p.leave()
			return fmt.Errorf("admitted")
		}
		return nil
	})
	verdict := "peer " + private.Public().String() + " not authorized"
	if strings.Contains(j.rows, "url:") || j.isGo {
		verdict = private.Public().String() + " rejected: admission controller"
	}
	j.wantLogAfter(t, before, verdict)
}

// wantClosed waits until the relay has closed the connection that is kept, if
// there is one.
func (j *judge) wantClosed(t *testing.T, began time.Time) {
	t.Helper()
	if j.live == nil {
		return
	}
	for timeout := time.After(patience); ; {
		select {
		case <-j.live.messages:
		case <-j.live.failed:
			t.Logf("%s: closed after %v", j.name, time.Since(began).Round(time.Millisecond))
			j.wantLog(t, "client "+j.live.public.String()+" disconnected: ")
			j.live = nil
			return
		case <-timeout:
			t.Fatalf("%s: the connection is still there after %v", j.name, patience)
		}
	}
}

// wantLive checks that the connection that is kept still answers, and ends it.
func (j *judge) wantLive(t *testing.T) {
	t.Helper()
	var data [8]byte
	copy(data[:], key.NewNode().Public().AppendTo(nil))
	if err := j.live.SendPing(data); err != nil {
		t.Fatalf("%s: ping: %v", j.name, err)
	}
	// a real node has the same key, and others may send to it just now
	for m := j.live.next(); m != derp.PongMessage(data); m = j.live.next() {
		if _, ok := m.(derp.ReceivedPacket); !ok {
			t.Fatalf("%s: got %T %v, want the Pong", j.name, m, m)
		}
	}
	j.live.leave()
	j.live = nil
}

// proxySocket serves a unix socket in front of another server, and changes the
// requests, or answers them.
func proxySocket(t *testing.T, to *httputil.ReverseProxy, answer func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	path := filepath.Join(shortDir(t), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			to.ServeHTTP(w, r)
		}
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return path
}

// restSocket serves headscale's REST interface on a unix socket without a key,
// as releases after 0.29 do.
func restSocket(t *testing.T, h *headscale, apiKey string) string {
	t.Helper()
	target, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	return proxySocket(t, httputil.NewSingleHostReverseProxy(target),
		func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Set("Authorization", "Bearer "+apiKey)
			return false
		})
}

// withoutBus serves a tailscaled's socket as one that has no notification bus.
func withoutBus(t *testing.T, n *node) string {
	t.Helper()
	return proxySocket(t, &httputil.ReverseProxy{
		Director: func(r *http.Request) {
			r.URL.Scheme, r.URL.Host = "http", r.Host
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", n.socket())
			},
		},
	}, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/localapi/v0/watch-ipn-bus" {
			return false
		}
		http.NotFound(w, r)
		return true
	})
}
