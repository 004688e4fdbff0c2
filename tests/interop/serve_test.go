// derpverify serve as the admission controller of upstream's relay, and of two
// relays at once.

package interop

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tailscale.com/types/key"
)

const serveToken = "0123456789abcdef0123456789abcdef"

// admissionServer is a running derpverify serve with a list of nodes.
type admissionServer struct {
	*process
	nodes string
	port  int
}

// serveAdmission starts one on localhost, over TLS with a certificate of
// testCA, for those who name the token.
func serveAdmission(t *testing.T, args ...string) *admissionServer {
	t.Helper()
	dir := t.TempDir()
	testCA.writePair(t, dir, "localhost")
	s := &admissionServer{nodes: filepath.Join(dir, "nodes"), port: freePort(t)}
	s.list(t)
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte(serveToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.process = start(t, nil, ours(t, "derpverify"), append([]string{
		"serve", "--nodes", s.nodes, "--token-file", tokens,
		"--cert", filepath.Join(dir, "localhost.crt"),
		"--key", filepath.Join(dir, "localhost.key"),
		"--listen", "127.0.0.1:" + itoa(s.port)}, args...)...)
	s.wantLog(t, "serving admission on")
	return s
}

// list puts a list of these nodes in place.
func (s *admissionServer) list(t *testing.T, members ...key.NodePrivate) {
	t.Helper()
	var text strings.Builder
	text.WriteString("# members\n")
	for _, private := range members {
		fmt.Fprintln(&text, private.Public())
	}
	if err := os.WriteFile(s.nodes+".new", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.nodes+".new", s.nodes); err != nil {
		t.Fatal(err)
	}
}

func (s *admissionServer) wantLog(t *testing.T, text string) {
	t.Helper()
	eventually(t, "derpverify serve logs "+text, func() error {
		if !strings.Contains(s.log.String(), text) {
			return fmt.Errorf("log:\n%s", s.log)
		}
		return nil
	})
}

// Both relays ask one server, and name the token in the only way in which a Go
// relay can: in the URL.
func TestServeForBothRelays(t *testing.T) {
	for _, where := range []string{
		"https://relay:" + serveToken + "@localhost:%d/verify",
		"https://localhost:%d/verify/" + serveToken,
	} {
		t.Run(strings.ReplaceAll(where, serveToken, "TOKEN"), func(t *testing.T) {
			s := serveAdmission(t)
			relays := bothRelays(t, "-verify-client-url="+fmt.Sprintf(where, s.port),
				"-verify-client-url-fail-open=false")
			member, newcomer := key.NewNode(), key.NewNode()
			s.list(t, member)
			for _, r := range relays {
				eventually(t, "the "+r.config.kind+" relay admits a member", func() error {
					if !admitted(t, r, member) {
						return fmt.Errorf("not admitted")
					}
					return nil
				})
				if admitted(t, r, newcomer) {
					t.Errorf("the %s relay admits an unknown key", r.config.kind)
				}
			}
			s.list(t, newcomer)
			for _, r := range relays {
				eventually(t, "the "+r.config.kind+" relay follows the list", func() error {
					if !admitted(t, r, newcomer) || admitted(t, r, member) {
						return fmt.Errorf("not yet")
					}
					return nil
				})
			}
			s.wantLog(t, "allow "+newcomer.Public().String()+" from 127.0.0.1: ")
			if strings.Contains(s.log.String(), serveToken) {
				t.Errorf("the token is in the log of the server")
			}
		})
	}
}

// Without the token nobody gets in; upstream's relay tells why in its log.
func TestServeWithoutTheToken(t *testing.T) {
	s := serveAdmission(t)
	member := key.NewNode()
	s.list(t, member)
	for _, r := range bothRelays(t, fmt.Sprintf("-verify-client-url=https://localhost:%d/verify", s.port),
		"-verify-client-url-fail-open=false") {
		if admitted(t, r, member) {
			t.Errorf("the %s relay admits", r.config.kind)
		}
		r.wantLog(t, "admission controller: 401 Unauthorized")
	}
}

// holdConnection opens one that stays until the test ends.
func (s *admissionServer) holdConnection(t *testing.T) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Get(fmt.Sprintf("https://localhost:%d/healthz", s.port))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	t.Cleanup(client.CloseIdleConnections)
}

// A relay that is turned away for a limit of the server admits nobody, although
// it fails open: the server answers. Beyond twice its limit the server closes
// without a word, so the limit leaves room for what our relay asks at start.
func TestServeIsNoOutageWhenItIsFull(t *testing.T) {
	const limit = 4
	s := serveAdmission(t, "--max-connections-per-address", strconv.Itoa(limit))
	for range limit {
		s.holdConnection(t)
	}
	for _, r := range bothRelays(t, fmt.Sprintf("-verify-client-url=https://localhost:%d/verify/%s", s.port, serveToken)) {
		if admitted(t, r, key.NewNode()) {
			t.Errorf("the %s relay admits", r.config.kind)
		}
		r.wantLog(t, "admission controller: 503 Service Unavailable")
	}
}
