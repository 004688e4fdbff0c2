// Packets and notices between upstream's clients.

package interop

import (
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"tailscale.com/derp"
	"tailscale.com/types/key"
)

// discoPacket returns the shortest packet that a relay takes for disco: magic,
// sender's key and nonce.
func discoPacket() []byte {
	packet := make([]byte, 6+32+24)
	copy(packet, "TS💬")
	return packet
}

func TestThreeClientsRelay(t *testing.T) {
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		var p [3]*peer
		for i := range p {
			p[i] = r.login(t, via)
		}
		p[0].send(p[1], []byte("hello 0->1"))
		p[1].wantPacket(p[0], []byte("hello 0->1"))
		p[1].send(p[2], []byte("hello 1->2"))
		p[2].wantPacket(p[1], []byte("hello 1->2"))
		// nobody else got them
		for _, from := range p {
			for _, to := range p {
				fence(from, to)
			}
		}
	})
}

func TestClientsOfAllTransportsRelay(t *testing.T) {
	r := startRelay(t, relayConfig{})
	a, b := r.login(t, fastStart), r.login(t, slowStart)
	fence(a, b)
	fence(b, a)
}

func TestManyClientsEachReachable(t *testing.T) {
	const count = 200
	for _, via := range []transport{fastStart, slowStart, plainHTTP} {
		t.Run(via.name, func(t *testing.T) {
			r := startRelay(t, relayConfig{plain: via.plain})
			peers := make([]*peer, count)
			gate := make(chan struct{}, 16)
			errs := make(chan error, count)
			var all sync.WaitGroup
			for i := range peers {
				all.Go(func() {
					gate <- struct{}{}
					defer func() { <-gate }()
					var err error
					peers[i], err = r.tryLogin(t, via, key.NewNode())
					errs <- err
				})
			}
			all.Wait()
			for range peers {
				if err := <-errs; err != nil {
					t.Fatal(err)
				}
			}
			for i, p := range peers {
				for _, step := range []int{1, 7, count / 2} {
					to := peers[(i+step)%count]
					p.send(to, fmt.Appendf(nil, "%d+%d", i, step))
				}
			}
			for i, p := range peers {
				want := map[string]bool{}
				for _, step := range []int{1, 7, count / 2} {
					from := (i - step + count) % count
					want[fmt.Sprintf("%v %d+%d", peers[from].public, from, step)] = true
				}
				for len(want) > 0 {
					m, ok := p.next().(derp.ReceivedPacket)
					got := fmt.Sprintf("%v %s", m.Source, m.Data)
					if !ok || !want[got] {
						t.Fatalf("client %d got %s", i, got)
					}
					delete(want, got)
				}
			}
		})
	}
}

func TestPacketsOfEverySizeArriveInOrder(t *testing.T) {
	sizes := []int{0, 1, 61, 62, 1280, 1400, 2048, 4096 - 37, 16384 - 38,
		16384 - 37, 16384, 32768, 65535, derp.MaxPacketSize}
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		a, b := r.login(t, via), r.login(t, via)
		for _, size := range sizes {
			packet := make([]byte, size)
			rand.Read(packet)
			a.send(b, packet)
			b.wantPacket(a, packet)
		}
		// and without waiting in between: few enough for the queue
		var burst [][]byte
		for range 20 {
			packet := make([]byte, derp.MaxPacketSize)
			rand.Read(packet)
			burst = append(burst, packet)
		}
		for _, packet := range burst {
			a.send(b, packet)
		}
		for _, packet := range burst {
			b.wantPacket(a, packet)
		}
	})
}

func TestSendingIsNotLimited(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	c := newClient(t, r, plainHTTP, key.NewNode())
	defer c.Close()
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := c.Recv()
	if err != nil {
		t.Fatal(err)
	}
	// a token bucket here would make clients drop their own packets
	if m != (derp.ServerInfoMessage{}) {
		t.Errorf("ServerInfo is %+v, want no limits", m)
	}
}

func TestPacketToOneselfComesBack(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	a := r.login(t, plainHTTP)
	fence(a, a)
}

func TestPeerGoneNotHereOnlyForDiscoAndNotTooOften(t *testing.T) {
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		began := time.Now() // the relay counts seconds from the login on
		a := r.login(t, via)
		nobody := &peer{public: key.NewNode().Public()}
		a.send(nobody, []byte("not disco"))
		a.send(nobody, discoPacket()[:61])
		fence(a, a)
		a.send(nobody, discoPacket())
		a.wantGone(nobody.public, derp.PeerGoneReasonNotHere)
		// three at once and one a second: so many that a slow machine, too,
		// sees some of them held back
		for range 20 {
			a.send(nobody, discoPacket())
		}
		count := 1 + a.countGone(nobody.public)
		if most := 3 + int(time.Since(began)/time.Second); count < 3 || count > most {
			t.Errorf("%d notices within %v, want 3 and at most %d", count,
				time.Since(began), most)
		}
		eventually(t, "the limiter allows again", func() error {
			a.send(nobody, discoPacket())
			select {
			case m := <-a.messages:
				a.messages <- m
				return nil
			case <-time.After(50 * time.Millisecond):
				return fmt.Errorf("no notice")
			}
		})
		a.wantGone(nobody.public, derp.PeerGoneReasonNotHere)
	})
}

// countGone counts the notices until all that was sent has been read and no
// more come.
func (p *peer) countGone(gone key.NodePublic) (count int) {
	p.t.Helper()
	data := [8]byte{1, 2, 3}
	if err := p.SendPing(data); err != nil {
		p.t.Fatalf("ping: %v", err)
	}
	deadline := time.After(patience)
	for ponged := false; ; {
		select {
		case <-deadline:
			p.t.Fatalf("%d notices within %v, and no end (Pong: %v)", count, patience, ponged)
		case m := <-p.messages:
			switch m {
			case derp.PongMessage(data):
				ponged = true
			case derp.PeerGoneMessage{Peer: gone, Reason: derp.PeerGoneReasonNotHere}:
				count++
			default:
				p.t.Fatalf("got %T %v", m, m)
			}
		case <-time.After(300 * time.Millisecond):
			if ponged {
				return count
			}
		case err := <-p.failed:
			p.t.Fatalf("the connection ended: %v", err)
		}
	}
}

func TestPeerGoneDisconnected(t *testing.T) {
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		rounds, noticed := 5, 0
		if r.isGo {
			rounds = 20 // upstream's notice may get lost
		}
		listener := r.login(t, via)
		stranger := r.login(t, via)
		for range rounds {
			talker := r.login(t, via)
			for i := range 10 {
				packet := fmt.Appendf(nil, "packet %d", i)
				talker.send(listener, packet)
				listener.wantPacket(talker, packet)
			}
			// having sent to somebody earns no notice
			stranger.send(talker, []byte("hello"))
			talker.wantPacket(stranger, []byte("hello"))
			talker.leave()
			if !r.isGo {
				listener.wantGone(talker.public, derp.PeerGoneReasonDisconnected)
				noticed++
				continue
			}
			select {
			case m := <-listener.messages:
				listener.messages <- m
				listener.wantGone(talker.public, derp.PeerGoneReasonDisconnected)
				noticed++
			case <-time.After(100 * time.Millisecond):
			}
		}
		if noticed == 0 {
			t.Error("nobody who left was reported")
		}
		// nothing is left over, and the stranger never got a notice
		fence(listener, stranger)
		fence(stranger, listener)
	})
}

func TestPeerGoneComesAfterThePackets(t *testing.T) {
	r := startRelay(t, relayConfig{})
	if r.isGo {
		t.Skip("upstream's relay may report the sender before its last packets")
	}
	listener := r.login(t, fastStart)
	for range 30 {
		talker := r.login(t, fastStart)
		for i := range 10 {
			talker.send(listener, fmt.Appendf(nil, "packet %d", i))
		}
		talker.leave()
		for i := range 10 {
			listener.wantPacket(talker, fmt.Appendf(nil, "packet %d", i))
		}
		listener.wantGone(talker.public, derp.PeerGoneReasonDisconnected)
	}
}

func TestPing(t *testing.T) {
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		a := r.login(t, via)
		for range 100 {
			a.ping()
		}
		// upstream's own round trip, which matches the answers itself
		if err := a.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDuplicatesLastToSpeakGetsThePackets(t *testing.T) {
	overEachTransport(t, func(t *testing.T, r *relay, via transport) {
		private := key.NewNode()
		sender := r.login(t, via)
		first := r.loginAs(t, via, private)
		fence(sender, first)
		second := r.loginAs(t, via, private)
		fence(sender, second) // the newest
		first.ping()          // any frame counts
		fence(sender, first)
		second.send(sender, []byte("me"))
		sender.wantPacket(second, []byte("me"))
		fence(sender, second)
		third := r.loginAs(t, via, private)
		fence(sender, third)
		first.ping()
		fence(sender, first)

		// the one before takes over, and nobody is told
		first.leave()
		awaitTakeOver(t, sender, third, second)
		third.leave()
		awaitTakeOver(t, sender, second, third)
		sender.ping()

		second.leave()
		if !r.isGo {
			sender.wantGone(second.public, derp.PeerGoneReasonDisconnected)
		}
	})
}

// awaitTakeOver waits until packets to a key arrive at one of its connections
// after another one has left: at the heir, or at the one that is known to be
// next in line. The one that left may still be registered for a moment.
func awaitTakeOver(t *testing.T, sender, heir, other *peer) {
	t.Helper()
	count := 0
	eventually(t, "another connection of the key takes over", func() error {
		count++
		last := fmt.Sprint("who is it? ", count)
		sender.send(heir, []byte(last))
		select {
		case m := <-heir.messages:
			// of those that were only slow, none is left for later
			for ; ; m = heir.next() {
				packet, ok := m.(derp.ReceivedPacket)
				if !ok || packet.Source != sender.public {
					t.Fatalf("got %T %v, want a packet", m, m)
				}
				if string(packet.Data) == last {
					return nil
				}
			}
		case m := <-other.messages:
			t.Fatalf("the wrong connection got %v", m)
			return nil
		case <-time.After(50 * time.Millisecond):
			return fmt.Errorf("nobody got the packet")
		}
	})
}

func TestStopSaysGoodbye(t *testing.T) {
	r := startRelay(t, relayConfig{})
	a := r.login(t, fastStart)
	r.terminate()
	if !r.isGo { // upstream's relay just goes
		m := a.next()
		if restarting, ok := m.(derp.ServerRestartingMessage); !ok {
			t.Fatalf("got %T %v, want ServerRestarting", m, m)
		} else if restarting.TryFor <= 0 || restarting.TryFor > time.Minute ||
			restarting.ReconnectIn > restarting.TryFor {
			t.Errorf("unreasonable: %+v", restarting)
		}
	}
	a.wantEnd()
	r.stop()
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

func TestKeyFileOfUpstreamIsRead(t *testing.T) {
	kinds := map[bool]string{false: "ours", true: "go"}
	r := startRelay(t, relayConfig{})
	before := r.login(t, fastStart).ServerPublicKey()
	r.stop()
	// the other program, with the files that the first one left
	r.isGo = !r.isGo
	r.config.kind = kinds[r.isGo]
	if !r.restart(t) {
		t.Fatalf("%s does not start with the other's files", r.config.kind)
	}
	if after := r.login(t, fastStart).ServerPublicKey(); after != before {
		t.Errorf("the key was %v, is now %v", before, after)
	}
}
