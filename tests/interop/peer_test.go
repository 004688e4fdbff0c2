// A client of the relay: upstream's derphttp, with what a test wants to know.

package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// transport is a way for a client to reach the relay.
type transport struct {
	name  string
	plain bool     // plain HTTP
	tls   uint16   // highest version; below 1.3 there is no fast start
	args  []string // flags for the relay, which only ours has
}

var (
	fastStart = transport{name: "TLS 1.3 with fast start", tls: tls.VersionTLS13}
	slowStart = transport{name: "TLS 1.2 without fast start", tls: tls.VersionTLS12}
	plainHTTP = transport{name: "plain HTTP", plain: true}
	otherTLS  = transport{name: "TLS 1.3 with OpenSSL's records",
		tls: tls.VersionTLS13, args: []string{"-tls-records=openssl"}}
	transports = []transport{fastStart, slowStart, otherTLS, plainHTTP}
)

// overEachTransport runs a test once per transport, each with a relay of its
// own.
func overEachTransport(t *testing.T, test func(t *testing.T, r *relay, via transport)) {
	for _, via := range transports {
		if via.args != nil && *relayKind == "go" {
			continue
		}
		t.Run(via.name, func(t *testing.T) {
			test(t, startRelay(t, relayConfig{plain: via.plain, args: via.args}), via)
		})
	}
}

// peer is one login of a node key.
type peer struct {
	*derphttp.Client
	t        testing.TB
	public   key.NodePublic
	messages chan derp.ReceivedMessage
	failed   chan error // gets the error that ended the messages
}

// newClient returns an upstream client that has not connected yet.
func newClient(t testing.TB, r *relay, via transport, private key.NodePrivate) *derphttp.Client {
	t.Helper()
	if via.plain {
		c, err := derphttp.NewClient(private, "http://"+r.addr()+"/derp",
			logger.Discard, netmon.NewStatic())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := newRegionClient(r.region(t), private)
	c.TLSConfig = &tls.Config{MaxVersion: via.tls}
	return c
}

// newRegionClient returns a client of a region of a DERP map.
func newRegionClient(region *tailcfg.DERPRegion, private key.NodePrivate) *derphttp.Client {
	return derphttp.NewRegionClient(private, logger.Discard, netmon.NewStatic(),
		func() *tailcfg.DERPRegion { return region })
}

// login logs a new node key in.
func (r *relay) login(t testing.TB, via transport) *peer {
	t.Helper()
	return r.loginAs(t, via, key.NewNode())
}

// loginAs logs a node key in and checks that the first message is ServerInfo.
func (r *relay) loginAs(t testing.TB, via transport, private key.NodePrivate) *peer {
	t.Helper()
	p, err := r.tryLogin(t, via, private)
	if err != nil {
		t.Fatalf("login over %s: %v", via.name, err)
	}
	return p
}

// tryLogin is loginAs for a client that may be refused.
func (r *relay) tryLogin(t testing.TB, via transport, private key.NodePrivate) (*peer, error) {
	t.Helper()
	c := newClient(t, r, via, private)
	p := &peer{
		Client:   c,
		t:        t,
		public:   private.Public(),
		messages: make(chan derp.ReceivedMessage, 4096),
		failed:   make(chan error, 1),
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Connect(ctx); err != nil {
		return nil, err
	}
	p.checkTransport(via)
	go p.receive()
	select {
	case m := <-p.messages:
		if _, ok := m.(derp.ServerInfoMessage); !ok {
			return nil, fmt.Errorf("first message is %T", m)
		}
		return p, nil
	case err := <-p.failed:
		c.Close()
		return nil, err
	case <-time.After(patience):
		c.Close()
		return nil, fmt.Errorf("no answer to the login")
	}
}

// checkTransport checks that the login went the way that was asked for. With
// TLS 1.3 and a metacert upstream's client starts fast; otherwise it wants an
// HTTP 101, or it does not connect.
func (p *peer) checkTransport(via transport) {
	p.t.Helper()
	state, ok := p.TLSConnectionState()
	if ok == via.plain {
		p.t.Errorf("over %s: TLS is %v", via.name, ok)
	}
	if !ok {
		return
	}
	if state.Version != via.tls {
		p.t.Errorf("over %s: TLS %x, want %x", via.name, state.Version, via.tls)
	}
	last := state.PeerCertificates[len(state.PeerCertificates)-1]
	want := "derpkey" + p.ServerPublicKey().UntypedHexString()
	if got := last.Subject.CommonName; got != want {
		p.t.Errorf("over %s: the last certificate is %q, want %q", via.name, got, want)
	}
}

// receive queues what arrives until the connection ends. Upstream's client
// would connect again by itself on the next call, so there is none.
func (p *peer) receive() {
	for {
		m, err := p.Recv()
		if err != nil {
			p.failed <- err
			return
		}
		if packet, ok := m.(derp.ReceivedPacket); ok {
			packet.Data = bytes.Clone(packet.Data)
			m = packet
		}
		if _, ok := m.(derp.KeepAliveMessage); !ok {
			p.messages <- m
		}
	}
}

// next returns the next message.
func (p *peer) next() derp.ReceivedMessage {
	p.t.Helper()
	select {
	case m := <-p.messages:
		return m
	case err := <-p.failed:
		p.failed <- err
		select {
		case m := <-p.messages: // came before the end
			return m
		default:
		}
		p.t.Fatalf("waiting for a message: %v", err)
	case <-time.After(patience):
		p.t.Fatalf("no message within %v", patience)
	}
	return nil
}

// send sends a packet to another peer.
func (p *peer) send(to *peer, data []byte) {
	p.t.Helper()
	if err := p.Send(to.public, data); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// wantPacket checks that the next message is this packet.
func (p *peer) wantPacket(from *peer, data []byte) {
	p.t.Helper()
	m := p.next()
	got, ok := m.(derp.ReceivedPacket)
	switch {
	case !ok:
		p.t.Fatalf("got %T %v, want a packet", m, m)
	case got.Source != from.public:
		p.t.Fatalf("packet from %v, want it from %v", got.Source, from.public)
	case !bytes.Equal(got.Data, data):
		p.t.Fatalf("got %d bytes %.40q, want %d bytes %.40q",
			len(got.Data), got.Data, len(data), data)
	}
}

// wantGone checks that the next message is PeerGone.
func (p *peer) wantGone(peer key.NodePublic, reason derp.PeerGoneReasonType) {
	p.t.Helper()
	m := p.next()
	want := derp.PeerGoneMessage{Peer: peer, Reason: reason}
	if m != want {
		p.t.Fatalf("got %T %v, want %v", m, m, want)
	}
}

// fence proves that nothing else is under way from one peer to another: a
// packet sent now arrives next.
func fence(from, to *peer) {
	from.t.Helper()
	mark := []byte("fence " + key.NewNode().Public().String())
	from.send(to, mark)
	to.wantPacket(from, mark)
}

// wantQuiet checks that no message arrives for a moment. Use a fence where
// one can be had.
func (p *peer) wantQuiet(moment time.Duration) {
	p.t.Helper()
	select {
	case m := <-p.messages:
		p.t.Fatalf("got %T %v, want nothing", m, m)
	case err := <-p.failed:
		p.t.Fatalf("the connection ended: %v", err)
	case <-time.After(moment):
	}
}

// wantEnd checks that the relay ends the connection and sends nothing more.
func (p *peer) wantEnd() {
	p.t.Helper()
	select {
	case m := <-p.messages:
		p.t.Fatalf("got %T %v, want the end", m, m)
	case <-p.failed:
		if len(p.messages) > 0 {
			p.t.Fatalf("%d messages before the end", len(p.messages))
		}
	case <-time.After(patience):
		p.t.Fatalf("the connection is still there after %v", patience)
	}
}

// leave ends the connection.
func (p *peer) leave() { p.Client.Close() }

// ping sends a Ping and checks that its Pong is the next message, which also
// shows that the relay has read all that was sent before.
func (p *peer) ping() {
	p.t.Helper()
	var data [8]byte
	copy(data[:], key.NewNode().Public().AppendTo(nil))
	if err := p.SendPing(data); err != nil {
		p.t.Fatalf("ping: %v", err)
	}
	if m := p.next(); m != derp.PongMessage(data) {
		p.t.Fatalf("got %T %v, want the Pong of %x", m, m, data)
	}
}
