// Logins and frames that upstream's client would never send.

package interop

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go4.org/mem"
	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/salsa20/salsa"
	"tailscale.com/derp"
	"tailscale.com/types/key"
)

// rawPeer is a login over plain HTTP of which the test writes every byte.
type rawPeer struct {
	t       testing.TB
	conn    net.Conn
	in      *bufio.Reader
	private key.NodePrivate
	server  key.NodePublic
}

// dialRaw connects, sends a request head, and returns without reading.
func dialRaw(t testing.TB, r *relay, head string) *rawPeer {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	p := &rawPeer{t: t, conn: conn, in: bufio.NewReader(conn), private: key.NewNode()}
	p.write([]byte(head))
	return p
}

const upgradeHead = "GET /derp HTTP/1.1\r\nHost: relay\r\n" +
	"Connection: Upgrade\r\nUpgrade: DERP\r\n"

// upgradeRaw connects and reads up to ServerKey.
func upgradeRaw(t testing.TB, r *relay) *rawPeer {
	t.Helper()
	p := dialRaw(t, r, upgradeHead+"\r\n")
	response, err := http.ReadResponse(p.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %s", response.Status)
	}
	p.readServerKey()
	if got := response.Header.Get("Derp-Public-Key"); got != p.server.UntypedHexString() {
		t.Errorf("Derp-Public-Key is %q, ServerKey has %v", got, p.server)
	}
	if got := response.Header.Get("Derp-Version"); got != "2" {
		t.Errorf("Derp-Version is %q", got)
	}
	return p
}

// loginRaw logs in with upstream's usual ClientInfo.
func loginRaw(t testing.TB, r *relay) *rawPeer {
	t.Helper()
	p := upgradeRaw(t, r)
	p.frame(derp.FrameClientInfo, p.clientInfo(`{"version":2,"CanAckPings":true}`))
	p.wantServerInfo()
	return p
}

func (p *rawPeer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// header returns a frame header that announces any length.
func header(kind derp.FrameType, length uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(kind)}, length)
}

func (p *rawPeer) frame(kind derp.FrameType, body []byte) {
	p.t.Helper()
	p.write(append(header(kind, uint32(len(body))), body...))
}

// clientInfo returns the body of a ClientInfo frame with this JSON.
func (p *rawPeer) clientInfo(text string) []byte {
	public := p.private.Public()
	return append(public.AppendTo(nil), p.private.SealTo(p.server, []byte(text))...)
}

func (p *rawPeer) read() (derp.FrameType, []byte, error) {
	kind, length, err := derp.ReadFrameHeader(p.in)
	if err != nil {
		return 0, nil, err
	}
	body := make([]byte, length)
	_, err = io.ReadFull(p.in, body)
	return kind, body, err
}

func (p *rawPeer) want(kind derp.FrameType) []byte {
	p.t.Helper()
	got, body, err := p.read()
	if err != nil {
		p.t.Fatalf("waiting for frame %v: %v", kind, err)
	}
	if got != kind {
		p.t.Fatalf("got frame %v, want %v", got, kind)
	}
	return body
}

func (p *rawPeer) readServerKey() {
	p.t.Helper()
	body := p.want(derp.FrameServerKey)
	if len(body) != 40 || string(body[:8]) != derp.Magic {
		p.t.Fatalf("ServerKey is %x", body)
	}
	p.server = key.NodePublicFromRaw32(mem.B(body[8:]))
}

func (p *rawPeer) wantServerInfo() {
	p.t.Helper()
	body := p.want(derp.FrameServerInfo)
	text, ok := p.private.OpenFrom(p.server, body)
	if !ok {
		p.t.Fatal("ServerInfo does not open")
	}
	var info map[string]any
	if err := json.Unmarshal(text, &info); err != nil || info["version"] != 2.0 {
		p.t.Fatalf("ServerInfo is %s", text)
	}
}

// wantEnd checks that the relay sends nothing more but ends the connection.
func (p *rawPeer) wantEnd() {
	p.t.Helper()
	switch kind, _, err := p.read(); {
	case err == nil:
		p.t.Errorf("got frame %v, want the end", kind)
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.t.Error("the connection is still there")
	}
}

// wantAlive checks that the connection still works.
func (p *rawPeer) wantAlive() {
	p.t.Helper()
	p.frame(derp.FramePing, []byte("12345678"))
	if body := p.want(derp.FramePong); string(body) != "12345678" {
		p.t.Errorf("Pong is %q", body)
	}
}

func TestFastStartOverPlainHTTP(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	p := dialRaw(t, r, upgradeHead+"Derp-Fast-Start: 1\r\n\r\n")
	p.readServerKey() // no HTTP response before it
	p.frame(derp.FrameClientInfo, p.clientInfo(`{"version":2}`))
	p.wantServerInfo()

	// with the key known, all in one write, as real clients do
	head := upgradeHead + "Derp-Fast-Start: 1\r\n\r\n"
	info := p.clientInfo(`{"version":2,"CanAckPings":true}`)
	all := append([]byte(head), header(derp.FrameClientInfo, uint32(len(info)))...)
	all = append(all, info...)
	all = append(all, header(derp.FrameNotePreferred, 1)...)
	all = append(all, 1)
	all = append(all, header(derp.FramePing, 8)...)
	all = append(all, "together"...)
	q := dialRaw(t, r, string(all))
	q.private = p.private
	q.readServerKey()
	q.wantServerInfo()
	if body := q.want(derp.FramePong); string(body) != "together" {
		t.Errorf("Pong is %q", body)
	}
}

func TestFastStartOnlyWithItsHeader(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	p := dialRaw(t, r, upgradeHead+"Derp-Fast-Start: 0\r\n\r\n")
	line, err := p.in.ReadString('\n')
	if err != nil || line != "HTTP/1.1 101 Switching Protocols\r\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestUpgradeResponse(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	p := dialRaw(t, r, upgradeHead+"\r\n")
	want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n" +
		"Connection: Upgrade\r\nDerp-Version: 2\r\nDerp-Public-Key: "
	got := make([]byte, len(want)+64+4)
	if _, err := io.ReadFull(p.in, got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(got), want) || !strings.HasSuffix(string(got), "\r\n\r\n") {
		t.Errorf("got %q", got)
	}
	p.readServerKey()
}

// ClientInfo texts and whether the relay takes them.
func TestClientInfo(t *testing.T) {
	meshKey := strings.Repeat("ab", 32)
	rows := []struct {
		name, text string
		accepted   bool
	}{
		{"usual", `{"version":2,"CanAckPings":true}`, true},
		{"empty object", `{}`, true},
		{"null", `null`, true},
		{"white space around", " \r\n\t{} ", true},
		{"capital names", `{"Version":2,"MESHKEY":"` + meshKey + `"}`, true},
		{"capital name is still a mesh key", `{"MeshKey":"badf00d"}`, false},
		{"unneeded mesh key", `{"meshKey":"` + meshKey + `","version":2}`, true},
		{"upper case mesh key", `{"meshKey":"` + strings.ToUpper(meshKey) + `"}`, true},
		{"zero mesh key", `{"meshKey":"` + strings.Repeat("0", 64) + `"}`, true},
		{"empty mesh key", `{"meshKey":""}`, false},
		{"null mesh key", `{"meshKey":null}`, false},
		{"short mesh key", `{"meshKey":"badf00d"}`, false},
		{"long mesh key", `{"meshKey":"` + meshKey + `abab"}`, false},
		{"mesh key with spaces", `{"meshKey":" ` + meshKey + `"}`, false},
		{"mesh key is no hex", `{"meshKey":"` + strings.Repeat("xy", 32) + `"}`, false},
		{"mesh key is a number", `{"meshKey":7}`, false},
		{"duplicate, last is good", `{"version":1,"version":2}`, true},
		{"unknown names", `{"Colour":{"of":["a",1,null]},"version":2}`, true},
		{"prober", `{"version":2,"IsProber":true}`, true},
		{"app name", `{"version":2,"AppName":"x"}`, true},
		{"other version", `{"version":7}`, true},
		{"version is text", `{"version":"2"}`, false},
		{"version has a fraction", `{"version":2.5}`, false},
		{"version is null", `{"version":null}`, true},
		{"bool is a number", `{"CanAckPings":1}`, false},
		{"app name is a number", `{"AppName":1}`, false},
		{"array", `[]`, false},
		{"text", `"x"`, false},
		{"nothing", ``, false},
		{"trailing garbage", `{}x`, false},
		{"two values", `{}{}`, false},
		{"trailing comma", `{"version":2,}`, false},
		{"comment", `{}//x`, false},
		{"cut off", `{"version":2`, false},
		{"deep", `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, true},
		{"too deep", `{"x":` + strings.Repeat("[", 11000) + strings.Repeat("]", 11000) + `}`, false},
		{"bad UTF-8", "{\"AppName\":\"\xff\"}", true},
		{"lone surrogate", `{"AppName":"\ud800"}`, true},
		{"bad escape", `{"AppName":"\x41"}`, false},
		{"control character", "{\"AppName\":\"\x01\"}", false},
		{"long but allowed", `{"x":"` + strings.Repeat("x", 200<<10) + `"}`, true},
	}
	r := startRelay(t, relayConfig{plain: true})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := upgradeRaw(t, r)
			p.frame(derp.FrameClientInfo, p.clientInfo(row.text))
			if row.accepted {
				p.wantServerInfo()
				p.wantAlive()
			} else {
				p.wantEnd()
			}
		})
	}
}

// What may stand in the place of ClientInfo only ends the connection.
func TestBadLogins(t *testing.T) {
	info := `{"version":2}`
	rows := []struct {
		name string
		send func(p *rawPeer)
	}{
		{"packet first", func(p *rawPeer) { p.frame(derp.FrameSendPacket, make([]byte, 40)) }},
		{"ping first", func(p *rawPeer) { p.frame(derp.FramePing, make([]byte, 8)) }},
		{"too short", func(p *rawPeer) { p.frame(derp.FrameClientInfo, make([]byte, 55)) }},
		{"no box", func(p *rawPeer) { p.frame(derp.FrameClientInfo, p.clientInfo(info)[:56]) }},
		{"too long", func(p *rawPeer) { p.write(header(derp.FrameClientInfo, 256<<10+1)) }},
		{"huge", func(p *rawPeer) { p.write(header(derp.FrameClientInfo, 0xffffffff)) }},
		{"box broken", func(p *rawPeer) {
			body := p.clientInfo(info)
			body[len(body)-1] ^= 1
			p.frame(derp.FrameClientInfo, body)
		}},
		{"another's key", func(p *rawPeer) {
			body := p.clientInfo(info)
			copy(body, key.NewNode().Public().AppendTo(nil))
			p.frame(derp.FrameClientInfo, body)
		}},
		{"zero key", func(p *rawPeer) { p.frame(derp.FrameClientInfo, make([]byte, 100)) }},
		{"another server's key", func(p *rawPeer) {
			p.server = key.NewNode().Public()
			p.frame(derp.FrameClientInfo, p.clientInfo(info))
		}},
	}
	r := startRelay(t, relayConfig{plain: true})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := upgradeRaw(t, r)
			row.send(p)
			p.wantEnd()
		})
	}
	loginRaw(t, r).wantAlive()
}

// Frames after the login: which end the connection and which do not.
func TestFrames(t *testing.T) {
	rows := []struct {
		name  string
		frame []byte
		ends  bool
	}{
		{"send without key", append(header(derp.FrameSendPacket, 31), make([]byte, 31)...), true},
		{"send nothing", append(header(derp.FrameSendPacket, 32), make([]byte, 32)...), false},
		{"send too much", append(header(derp.FrameSendPacket, 32+derp.MaxPacketSize+1), make([]byte, 32)...), true},
		{"note preferred", append(header(derp.FrameNotePreferred, 1), 7), false},
		{"note preferred, empty", header(derp.FrameNotePreferred, 0), true},
		{"note preferred, long", append(header(derp.FrameNotePreferred, 2), 1, 1), true},
		{"short ping", append(header(derp.FramePing, 7), make([]byte, 7)...), true},
		{"long ping", header(derp.FramePing, 1001), true},
		{"pong", append(header(derp.FramePong, 8), make([]byte, 8)...), false},
		{"keep alive", header(derp.FrameKeepAlive, 0), false},
		{"unknown", append(header(0x77, 100_000), make([]byte, 100_000)...), false},
		{"client info again", append(header(derp.FrameClientInfo, 3), "abc"...), false},
		{"forward", append(header(derp.FrameForwardPacket, 64), make([]byte, 64)...), true},
		{"watch", header(derp.FrameWatchConns, 0), true},
		{"watch with body", append(header(derp.FrameWatchConns, 1), 1), true},
		{"close peer", append(header(derp.FrameClosePeer, 32), make([]byte, 32)...), true},
		{"close peer, short", append(header(derp.FrameClosePeer, 31), make([]byte, 31)...), true},
	}
	r := startRelay(t, relayConfig{plain: true})
	other := loginRaw(t, r)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := loginRaw(t, r)
			p.write(row.frame)
			if row.ends {
				p.wantEnd()
			} else {
				p.wantAlive()
			}
		})
	}
	other.wantAlive()
}

func TestPingOfUpTo1000BytesIsAnsweredWithEight(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	p := loginRaw(t, r)
	for _, size := range []int{8, 9, 999, 1000} {
		body := bytes.Repeat([]byte("abcdefgh"), 125)[:size]
		p.frame(derp.FramePing, body)
		if got := p.want(derp.FramePong); !bytes.Equal(got, body[:8]) {
			t.Errorf("ping of %d bytes: Pong is %q", size, got)
		}
	}
}

// A peer is a mesh member only when its key is exactly the relay's; a relay that
// has none has no members, and a key of nothing is none.
func TestMeshFramesNeedTheMeshKey(t *testing.T) {
	right, wrong, zero := strings.Repeat("ab", 32), strings.Repeat("ac", 32), strings.Repeat("0", 64)
	frames := []struct {
		name string
		kind derp.FrameType
		body int // bytes, all zero
	}{
		{"watch", derp.FrameWatchConns, 0},
		{"forward", derp.FrameForwardPacket, 64 + 10},
		{"close peer", derp.FrameClosePeer, 32},
	}
	check := func(r *relay, meshKey string, member bool) {
		for _, frame := range frames {
			name := fmt.Sprintf("%s relay, key %.4s, %s", r.config.kind, meshKey, frame.name)
			t.Run(name, func(t *testing.T) {
				p := upgradeRaw(t, r)
				p.frame(derp.FrameClientInfo, p.clientInfo(`{"version":2,"meshKey":"`+meshKey+`"}`))
				p.wantServerInfo()
				p.wantAlive()
				p.frame(frame.kind, make([]byte, frame.body))
				switch {
				case !member:
					p.wantEnd()
				case frame.kind == derp.FrameWatchConns:
					p.want(derp.FramePeerPresent) // itself
				default:
					p.wantAlive()
				}
			})
		}
	}
	r := startRelay(t, relayConfig{plain: true})
	for _, meshKey := range []string{right, wrong, zero} {
		check(r, meshKey, false)
	}
	// the same frames are good where the key is right: only upstream's relay
	// can be a mesh
	file := filepath.Join(t.TempDir(), "mesh.key")
	if err := os.WriteFile(file, []byte(right), 0o600); err != nil {
		t.Fatal(err)
	}
	mesh := startRelay(t, relayConfig{kind: "go", plain: true, args: []string{"-mesh-psk-file=" + file}})
	for meshKey, member := range map[string]bool{right: true, wrong: false, zero: false} {
		check(mesh, meshKey, member)
	}
}

// peakMemory returns the most memory that the relay ever had, in bytes.
func (r *relay) peakMemory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nVmHWM:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return kilobytes << 10
}

func TestUnknownFrameOfAnyLengthIsSkipped(t *testing.T) {
	const size = 32 << 20
	r := startRelay(t, relayConfig{plain: true})
	other := loginRaw(t, r)
	other.wantAlive()
	before := r.peakMemory(t)
	chunk := make([]byte, 1<<20)
	send := func(p *rawPeer, announced uint32) {
		p.write(header(0x99, announced))
		for range size / len(chunk) { // the relay does not stop reading
			p.write(chunk)
		}
	}
	p := loginRaw(t, r)
	send(p, size)
	p.wantAlive()
	endless := loginRaw(t, r)
	send(endless, 0xffffffff)
	other.wantAlive()
	p.wantAlive()
	// nor does it keep what it has read; upstream's collects its garbage
	// when it likes
	if grown := r.peakMemory(t) - before; grown >= 8<<20 && !r.isGo {
		t.Errorf("the relay grew by %d bytes", grown)
	}
}

// A key whose shared secret everybody knows must not log in. Upstream refuses
// only the first, which shows that the boxes are sealed as they should be.
func TestLowOrderKeysAreRefused(t *testing.T) {
	zero := strings.Repeat("0", 64)
	relays := []*relay{startRelay(t, relayConfig{kind: "go", plain: true})}
	if *relayKind == "ours" {
		relays = append(relays, startRelay(t, relayConfig{plain: true}))
	}
	for _, text := range []string{
		zero,
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	} {
		var public key.NodePublic
		if err := public.UnmarshalText([]byte("nodekey:" + text)); err != nil {
			t.Fatal(err)
		}
		for _, r := range relays {
			p := upgradeRaw(t, r)
			// with such a key the shared secret is that of all zero bytes
			body := append(public.AppendTo(nil), sealWithZeroSecret(`{"version":2}`)...)
			p.frame(derp.FrameClientInfo, body)
			if r.isGo && text != zero {
				p.want(derp.FrameServerInfo)
				p.wantAlive()
			} else {
				p.wantEnd()
			}
		}
	}
	for _, r := range relays {
		loginRaw(t, r).wantAlive()
	}
}

// sealWithZeroSecret boxes a text as crypto_box does when the X25519 secret is
// all zero, which it is with a low-order public key.
func sealWithZeroSecret(text string) []byte {
	var zero [16]byte
	var secret, shared [32]byte
	salsa.HSalsa20(&shared, &zero, &secret, &salsa.Sigma)
	nonce := [24]byte{1, 2, 3}
	return secretbox.Seal(nonce[:], []byte(text), &nonce, &shared)
}

// A reader that stops must not hold up anybody else.
func TestSlowReaderDisturbsNobody(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true})
	alice, bob := r.login(t, plainHTTP), r.login(t, plainHTTP)
	cathy := loginRaw(t, r) // never reads again
	cathy.conn.(*net.TCPConn).SetReadBuffer(4096)
	stuck := &peer{public: cathy.private.Public()}
	packet := make([]byte, 60_000)
	for i := range 300 {
		alice.send(stuck, packet)
		data := fmt.Appendf(nil, "packet %d", i)
		alice.send(bob, data)
		bob.wantPacket(alice, data)
	}
	alice.ping()
}

// queueDepth returns how many packets are kept for a client that does not
// read: those after the last gap in what it finally gets.
func queueDepth(t *testing.T, env []string) int {
	t.Helper()
	const packets = 12_000
	args := []string{"-tcp-write-timeout=0", "-tcp-user-timeout=0"}
	if *relayKind == "ours" {
		// the sender's Pong must mean that all has arrived in the queue, not
		// that it is on its way to another loop
		args = append(args, "-loops=1")
	}
	r := startRelay(t, relayConfig{plain: true, args: args, env: env})
	sender := r.login(t, plainHTTP)
	stuck := loginRaw(t, r)
	stuck.conn.SetDeadline(time.Now().Add(3 * patience))
	packet := make([]byte, 1400)
	for i := range packets {
		binary.BigEndian.PutUint32(packet, uint32(i))
		sender.send(&peer{public: stuck.private.Public()}, packet)
	}
	sender.ping() // all have been read by the relay
	last, run := -1, 0
	for last != packets-1 {
		body := stuck.want(derp.FrameRecvPacket)
		number := int(binary.BigEndian.Uint32(body[32:]))
		if number != last+1 {
			run = 0
		}
		run, last = run+1, number
	}
	if run == packets {
		t.Fatal("nothing was dropped: the test proves nothing")
	}
	return run
}

func TestQueueDepth(t *testing.T) {
	const variable = "TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH="
	for _, row := range []struct {
		value string
		depth int
	}{{"", 32}, {"64", 64}} {
		t.Run("env "+row.value, func(t *testing.T) {
			t.Parallel()
			// a packet or two may be on their way besides; and the socket
			// may have taken more just behind the last one that was dropped,
			// which a deeper queue does each time
			got := 0
			for range 5 {
				got = queueDepth(t, []string{variable + row.value})
				if got <= row.depth+4 {
					break
				}
			}
			if got < row.depth || got > row.depth+4 {
				t.Errorf("%d packets kept, want %d", got, row.depth)
			}
		})
	}
}
