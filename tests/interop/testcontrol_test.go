//go:build e2e

// Two real nodes with upstream's test control server.

package interop

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// startControl starts upstream's test control server on an address; it hands
// out our derpmap's map.
func startControl(t *testing.T, r *relay, ip string) (*testcontrol.Server, *tailcfg.DERPMap) {
	t.Helper()
	dm := new(tailcfg.DERPMap)
	if err := json.Unmarshal(generated(t, r, "json"), dm); err != nil {
		t.Fatal(err)
	}
	control := &testcontrol.Server{
		DERPMap:          dm,
		AllOnline:        true,
		AllNodesSameUser: true,
		RequireAuthKey:   "k1",
		Logf:             logger.Discard,
	}
	mux := http.NewServeMux()
	mux.Handle("/", control)
	l, err := net.Listen("tcp4", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	control.HTTPTestServer = httptest.NewUnstartedServer(mux)
	control.HTTPTestServer.Listener.Close()
	control.HTTPTestServer.Listener = l
	control.HTTPTestServer.Start()
	t.Cleanup(func() {
		control.HTTPTestServer.CloseClientConnections()
		control.HTTPTestServer.Close()
	})
	return control, dm
}

func TestE2EWithTestControl(t *testing.T) {
	alone(t)
	r := startRelay(t, relayConfig{})
	control, dm := startControl(t, r, r.ip())
	a := startNode(t, "node-a", control.BaseURL(), "k1")
	b := startNode(t, "node-b", control.BaseURL(), "k1")

	// each step needs the ones before
	steps := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"nodes get the generated map", func(t *testing.T) {
			for _, n := range []*node{a, b} {
				n.wantMap(t, r, dm)
			}
		}},
		{"ping goes through the relay", func(t *testing.T) {
			meets(t, a, b)
		}},
		{"netcheck sees the region by STUN", func(t *testing.T) {
			a.sees(t, true)
		}},
		{"a stream arrives intact", func(t *testing.T) {
			wantStream(t, a, b)
		}},
		{"traffic resumes after a restart", func(t *testing.T) {
			replace(t, r, a, b)
			a.pings(t, b)
			b.pings(t, a)
			wantStream(t, b, a)
		}},
		{"traffic resumes after the relay was killed", func(t *testing.T) {
			replaceAfter(t, r, a, b, r.kill) // tells nobody
			a.pings(t, b)
			b.pings(t, a)
			wantStream(t, a, b)
		}},
		{"netcheck sees the region by HTTPS", func(t *testing.T) {
			replace(t, r, a, b, "-stun=false")
			a.pings(t, b)
			a.sees(t, false)
		}},
		{"verification through a node's own tailscaled", func(t *testing.T) {
			replace(t, r, a, b, "-verify-clients", "-socket="+a.socket())
			a.pings(t, b)
			b.pings(t, a)
			for _, n := range []*node{a, b} {
				if _, err := r.tryLogin(t, fastStart, n.private(t)); err != nil {
					t.Errorf("%s's own key is refused: %v", n.name, err)
				}
			}
			stranger := key.NewNode()
			if _, err := r.tryLogin(t, fastStart, stranger); err == nil {
				t.Error("a stranger is admitted")
			}
			r.wantLog(t, "peer "+stranger.Public().String()+
				" not authorized (not found in local tailscaled)")
		}},
	}
	for _, step := range steps {
		if !t.Run(step.name, step.run) {
			return
		}
	}
}
