// Certificates: pins, names, the metacert and the chain it stands in.

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// connectWith connects upstream's client with a changed map entry.
func connectWith(t *testing.T, r *relay, version uint16, change func(*tailcfg.DERPNode)) error {
	t.Helper()
	region := r.region(t)
	change(region.Nodes[0])
	c := newRegionClient(region, key.NewNode())
	defer c.Close()
	c.TLSConfig = &tls.Config{MaxVersion: version}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Connect(ctx); err != nil {
		return err
	}
	_, err := c.Recv()
	return err
}

func TestPin(t *testing.T) {
	for _, host := range []string{"", "localhost"} {
		r := startRelay(t, relayConfig{host: host})
		good := pinOf(r.leaf(t))
		wrong := good[:len(good)-1] + string("0123456789abcdef0"[1+strings.IndexByte("0123456789abcdef", good[len(good)-1])])
		rows := []struct {
			name, certName string
			accepted       bool
		}{
			// with a chain there is more than the one certificate that a
			// pinning client allows besides the metacert
			{"right pin", good, host == ""},
			{"wrong pin", wrong, false},
			{"upper case pin", "sha256-raw:" + strings.ToUpper(good[11:]), false},
			{"no pin", "", host != ""},
			{"another name", "other.example", false},
		}
		for _, row := range rows {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				name := fmt.Sprintf("%s %s TLS %x", r.host, row.name, version)
				t.Run(name, func(t *testing.T) {
					err := connectWith(t, r, version, func(n *tailcfg.DERPNode) {
						n.CertName = row.certName
					})
					if (err == nil) != row.accepted {
						t.Errorf("accepted: %v (%v), want %v", err == nil, err, row.accepted)
					}
				})
			}
		}
	}
}

// peerCertificates shakes hands and returns what the relay served.
func peerCertificates(r *relay, name string, version uint16) ([]*x509.Certificate, error) {
	conn, err := tls.Dial("tcp", r.addr(), &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true,
		MaxVersion:         version,
	})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates, nil
}

func TestMetaCert(t *testing.T) {
	for _, row := range []struct {
		host  string
		chain int // certificates before the metacert
	}{{"", 1}, {"localhost", 2}} {
		r := startRelay(t, relayConfig{host: row.host})
		server := r.login(t, slowStart).ServerPublicKey() // told by ServerKey
		var first []*x509.Certificate
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%s TLS %x", r.host, version), func(t *testing.T) {
				certs, err := peerCertificates(r, r.host, version)
				if err != nil {
					t.Fatal(err)
				}
				if len(certs) != row.chain+1 {
					t.Fatalf("%d certificates, want %d and the metacert",
						len(certs), row.chain)
				}
				if !certs[0].Equal(r.leaf(t)) {
					t.Error("the first one is not that of the file")
				}
				checkMetaCert(t, certs[row.chain], server)
				first = certs
			})
		}
		// the chain stays the same however many ask for it at once
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				certs, err := peerCertificates(r, r.host, tls.VersionTLS13)
				if err != nil || len(certs) != len(first) {
					t.Errorf("%d certificates, want %d (%v)", len(certs), len(first), err)
					return
				}
				for i := range certs {
					if !certs[i].Equal(first[i]) {
						t.Errorf("certificate %d changed", i)
					}
				}
			})
		}
		all.Wait()
	}
}

func checkMetaCert(t *testing.T, c *x509.Certificate, server key.NodePublic) {
	t.Helper()
	if want := "derpkey" + server.UntypedHexString(); c.Subject.CommonName != want {
		t.Errorf("common name %q, want %q", c.Subject.CommonName, want)
	}
	if len(c.Subject.Names) != 1 || c.Issuer.String() != c.Subject.String() {
		t.Errorf("subject %v, issuer %v", c.Subject, c.Issuer)
	}
	if c.SerialNumber.Cmp(big.NewInt(2)) != 0 {
		t.Errorf("serial number %v, want the protocol version 2", c.SerialNumber)
	}
	if c.PublicKeyAlgorithm != x509.Ed25519 {
		t.Errorf("key is %v, want Ed25519", c.PublicKeyAlgorithm)
	}
	if len(c.Extensions) != 1 || !c.BasicConstraintsValid || c.IsCA ||
		!c.Extensions[0].Critical {
		t.Errorf("extensions %v, want basic constraints alone", c.Extensions)
	}
	if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
		t.Errorf("not signed by itself: %v", err)
	}
	if len(c.SubjectKeyId) != 0 || len(c.AuthorityKeyId) != 0 {
		t.Error("a key identifier makes derpprobe watch its expiry")
	}
}

// Which server names a relay answers to.
func TestServerName(t *testing.T) {
	rows := []struct {
		host, name string
		served     bool
	}{
		{"localhost", "localhost", true},
		{"localhost", "LOCALHOST", false},
		{"localhost", "example.com", false},
		{"localhost", "", false},
		{"", "", true},
		{"", "anything.example.com", true},
	}
	relays := map[string]*relay{}
	for _, row := range rows {
		if relays[row.host] == nil {
			relays[row.host] = startRelay(t, relayConfig{host: row.host})
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			_, err := peerCertificates(relays[row.host], row.name, version)
			if (err == nil) != row.served {
				t.Errorf("host %q, server name %q, TLS %x: served: %v (%v)",
					row.host, row.name, version, err == nil, err)
			}
			if err != nil && !strings.Contains(err.Error(), "internal error") {
				t.Errorf("server name %q: %v, want the alert internal error",
					row.name, err)
			}
		}
	}
}

func TestTLSVersionsAndProtocols(t *testing.T) {
	r := startRelay(t, relayConfig{})
	for _, row := range []struct {
		name   string
		config *tls.Config
		fails  bool
		wants  string // negotiated protocol
	}{
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true, ""},
		{"no protocol", &tls.Config{}, false, ""},
		{"http/1.1", &tls.Config{NextProtos: []string{"http/1.1"}}, false, "http/1.1"},
		{"h2 or http/1.1", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, false, "http/1.1"},
		{"foreign protocol", &tls.Config{NextProtos: []string{"imap"}}, true, ""},
		{"P-256 only", &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256}}, false, ""},
		{"P-384 only", &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}, false, ""},
	} {
		row.config.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", r.addr(), row.config)
		if (err != nil) != row.fails {
			t.Errorf("%s: fails: %v (%v)", row.name, err != nil, err)
		}
		if err != nil {
			continue
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != row.wants {
			t.Errorf("%s: protocol %q, want %q", row.name, got, row.wants)
		}
		conn.Close()
	}
}

// A hundred megabytes, both directions, record counters far beyond a byte.
func TestMuchTrafficOverOneConnection(t *testing.T) {
	r := startRelay(t, relayConfig{})
	a, b := r.login(t, fastStart), r.login(t, fastStart)
	packet := make([]byte, 50_000)
	for i := range 2000 {
		packet[0] = byte(i)
		a.send(b, packet)
		b.wantPacket(a, packet)
	}
}
