//go:build e2e

// One folder of certificates for the relay and for upstream's autocert: what
// the one has written the other reads, and what the one orders the other proves.
// The authority is pebble, of its Go module.

package interop

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/dns/dnsmessage"
)

const acmeName = "derp.example.org"

// pebble is a certificate authority that looks for proofs at two ports of this
// machine, whatever the name.
type pebble struct {
	*process
	directory string
	roots     string     // a file, for its own server
	client    tls.Config // for its own server
}

// answerNames is a DNS server, over TCP, for which every name is this machine.
func answerNames(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerOn(c)
		}
	}()
	return l.Addr().String()
}

// answerOn answers what is asked on a connection: messages with their length in
// two bytes before them.
func answerOn(c net.Conn) {
	defer c.Close()
	for {
		var n uint16
		if binary.Read(c, binary.BigEndian, &n) != nil {
			return
		}
		query := make([]byte, n)
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		answer, err := nameAnswer(query)
		if err != nil {
			return
		}
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	}
}

func nameAnswer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type,
					Class: q.Class, TTL: 60},
				Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
		}
	}
	return m.Pack()
}

func startPebble(t *testing.T, httpPort, tlsPort int) *pebble {
	t.Helper()
	dir := t.TempDir()
	leaf, key, err := issue(&x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:    []string{"localhost"},
	}, testCA.middle, testCA.middleKey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := &pebble{roots: filepath.Join(dir, "roots.pem")}
	port := freePort(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           fmt.Sprintf("127.0.0.1:%d", port),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		"certificate":             filepath.Join(dir, "cert.pem"),
		"privateKey":              filepath.Join(dir, "key.pem"),
		"httpPort":                httpPort,
		"tlsPort":                 tlsPort,
		"profiles": map[string]any{"default": map[string]any{
			"description": "all", "validityPeriod": 7776000}},
		"retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"cert.pem":    append(certPEM(leaf), certPEM(testCA.middle)...),
		"key.pem":     pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
		"roots.pem":   testCA.pem(),
		"pebble.json": config,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.directory = fmt.Sprintf("https://127.0.0.1:%d/dir", port)
	p.client.RootCAs = x509.NewCertPool()
	p.client.RootCAs.AppendCertsFromPEM(testCA.pem())
	p.process = start(t,
		[]string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20"},
		upstream(t, "pebble"), "-config", filepath.Join(dir, "pebble.json"),
		"-dnsserver", answerNames(t))
	eventually(t, "pebble answers", func() error {
		answer, err := p.http().Get(p.directory)
		if err == nil {
			answer.Body.Close()
		}
		return err
	})
	return p
}

func (p *pebble) http() *http.Client {
	return &http.Client{Transport: &located{Transport: http.Transport{
		TLSClientConfig: &p.client, DisableKeepAlives: true}}}
}

// located says where the order is in the answer to its finalization, too:
// upstream's client waits for it there, as Let's Encrypt does it, and pebble does
// not.
type located struct {
	http.Transport
	order string
}

func (l *located) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := l.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.Contains(request.URL.Path, "order-plz"):
		l.order = answer.Header.Get("Location")
	case strings.Contains(request.URL.Path, "finalize"):
		answer.Header.Set("Location", l.order)
	}
	return answer, nil
}

// acmeRelay is a relay that orders its certificate in a folder.
type acmeRelay struct {
	*process
	httpPort, tlsPort int
}

func startACMERelay(t *testing.T, folder, directory, roots string) *acmeRelay {
	t.Helper()
	r := &acmeRelay{httpPort: freePort(t), tlsPort: freePort(t)}
	return r.run(t, folder, directory, roots)
}

func (r *acmeRelay) run(t *testing.T, folder, directory, roots string) *acmeRelay {
	t.Helper()
	r.process = start(t, nil, ours(t, "derper"),
		"-c="+filepath.Join(t.TempDir(), "derper.key"), "-certmode=letsencrypt",
		"-acme-directory="+directory, "-acme-ca="+roots, "-certdir="+folder,
		"-hostname="+acmeName, "-http-port="+itoa(r.httpPort),
		"-a=127.0.0.1:"+itoa(r.tlsPort), "-stun-port="+itoa(freePort(t)))
	eventually(t, "the relay listens", func() error {
		c, err := net.Dial("tcp", "127.0.0.1:"+itoa(r.tlsPort))
		if err == nil {
			c.Close()
		}
		return err
	})
	return r
}

func (r *acmeRelay) waitLog(t *testing.T, text string) {
	t.Helper()
	eventuallyWithin(t, 3*patience, "the relay says "+text, func() error {
		if !strings.Contains(r.log.String(), text) {
			return errors.New("it has not:\n" + tail(r.log.String(), 20))
		}
		return nil
	})
}

// leafOf returns the certificate that a port shows to who asks for the name.
func leafOf(port int, protocols ...string) (*x509.Certificate, error) {
	c, err := tls.Dial("tcp", "127.0.0.1:"+itoa(port), &tls.Config{
		ServerName: acmeName, InsecureSkipVerify: true, NextProtos: protocols})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// hello is what a client of today sends that asks for the name.
func hello(protocols ...string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: acmeName,
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SupportedProtos:  protocols}
}

// manager is autocert as the Go derper has it.
func manager(p *pebble, cache autocert.Cache) *autocert.Manager {
	return &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(acmeName),
		Cache:      cache,
		Client:     &acme.Client{DirectoryURL: p.directory, HTTPClient: p.http()},
	}
}

// ownerOf returns the account that the key of the folder has.
func ownerOf(t *testing.T, p *pebble, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "acme_account+key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	var key *ecdsa.PrivateKey
	if block != nil {
		key, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if key == nil || err != nil {
		t.Fatalf("acme_account+key: %v", err)
	}
	client := &acme.Client{Key: key, DirectoryURL: p.directory, HTTPClient: p.http()}
	account, err := client.GetReg(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	return account.URI
}

// Ours has ordered: autocert takes it from the folder, and has the account.
func TestE2EACMEFolderOfOursIsRead(t *testing.T) {
	alone(t)
	folder := filepath.Join(t.TempDir(), "certs")
	r := &acmeRelay{httpPort: freePort(t), tlsPort: freePort(t)}
	p := startPebble(t, r.httpPort, r.tlsPort)
	r.run(t, folder, p.directory, p.roots)
	r.waitLog(t, "acme: certificate for "+acmeName+" issued by")
	owner := ownerOf(t, p, folder)
	p.stop() // nothing can be ordered
	m := manager(p, autocert.DirCache(folder))
	got, err := m.GetCertificate(hello())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the relay shows it", func() error {
		leaf, err := leafOf(r.tlsPort)
		if err == nil && !leaf.Equal(got.Leaf) {
			err = errors.New("another certificate")
		}
		return err
	})
	if owner == "" {
		t.Error("the account has no name")
	}
}

// shared is a DirCache that waits until the relay answers a challenge, too.
type shared struct {
	autocert.DirCache
	t     *testing.T
	relay *acmeRelay
	kinds map[string]int // of challenges that the relay answered
}

func (s *shared) Put(ctx context.Context, name string, data []byte) error {
	if err := s.DirCache.Put(ctx, name, data); err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(name, "+http-01"):
		s.kinds["http-01"]++
		return s.await(ctx, func() error { return s.relay.tellsToken(name, data) })
	case strings.HasSuffix(name, "+token"):
		s.kinds["tls-alpn-01"]++
		return s.await(ctx, func() error {
			_, err := leafOf(s.relay.tlsPort, acme.ALPNProto)
			return err
		})
	}
	return nil
}

func (s *shared) await(ctx context.Context, condition func() error) error {
	var err error
	eventually(s.t, "the relay has the answer to a challenge", func() error {
		err = condition()
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	return err
}

func (r *acmeRelay) tellsToken(name string, want []byte) error {
	request, err := http.NewRequest("GET", "http://127.0.0.1:"+itoa(r.httpPort)+
		"/.well-known/acme-challenge/"+strings.TrimSuffix(name, "+http-01"), nil)
	if err != nil {
		return err
	}
	request.Host = acmeName
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%d %q", answer.StatusCode, got)
	}
	return err
}

// autocert orders, and has no ports at all: the relay, which has the folder and
// an authority that is away, proves the name in both ways, and then serves what
// it finds there, before and after its own restart, without an order.
func TestE2EACMEFolderOfAutocertIsUsed(t *testing.T) {
	alone(t)
	for _, kind := range []string{"tls-alpn-01", "http-01"} {
		t.Run(kind, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "certs")
			away := fmt.Sprintf("https://127.0.0.1:%d/dir", freePort(t))
			roots := filepath.Join(t.TempDir(), "roots.pem")
			if err := os.WriteFile(roots, testCA.pem(), 0o600); err != nil {
				t.Fatal(err)
			}
			r := startACMERelay(t, folder, away, roots)
			httpPort, tlsPort := r.httpPort, r.tlsPort
			if kind == "http-01" {
				tlsPort = freePort(t) // nobody is there
			}
			p := startPebble(t, httpPort, tlsPort)
			cache := &shared{DirCache: autocert.DirCache(folder), t: t, relay: r,
				kinds: map[string]int{}}
			m := manager(p, cache)
			m.HTTPHandler(nil) // so that it tries http-01, too
			got, err := m.GetCertificate(hello())
			if err != nil {
				t.Fatal(err)
			}
			if cache.kinds[kind] == 0 {
				t.Errorf("%s was not tried: %v", kind, cache.kinds)
			}
			r.cmd.Process.Signal(syscall.SIGHUP)
			shows := func() error {
				leaf, err := leafOf(r.tlsPort)
				if err == nil && !leaf.Equal(got.Leaf) {
					err = errors.New("another certificate")
				}
				return err
			}
			eventually(t, "the relay shows it", shows)
			r.stop()
			r.run(t, folder, p.directory, p.roots)
			eventually(t, "the relay shows it after its restart", shows)
			if strings.Contains(r.log.String(), "acme: ordering") {
				t.Error("it has ordered, too")
			}
		})
	}
}

// Ours orders, and autocert, with the same folder, is what the authority finds at
// the name.
func TestE2EACMEAutocertProvesForOurs(t *testing.T) {
	alone(t)
	folder := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := startPebble(t, l.Addr().(*net.TCPAddr).Port, freePort(t))
	m := manager(p, autocert.DirCache(folder))
	handler := m.HTTPHandler(nil)
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, _, _ = strings.Cut(r.Host, ":") // authorities ask at port 80
		handler.ServeHTTP(w, r)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	r := startACMERelay(t, folder, p.directory, p.roots)
	r.waitLog(t, "the tls-alpn-01 challenge failed")
	r.waitLog(t, "acme: certificate for "+acmeName+" issued by")
	got, err := m.GetCertificate(hello())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the relay shows it", func() error {
		leaf, err := leafOf(r.tlsPort)
		if err == nil && !leaf.Equal(got.Leaf) {
			err = errors.New("another certificate")
		}
		return err
	})
	left, err := filepath.Glob(filepath.Join(folder, "*+http-01"))
	if err != nil || len(left) > 0 {
		t.Errorf("answers are left: %v %v", left, err)
	}
}
