// Admission by the local tailscaled, and by it and a URL together: ours and
// upstream's relay side by side.

package interop

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tailscale.com/client/tailscale/apitype"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// whoIs answers as a tailscaled does for a node it knows, with its types.
func whoIs(change func(*tailcfg.Node)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var k key.NodePublic
		if err := k.UnmarshalText([]byte(r.FormValue("addr"))); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		node := &tailcfg.Node{ID: 2, StableID: "2", Name: "node-b.e2e.test.", User: 1, Key: k}
		if change != nil {
			change(node)
		}
		text, err := json.MarshalIndent(&apitype.WhoIsResponse{
			Node: node,
			UserProfile: &tailcfg.UserProfile{ID: 1, LoginName: "alice@example.com",
				DisplayName: "Älice \u2028 \"A\""},
		}, "", "\t")
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	}
}

// whoIsVerdicts is what upstream's relay makes of what tailscaled says.
var whoIsVerdicts = []verdict{
	{"known", whoIs(nil), true, true},
	{"known, long and chunked", whoIs(func(n *tailcfg.Node) {
		n.Tags = slices.Repeat([]string{"tag:relay"}, 5000)
	}), true, true},
	{"known, expired", whoIs(func(n *tailcfg.Node) {
		n.Expired = true
		n.KeyExpiry = time.Now().Add(-time.Hour)
	}), true, true},
	{"unknown", body(404, "no match for IP:port\n"), false, false},
	{"too old a tailscaled", body(400, "invalid 'addr' parameter\n"), false, false},
	{"bad key", body(400, "invalid nodekey in 'addr' parameter\n"), false, false},
	{"no permission", body(403, "access denied\n"), false, false},
	{"error", body(500, "oops\n"), false, false},
	{"not yet", body(503, "no backend\n"), false, false},
	{"empty object", body(200, `{}`), true, true},
	{"empty", body(200, ``), false, false},
	{"no JSON", body(200, `hello`), false, false},
	{"cut off", body(200, `{"Node":{"ID":2`), false, false},
	{"closed at once", rawAnswer(""), false, false},
	{"no HTTP", rawAnswer("hello\r\n"), false, false},
	{"body cut off", rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Node\":{}"), false, false},
	{"HTTP/1.0", rawAnswer("HTTP/1.0 200 OK\r\n\r\n{\"Node\":{}}"), true, true},
}

// localAPI serves a stub of tailscaled's LocalAPI on a unix socket.
func localAPI(t *testing.T, a *answers) string {
	t.Helper()
	path := filepath.Join(shortDir(t), "sock")
	localAPIAt(t, a, path)
	return path
}

func localAPIAt(t *testing.T, a *answers, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /localapi/v0/whois", func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "local-tailscaled.sock" || r.Header.Get("Origin") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("a real tailscaled refuses this: host %q, %v", r.Host, r.Header)
		}
		if r.Header.Get("Tailscale-Cap") == "" {
			t.Errorf("no Tailscale-Cap: %v", r.Header)
		}
		var k key.NodePublic
		if err := k.UnmarshalText([]byte(r.FormValue("addr"))); err != nil {
			t.Errorf("addr %q: %v", r.FormValue("addr"), err)
		}
		w.Header().Set("Tailscale-Version", "1.102.5")
		a.serve(w, r, k)
	})
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

func TestWhoIs(t *testing.T) {
	for _, plain := range []bool{true, false} {
		t.Run(fmt.Sprintf("plain %v", plain), func(t *testing.T) {
			var stub answers
			relays := bothRelaysWith(t, relayConfig{plain: plain, args: []string{
				"-verify-clients", "-socket=" + localAPI(t, &stub),
			}})
			wantVerdicts(t, relays, &stub, false, whoIsVerdicts)
		})
	}
}

func TestWhoIsWithoutTailscaled(t *testing.T) {
	dir := shortDir(t)
	notASocket := filepath.Join(dir, "file")
	if err := os.WriteFile(notASocket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stub answers
	for _, path := range []string{filepath.Join(dir, "none"), notASocket} {
		// there is no fail-open here, whatever the flag of the URL says
		relays := bothRelays(t, "-verify-clients", "-socket="+path,
			"-verify-client-url-fail-open=true")
		var keys []key.NodePrivate
		for _, r := range relays {
			private := stub.add(whoIs(nil))
			keys = append(keys, private)
			if admitted(t, r, private) {
				t.Errorf("the %s relay admits without a tailscaled", r.config.kind)
			}
		}
		// and that was all that was missing
		os.Remove(path)
		localAPIAt(t, &stub, path)
		for i, r := range relays {
			eventually(t, "the "+r.config.kind+" relay admits by a tailscaled", func() error {
				_, err := r.tryLogin(t, plainHTTP, keys[i])
				return err
			})
		}
	}
}

// With both ways on both must agree, and the URL is not asked about a key that
// tailscaled does not know.
func TestWhoIsAndURL(t *testing.T) {
	var socket, url answers
	s := admissionURL(t, &url)
	relays := bothRelays(t, "-verify-clients", "-socket="+localAPI(t, &socket),
		"-verify-client-url="+s.URL+"/verify", "-verify-client-url-fail-open=false")
	known, unknown := whoIs(nil), body(404, "no match for IP:port\n")
	allow, deny := body(200, `{"Allow":true}`), body(200, `{"Allow":false}`)
	notAsked := func(w http.ResponseWriter, r *http.Request) {
		t.Error("the URL was asked about a key that tailscaled does not know")
	}
	for _, row := range []struct {
		name        string
		socket, url http.HandlerFunc
		want        bool
	}{
		{"both allow", known, allow, true},
		{"URL denies", known, deny, false},
		{"tailscaled denies", unknown, notAsked, false},
	} {
		for _, r := range relays {
			private := url.add(row.url)
			socket.mu.Lock()
			if socket.rows == nil {
				socket.rows = map[key.NodePublic]http.HandlerFunc{}
			}
			socket.rows[private.Public()] = row.socket
			socket.mu.Unlock()
			if got := admitted(t, r, private); got != row.want {
				t.Errorf("%s: the %s relay admits: %v", row.name, r.config.kind, got)
			}
		}
	}
}
