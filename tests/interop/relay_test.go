// A relay under test: ours or upstream's, started with the same flags.

package interop

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tailscale.com/tailcfg"
)

const (
	regionID   = 901
	regionCode = "e2e"
)

// relayConfig says how a relay is started; its zero value is an IP host name
// with a self-signed certificate.
type relayConfig struct {
	kind  string   // "ours" or "go"; empty is the one under test
	plain bool     // plain HTTP instead of TLS
	host  string   // DNS name with a certificate of testCA; empty is the address
	ip    string   // address to listen on; empty is 127.0.0.1
	args  []string // further flags, which win over the usual ones
	env   []string
}

// relay is a running derper.
type relay struct {
	*process
	owner    testing.TB // whose end is the relay's
	config   relayConfig
	isGo     bool
	host     string
	dir      string // certificates and the key file
	port     int
	stunPort int
}

// startRelay starts a relay on free ports of 127.0.0.1 and waits until it
// listens. It ends with the test.
func startRelay(t testing.TB, config relayConfig) *relay {
	t.Helper()
	if config.kind == "" {
		config.kind = *relayKind
	}
	r := &relay{
		owner:  t,
		config: config,
		isGo:   config.kind == "go",
		host:   config.host,
		dir:    t.TempDir(),
	}
	if r.host == "" {
		r.host = r.ip()
	} else {
		testCA.writePair(t, r.dir, r.host)
	}
	// somebody may take a port between finding it and using it
	for try := 0; ; try++ {
		r.port, r.stunPort = freePort(t), freePort(t)
		if r.restart(t) {
			return r
		}
		if try == 2 {
			t.Fatalf("the relay does not start:\n%s", r.log)
		}
	}
}

// args returns the flags that the relay is started with.
func (r *relay) args() []string {
	args := []string{
		"-a=" + r.addr(),
		"-http-port=-1",
		"-stun-port=" + strconv.Itoa(r.stunPort),
		"-hostname=" + r.host,
		"-c=" + filepath.Join(r.dir, "derper.key"),
		"-certdir=" + r.dir,
	}
	if !r.config.plain {
		args = append(args, "-certmode=manual")
	}
	return append(args, r.config.args...)
}

// restart starts the relay again on the ports it had, and says whether it
// listens. The process that was there before must have been stopped.
func (r *relay) restart(t testing.TB) bool {
	t.Helper()
	name := ""
	if r.isGo {
		name = upstream(t, "derper")
	} else {
		name = ours(t, "derper")
	}
	r.process = start(r.owner, r.config.env, name, r.args()...)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", r.addr())
		if err == nil {
			conn.Close()
			return r.running()
		}
		if !r.running() {
			r.excused = strings.Contains(r.log.String(), "in use")
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// wantServing checks that the relay is still there for others.
func (r *relay) wantServing(t testing.TB) {
	t.Helper()
	scheme := map[bool]string{false: "https", true: "http"}[r.config.plain]
	client := &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true,
		},
		Timeout: patience,
	}
	response, err := client.Get(scheme + "://" + r.addr() + "/derp/probe")
	if err != nil {
		t.Errorf("the %s relay is gone: %v", r.config.kind, err)
		return
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("the %s relay answers a probe with %s", r.config.kind, response.Status)
	}
}

func (r *relay) ip() string { return cmp.Or(r.config.ip, "127.0.0.1") }

func (r *relay) addr() string {
	return net.JoinHostPort(r.ip(), strconv.Itoa(r.port))
}

// leaf returns the certificate that the relay serves, from its folder.
func (r *relay) leaf(t testing.TB) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, r.host+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s.crt: no PEM", r.host)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// region returns what a DERP map says about the relay: pinned when its
// certificate is self-signed.
func (r *relay) region(t testing.TB) *tailcfg.DERPRegion {
	t.Helper()
	node := &tailcfg.DERPNode{
		Name:     fmt.Sprint(regionID, "a"),
		RegionID: regionID,
		HostName: r.host,
		IPv4:     r.ip(),
		IPv6:     "none",
		DERPPort: r.port,
		STUNPort: r.stunPort,
	}
	if net.ParseIP(r.host) != nil {
		node.CertName = pinOf(r.leaf(t))
	}
	return &tailcfg.DERPRegion{
		RegionID:   regionID,
		RegionCode: regionCode,
		RegionName: "E2E",
		Nodes:      []*tailcfg.DERPNode{node},
	}
}

func (r *relay) derpMap(t testing.TB) *tailcfg.DERPMap {
	t.Helper()
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{
		regionID: r.region(t),
	}}
}
