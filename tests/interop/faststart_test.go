// Whether upstream's client really starts fast: what goes over the connection,
// recorded by a TLS terminator in front of the relay.

package interop

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"

	"tailscale.com/derp"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// terminator speaks TLS for a relay that has none, and keeps what passes.
type terminator struct {
	port          int
	asked, answer output // from the client, from the relay
}

// startTerminator shows clients a certificate and, as a relay does, the
// metacert of a server key behind it.
func startTerminator(t *testing.T, r *relay, server key.NodePublic) *terminator {
	t.Helper()
	leaf, leafKey, err := issue(&x509.Certificate{DNSNames: []string{"localhost"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{
			Certificate: [][]byte{leaf.Raw, metaCert(t, server)},
			PrivateKey:  leafKey,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	proxy := &terminator{port: l.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go proxy.serve(client, r.addr())
		}
	}()
	return proxy
}

func (p *terminator) serve(client net.Conn, relay string) {
	defer client.Close()
	server, err := net.Dial("tcp", relay)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, io.TeeReader(client, &p.asked))
		server.Close()
	}()
	io.Copy(client, io.TeeReader(server, &p.answer))
}

// metaCert makes what derpserver's ModifyTLSConfigToAddMetaCert adds.
func metaCert(t *testing.T, server key.NodePublic) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(derp.ProtocolVersion),
		Subject:      pkix.Name{CommonName: "derpkey" + server.UntypedHexString()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestFastStartOnTheWire(t *testing.T) {
	serverKey := append(header(derp.FrameServerKey, 40), derp.Magic...)
	for _, row := range []struct {
		via    transport
		asks   bool   // for a fast start
		answer string // how it begins
	}{
		{fastStart, true, string(serverKey)},
		{slowStart, false, "HTTP/1.1 101 Switching Protocols\r\n"},
	} {
		t.Run(row.via.name, func(t *testing.T) {
			r := startRelay(t, relayConfig{plain: true})
			proxy := startTerminator(t, r, upgradeRaw(t, r).server)
			region := &tailcfg.DERPRegion{RegionID: regionID, Nodes: []*tailcfg.DERPNode{{
				Name: "a", RegionID: regionID, HostName: "localhost",
				IPv4: "127.0.0.1", IPv6: "none", DERPPort: proxy.port,
				InsecureForTests: true,
			}}}
			c := newRegionClient(region, key.NewNode())
			defer c.Close()
			c.TLSConfig = &tls.Config{MaxVersion: row.via.tls}
			if err := c.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			m, err := c.Recv()
			if _, ok := m.(derp.ServerInfoMessage); !ok {
				t.Fatalf("got %T, %v", m, err)
			}
			head, _, _ := strings.Cut(proxy.asked.String(), "\r\n\r\n")
			if asks := strings.Contains(head, "\r\nDerp-Fast-Start: 1"); asks != row.asks {
				t.Errorf("asks for a fast start: %v, want %v: %q", asks, row.asks, head)
			}
			answer := proxy.answer.String()
			if !strings.HasPrefix(answer, row.answer) {
				t.Errorf("the answer is %q, want %q first", answer, row.answer)
			}
			if row.asks && strings.Contains(answer, "HTTP/") {
				t.Errorf("there is an HTTP answer in %q", answer)
			}
		})
	}
}

// The relay's own TLS: the key is the very first that comes.
func TestFastStartOverTheRelaysTLS(t *testing.T) {
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		if via.plain {
			return // TestFastStartOverPlainHTTP
		}
		conn, err := tls.Dial("tcp", r.addr(), &tls.Config{
			InsecureSkipVerify: true,
			MaxVersion:         via.tls,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, upgradeHead+"Derp-Fast-Start: 1\r\n\r\n")
		want := append(header(derp.FrameServerKey, 40), derp.Magic...)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}
