// Meshes of our relay and upstream's, and upstream's watching client.

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailscale.com/derp"
	"tailscale.com/types/key"
)

var meshKey = strings.Repeat("ab", 32)

// overMesh is how clients reach the nodes of a mesh.
var overMesh = transports[0]

// writeMeshKey returns a file with the mesh key.
func writeMeshKey(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mesh.key")
	if err := os.WriteFile(file, []byte(meshKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startMesh starts relays of these kinds, each of which names all of them.
func startMesh(t *testing.T, kinds ...string) []*relay {
	t.Helper()
	var nodes []*relay
	var with []string
	for i, kind := range kinds {
		host := fmt.Sprintf("%c.mesh.test", 'a'+i)
		r := startRelay(t, relayConfig{kind: kind, host: host})
		nodes = append(nodes, r)
		with = append(with, fmt.Sprintf("%s:%d/127.0.0.1", host, r.port))
	}
	file := writeMeshKey(t)
	for _, r := range nodes {
		r.stop()
		r.config.args = []string{"-mesh-psk-file=" + file, "-mesh-with=" + strings.Join(with, ",")}
		if !r.restart(t) {
			t.Fatalf("the relay does not start:\n%s", r.log)
		}
	}
	return nodes
}

// wantReaches sends packets until one arrives: the nodes of a mesh come to know
// of each other's clients in their own time.
func (p *peer) wantReaches(to *peer, data string) {
	p.t.Helper()
	eventually(p.t, "a packet through the mesh", func() error {
		if err := p.Send(to.public, []byte(data)); err != nil {
			p.t.Fatalf("send: %v", err)
		}
		for {
			select {
			case m := <-to.messages:
				got, ok := m.(derp.ReceivedPacket)
				if ok && got.Source == p.public && string(got.Data) == data {
					return nil
				}
			case err := <-to.failed:
				p.t.Fatalf("waiting for a packet: %v", err)
			case <-time.After(100 * time.Millisecond):
				return fmt.Errorf("%q has not come", data)
			}
		}
	})
}

func wantAllReachAll(peers []*peer, round string) {
	for i, from := range peers {
		for k, to := range peers {
			if i != k {
				from.wantReaches(to, fmt.Sprintf("%s %d to %d", round, i, k))
			}
		}
	}
}

var meshes = [][]string{
	{"ours", "ours"},
	{"ours", "go"},
	{"go", "ours"},
	{"ours", "go", "ours"},
}

func TestPacketsCrossAMesh(t *testing.T) {
	for _, kinds := range meshes {
		t.Run(strings.Join(kinds, "+"), func(t *testing.T) {
			t.Parallel()
			nodes := startMesh(t, kinds...)
			var peers []*peer
			for _, r := range nodes {
				peers = append(peers, r.login(t, overMesh))
			}
			wantAllReachAll(peers, "all")
			// one moves to each node, with its key
			private := key.NewNode()
			for i, r := range nodes {
				moved := r.loginAs(t, overMesh, private)
				for k, p := range peers {
					p.wantReaches(moved, fmt.Sprintf("to the moved one at %d from %d", i, k))
					moved.wantReaches(p, fmt.Sprintf("from the moved one at %d to %d", i, k))
				}
				moved.Close()
			}
		})
	}
}

// wantPresence waits for what a watcher is told of a key.
func (p *peer) wantPresence(of key.NodePublic, flags derp.PeerPresentFlags) {
	p.t.Helper()
	switch m := p.next().(type) {
	case derp.PeerPresentMessage:
		if m.Key != of || m.Flags != flags || m.IPPort.Addr().String() != "127.0.0.1" {
			p.t.Fatalf("%v is present with %v at %v, want %v with %v", m.Key, m.Flags, m.IPPort, of, flags)
		}
	default:
		p.t.Fatalf("got %T %v, want that %v is present", m, m, of)
	}
}

func TestUpstreamsWatcher(t *testing.T) {
	for _, kind := range []string{"go", "ours"} {
		t.Run(kind, func(t *testing.T) {
			r := startRelay(t, relayConfig{kind: kind, plain: true, args: []string{
				"-mesh-psk-file=" + writeMeshKey(t),
				// a mesh peer is not asked about: nobody is there to ask
				"-verify-client-url=http://127.0.0.1:1/verify",
				"-verify-client-url-fail-open=true",
			}})
			via := transport{name: "plain", plain: true}
			private := key.NewNode()
			c := newClient(t, r, via, private)
			parsed, err := key.ParseDERPMesh(meshKey)
			if err != nil {
				t.Fatal(err)
			}
			c.MeshKey = parsed
			c.WatchConnectionChanges = true
			watcher := &peer{Client: c, t: t, public: private.Public(),
				messages: make(chan derp.ReceivedMessage, 4096), failed: make(chan error, 1)}
			t.Cleanup(func() { c.Close() })
			go watcher.receive()
			if _, ok := watcher.next().(derp.ServerInfoMessage); !ok {
				t.Fatal("the first message is not ServerInfo")
			}
			watcher.wantPresence(private.Public(), derp.PeerPresentIsMeshPeer)
			p := r.login(t, via)
			watcher.wantPresence(p.public, derp.PeerPresentIsRegular)
			if err := c.ClosePeer(p.public); err != nil {
				t.Fatal(err)
			}
			p.wantEnd()
			gone, ok := watcher.next().(derp.PeerGoneMessage)
			if !ok || gone.Peer != p.public || gone.Reason != derp.PeerGoneReasonDisconnected {
				t.Fatalf("got %v, want that %v has gone", gone, p.public)
			}
		})
	}
}
