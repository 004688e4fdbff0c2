//go:build e2e

// A visitor of a relay that was started by somebody else's words: finds out
// from them where it is, and asks it over TLS or plainly.

package interop

import (
	"bufio"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"tailscale.com/derp"
	"tailscale.com/net/stun"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// setupFlags is what the words say of a relay, as Go's package flag reads them.
type setupFlags struct {
	hostname, certMode, certDir string
	port, httpPort, stunPort    string
}

// parseSetup reads the words. A flag that no derper has ends it, as the relay
// itself ends there.
func parseSetup(words []string) *setupFlags {
	f := &setupFlags{}
	set := flag.NewFlagSet("derper", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	addr := set.String("a", ":443", "")
	set.StringVar(&f.hostname, "hostname", "derp.tailscale.com", "")
	set.StringVar(&f.certMode, "certmode", "letsencrypt", "")
	set.StringVar(&f.certDir, "certdir", "", "")
	set.StringVar(&f.httpPort, "http-port", "80", "")
	set.StringVar(&f.stunPort, "stun-port", "3478", "")
	dev := set.Bool("dev", false, "")
	for _, name := range []string{"stun", "derp", "verify-clients",
		"verify-client-url-fail-open"} {
		set.Bool(name, false, "")
	}
	for _, name := range []string{"c", "home", "mesh-psk-file", "mesh-with",
		"bootstrap-dns-names", "unpublished-bootstrap-dns-names",
		"verify-client-url", "accept-connection-limit",
		"accept-connection-burst", "tcp-keepalive-time", "tcp-user-timeout"} {
		set.String(name, "", "")
	}
	_ = set.Parse(words)
	if *dev {
		*addr = ":3340"
	}
	_, f.port, _ = net.SplitHostPort(*addr)
	if f.port != "443" && f.certMode != "manual" {
		f.httpPort = "-1" // plain, and one listener only
	}
	return f
}

// visit asks one port.
type visit struct {
	port string
	tls  *tls.Config // nil: plain
}

func newVisit(f *setupFlags) *visit {
	v := &visit{port: f.port}
	if f.port == "443" || f.certMode == "manual" {
		v.tls = &tls.Config{ServerName: f.hostname, InsecureSkipVerify: true}
	}
	return v
}

func (v *visit) dial() (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+v.port, patience)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	if v.tls == nil {
		return conn, nil
	}
	secured := tls.Client(conn, v.tls)
	if err := secured.Handshake(); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// transport tells what the port speaks, and whose the certificate is.
func (v *visit) transport(t *testing.T) string {
	t.Helper()
	if v.tls == nil {
		return "plain"
	}
	conn, err := v.dial()
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "remote error" {
		return "none: an alert"
	}
	if err != nil {
		t.Fatalf("TLS on port %s: %v", v.port, err)
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	return fmt.Sprintf("%s %q %v %v", tls.VersionName(state.Version),
		leaf.Subject.CommonName, leaf.DNSNames, leaf.IPAddresses)
}

// page gets a page on a connection of its own: status, where it leads to, and
// how it begins when that is not for people.
func (v *visit) page(t *testing.T, path string) string {
	t.Helper()
	conn, err := v.dial()
	if err != nil {
		return "nothing"
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: relay.test\r\n"+
		"X-Tailscale-Challenge: a\r\nConnection: close\r\n\r\n", path)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "no HTTP"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "half a page"
	}
	h := response.Header
	seen := strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", h.Get("Location"),
		" ", h.Get("X-Tailscale-Response"), " ", h.Get("Content-Type")))
	if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		return fmt.Sprint(seen, ", empty: ", len(body) == 0)
	}
	// upstream's says null once it has tried names that nobody knows, and
	// nothing before that
	return seen + " " + strings.TrimSuffix(string(body), "null")
}

// login tells whether a client with this key is let in.
func (v *visit) login(t *testing.T, private key.NodePrivate) string {
	t.Helper()
	conn, err := v.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /derp HTTP/1.1\r\nHost: relay.test\r\n"+
		"Connection: Upgrade\r\nUpgrade: DERP\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 101 {
		return response.Status
	}
	c, err := derp.NewClient(private, conn,
		bufio.NewReadWriter(reader, bufio.NewWriter(conn)), logger.Discard)
	if err != nil {
		return "no DERP"
	}
	m, err := c.Recv()
	if err != nil {
		return "refused"
	}
	if _, ok := m.(derp.ServerInfoMessage); !ok {
		return fmt.Sprintf("%T", m)
	}
	return "admitted"
}

// askSTUN tells whether somebody answers on the UDP port.
func askSTUN(t *testing.T, port string) string {
	t.Helper()
	conn, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer := "nobody there"
	eventually(t, "an answer of STUN or nobody there", func() error {
		switch err := stunRoundTrip(conn); {
		case err == nil:
			answer = "answers"
			return nil
		case errors.Is(err, syscall.ECONNREFUSED):
			return nil
		default:
			return err
		}
	})
	return answer
}

func stunRoundTrip(conn net.Conn) error {
	if _, err := conn.Write(stun.Request(stun.NewTxID())); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(time.Second))
	answer := make([]byte, 1500)
	n, err := conn.Read(answer)
	if err != nil {
		return err
	}
	_, _, err = stun.ParseResponse(answer[:n])
	return err
}
