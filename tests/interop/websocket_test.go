// DERP over WebSocket, with upstream's client on upstream's wsconn.

package interop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"tailscale.com/derp"
	"tailscale.com/net/wsconn"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// dialWebSocket logs in as a browser's client does, and returns when the relay
// has it: a packet for its key that came before would be dropped. It lasts for
// as long as anything may take.
func dialWebSocket(t *testing.T, r *relay, private key.NodePrivate) (*derp.Client, *websocket.Conn) {
	t.Helper()
	scheme := "wss://"
	if r.config.plain {
		scheme = "ws://"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, scheme+r.addr()+"/derp", &websocket.DialOptions{
		Subprotocols:    []string{"derp"},
		CompressionMode: websocket.CompressionContextTakeover, // refused
		HTTPHeader:      http.Header{"Origin": {"https://example.net"}},
		HTTPClient: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	if conn.Subprotocol() != "derp" {
		t.Fatalf("subprotocol %q", conn.Subprotocol())
	}
	nc := wsconn.NetConn(ctx, conn, websocket.MessageBinary, r.addr())
	c, err := derp.NewClient(private, nc,
		bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc)), logger.Discard)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Recv()
	if _, ok := m.(derp.ServerInfoMessage); !ok {
		t.Fatalf("first message is %T, %v", m, err)
	}
	return c, conn
}

// wantPacketOf reads on to the next packet.
func wantPacketOf(t *testing.T, c *derp.Client, from key.NodePublic, want []byte) {
	t.Helper()
	for {
		m, err := c.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := m.(derp.ReceivedPacket); ok {
			if p.Source != from || !bytes.Equal(p.Data, want) {
				t.Fatalf("%d bytes of %v, want %d of %v", len(p.Data), p.Source, len(want), from)
			}
			return
		}
	}
}

func TestWebSocketClientsRelay(t *testing.T) {
	for _, via := range []transport{fastStart, plainHTTP} {
		t.Run(via.name, func(t *testing.T) {
			r := startRelay(t, relayConfig{plain: via.plain})
			keys := []key.NodePrivate{key.NewNode(), key.NewNode()}
			a, _ := dialWebSocket(t, r, keys[0])
			b, _ := dialWebSocket(t, r, keys[1])
			other := r.login(t, via)
			for _, size := range []int{1, 125, 126, 1400, 4096, 30000} {
				packet := make([]byte, size)
				rand.Read(packet)
				if err := a.Send(keys[1].Public(), packet); err != nil {
					t.Fatal(err)
				}
				wantPacketOf(t, b, keys[0].Public(), packet)
				if err := b.Send(other.public, packet); err != nil {
					t.Fatal(err)
				}
				other.wantPacket(&peer{public: keys[1].Public()}, packet)
			}
			// more than a message may hold, which upstream's relay sends
			// all the same
			packet := make([]byte, derp.MaxPacketSize)
			if !r.isGo {
				rand.Read(packet)
				other.send(&peer{public: keys[0].Public()}, packet)
				wantPacketOf(t, a, other.public, packet)
			}
		})
	}
}

func TestWebSocketPingsAndCloses(t *testing.T) {
	r := startRelay(t, relayConfig{})
	c, conn := dialWebSocket(t, r, key.NewNode())
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := c.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 3 {
		if err := conn.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// the relay answers a close with the same code
	if err := conn.Close(websocket.StatusNormalClosure, "enough"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the connection is still there")
	}
	_, conn = dialWebSocket(t, r, key.NewNode())
	if err := conn.Write(ctx, websocket.MessageText, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			if got := websocket.CloseStatus(err); got != websocket.StatusUnsupportedData {
				t.Fatalf("%v, want status 1003", err)
			}
			return
		}
	}
}
