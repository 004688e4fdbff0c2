//go:build e2e

// Moving from the Go relay to ours and back: the same flags, files and
// clients, which come back by themselves.

package interop

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/types/key"
)

// returner is a client that connects again whenever its connection ends, as a
// node's does, for as long as the test lasts.
type returner struct {
	*derphttp.Client
	public  key.NodePublic
	packets chan derp.ReceivedPacket
}

func (r *relay) returner(t *testing.T, set func(*derphttp.Client)) *returner {
	t.Helper()
	private := key.NewNode()
	c := &returner{
		Client:  newClient(t, r, fastStart, private),
		public:  private.Public(),
		packets: make(chan derp.ReceivedPacket, 4096),
	}
	c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13}
	if set != nil {
		set(c.Client)
	}
	over := make(chan struct{})
	t.Cleanup(func() { close(over); c.Close() })
	go c.receive(over)
	return c
}

// receive connects again by receiving, until the test is over.
func (c *returner) receive(over chan struct{}) {
	for {
		m, err := c.Recv()
		select {
		case <-over:
			return
		default:
		}
		switch m := m.(type) {
		case derp.ReceivedPacket:
			m.Data = bytes.Clone(m.Data)
			c.packets <- m
		case nil:
			_ = err // the relay is away
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// reaches sends until the packet arrives: either client may still be away.
func (c *returner) reaches(t *testing.T, to *returner, data string) {
	t.Helper()
	eventually(t, "a packet "+data, func() error {
		if err := c.Send(to.public, []byte(data)); err != nil {
			return err
		}
		for {
			select {
			case got := <-to.packets:
				if got.Source == c.public && string(got.Data) == data {
					return nil
				}
			case <-time.After(100 * time.Millisecond):
				return fmt.Errorf("it has not come")
			}
		}
	})
}

// wantMoved checks that all clients are there, and that the relay is the same
// to them.
func wantMoved(t *testing.T, clients []*returner, server key.NodePublic, when string) {
	t.Helper()
	for i, c := range clients {
		c.reaches(t, clients[(i+1)%len(clients)], fmt.Sprint(when, " ", i))
		if got := c.ServerPublicKey(); got != server {
			t.Errorf("%s: client %d has a relay with the key %v, want %v", when, i, got, server)
		}
	}
}

// wantJudgedGood checks that -check-config finds all that is to be taken over.
func (r *relay) wantJudgedGood(t *testing.T, server key.NodePublic) {
	t.Helper()
	out, errors, code := run(t, nil, ours(t, "derper"), append([]string{"-check-config", "-json"}, r.args()...)...)
	var told struct {
		Key struct {
			State     string
			PublicKey string `json:"public_key"`
		}
		Certificate struct{ State string }
		Mesh        struct {
			HasKey bool `json:"has_key"`
		}
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("-check-config: %v: %s%s", err, out, errors)
	}
	if code != 0 || told.Key.State != "found" || told.Certificate.State != "found" || !told.Mesh.HasKey ||
		told.Key.PublicKey != server.String() {
		t.Errorf("-check-config: status %d, want the key %v:\n%s", code, server, out)
	}
}

// wantSameFiles checks that a move has changed none of the relay's files.
func wantSameFiles(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := readFiles(t, dir)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s has changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d files, want %d", len(after), len(before))
	}
}

func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(text)
	}
	return files
}

func TestE2EMoveFromTheGoRelayAndBack(t *testing.T) {
	r := startRelay(t, relayConfig{kind: "go", args: []string{
		"-mesh-psk-file=" + writeMeshKey(t),
		"-verify-client-url=http://127.0.0.1:1/verify", // open, as nobody is there
	}})
	meshPeer, err := key.ParseDERPMesh(meshKey)
	if err != nil {
		t.Fatal(err)
	}
	var clients []*returner
	for range 9 {
		clients = append(clients, r.returner(t, nil))
	}
	// one with the mesh key, which a relay with another key would refuse
	clients = append(clients, r.returner(t, func(c *derphttp.Client) { c.MeshKey = meshPeer }))
	clients[0].reaches(t, clients[1], "first")
	server := clients[0].ServerPublicKey()
	wantMoved(t, clients, server, "with the Go relay")
	before, leaf := readFiles(t, r.dir), r.leaf(t)
	for _, kind := range []string{"ours", "go"} {
		r.excused = true
		r.stop()
		r.config.kind, r.isGo = kind, kind == "go"
		if !r.isGo {
			r.wantJudgedGood(t, server)
		}
		if !r.restart(t) {
			t.Fatalf("the %s relay does not start:\n%s", kind, r.log)
		}
		wantMoved(t, clients, server, "after the move to "+kind)
		wantSameFiles(t, r.dir, before)
		if !r.leaf(t).Equal(leaf) {
			t.Errorf("the %s relay has another certificate", kind)
		}
	}
}
