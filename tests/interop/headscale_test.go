//go:build e2e

// Three real nodes with a real headscale.

package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/juanfont/headscale/hscontrol/types"
	"tailscale.com/types/key"
)

// headscale is a running headscale server.
type headscale struct {
	*process
	owner   testing.TB // whose end is the server's
	program string
	dir     string
	config  string
	url     string
}

func (h *headscale) socket() string { return filepath.Join(h.dir, "sock") }

const headscaleConfig = `
server_url: http://127.0.0.1:%[1]d
listen_addr: 127.0.0.1:%[1]d
metrics_listen_addr: 127.0.0.1:%[2]d
grpc_listen_addr: 127.0.0.1:0
noise:
  private_key_path: %[3]s/noise.key
prefixes:
  v4: 100.64.0.0/10
  v6: fd7a:115c:a1e0::/48
derp:
  server:
    enabled: false
  urls: []
  paths:
    - %[3]s/derp.yaml
  auto_update_enabled: false
disable_check_updates: true
database:
  type: sqlite
  sqlite:
    path: %[3]s/db.sqlite
dns:
  magic_dns: false
  override_local_dns: false
  base_domain: e2e.test
unix_socket: %[3]s/sock
unix_socket_permission: "0700"
cli:
  timeout: 60s
log:
  level: info
`

// startHeadscale starts a headscale on a port with this DERP map.
func startHeadscale(t *testing.T, port int, derpYAML []byte) *headscale {
	t.Helper()
	return startHeadscaleWith(t, port, func(config, dir string) string {
		err := os.WriteFile(filepath.Join(dir, "derp.yaml"), derpYAML, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return config
	})
}

// startHeadscaleWith starts one with a configuration that edit has changed; dir
// is its folder.
func startHeadscaleWith(t *testing.T, port int, edit func(config, dir string) string) *headscale {
	t.Helper()
	h := &headscale{owner: t, program: os.Getenv("HEADSCALE"), dir: shortDir(t)}
	if h.program == "" {
		h.program = upstream(t, "headscale")
	}
	h.logVersion(t)
	h.config = filepath.Join(h.dir, "config.yaml")
	config := edit(fmt.Sprintf(headscaleConfig, port, freePort(t), h.dir), h.dir)
	if err := os.WriteFile(h.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	h.url = serverURL.FindStringSubmatch(config)[1]
	h.serve(t)
	return h
}

var serverURL = regexp.MustCompile(`(?m)^server_url: (.*)$`)

// serve starts the server, also again after its end, and waits until it
// answers.
func (h *headscale) serve(t *testing.T) {
	t.Helper()
	h.process = start(h.owner, offline, h.program, "-c", h.config, "serve")
	eventually(t, "headscale is up", func() error {
		if !h.running() {
			t.Fatalf("headscale has ended:\n%s", h.log)
		}
		response, err := http.Get(h.url + "/health")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		io.Copy(io.Discard, response.Body)
		if response.StatusCode != 200 {
			return fmt.Errorf("%s", response.Status)
		}
		return nil
	})
}

// logVersion says which release it is, and that it is the one of go.mod unless
// another one was asked for.
func (h *headscale) logVersion(t *testing.T) {
	t.Helper()
	stdout, stderr, code := run(t, offline, h.program, "version")
	if code != 0 {
		t.Fatalf("headscale version: exit status %d: %s%s", code, stdout, stderr)
	}
	line, _, _ := strings.Cut(stdout, "\n")
	t.Logf("%s: %s", h.program, line)
	if os.Getenv("HEADSCALE") == "" && !strings.HasSuffix(line, " v0.29.2") {
		t.Errorf("headscale is %q, want v0.29.2", line)
	}
}

// command runs a headscale command and returns what it printed.
func (h *headscale) command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	stdout, stderr, code := run(t, offline, h.program, append([]string{"-c", h.config}, args...)...)
	if code != 0 {
		return "", fmt.Errorf("headscale %s: exit status %d: %s%s",
			strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout, nil
}

// authKey makes a user and a key that nodes can join with.
func (h *headscale) authKey(t *testing.T) string {
	t.Helper()
	eventually(t, "a user is created", func() error {
		_, err := h.command(t, "users", "create", "alice")
		return err
	})
	text, err := h.command(t, "preauthkeys", "create", "-u", "1", "--reusable", "-e", "1h", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Key == "" {
		t.Fatalf("%v in %s", err, text)
	}
	return made.Key
}

// apiKey makes a key for the REST interface.
func (h *headscale) apiKey(t *testing.T) string {
	t.Helper()
	text, err := h.command(t, "apikeys", "create", "-e", "1h")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// nodeID returns the number of the node with that key.
func (h *headscale) nodeID(t *testing.T, k key.NodePublic) string {
	t.Helper()
	text, ids := h.nodeList(t)
	id := ids[k.String()]
	if id == "" {
		t.Fatalf("%v is not in %s", k, text)
	}
	return id
}

// change runs a headscale command that must work.
func (h *headscale) change(t *testing.T, args ...string) {
	t.Helper()
	if _, err := h.command(t, args...); err != nil {
		t.Fatal(err)
	}
}

// nodeList returns what "nodes list" prints, and the numbers of the nodes by
// key. Releases differ in how they spell the members.
func (h *headscale) nodeList(t *testing.T) (string, map[string]string) {
	t.Helper()
	text, err := h.command(t, "nodes", "list", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	ids := map[string]string{}
	for _, row := range rows {
		k, ok := row["node_key"].(string)
		if !ok {
			k, _ = row["nodeKey"].(string)
		}
		ids[k] = fmt.Sprint(row["id"])
	}
	return text, ids
}

// wantVerify checks that derpverify says the same by URL and from the list.
func (h *headscale) wantVerify(t *testing.T, k key.NodePublic, want bool) {
	t.Helper()
	if *relayKind == "go" {
		return // proves the tests of the relay; derpverify is ours
	}
	text, _ := h.nodeList(t)
	list := filepath.Join(t.TempDir(), "nodes.json")
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	word, exit := "deny", 1
	if want {
		word, exit = "allow", 0
	}
	for _, source := range [][]string{
		{"--url", h.url + "/verify"},
		{"--nodes", list},
		{"--url", h.url + "/verify", "--nodes", list},
	} {
		args := append([]string{"check"}, append(source, k.String())...)
		stdout, stderr, code := run(t, nil, ours(t, "derpverify"), args...)
		if code != exit || !strings.HasPrefix(stdout, word) {
			t.Errorf("derpverify %s: exit status %d, want %d: %s%s",
				strings.Join(args, " "), code, exit, stdout, stderr)
		}
	}
}

func TestE2EWithHeadscale(t *testing.T) {
	alone(t)
	port := freePort(t)
	r := startRelay(t, relayConfig{args: []string{
		fmt.Sprintf("-verify-client-url=http://127.0.0.1:%d/verify", port),
		"-verify-client-url-fail-open=false",
	}})
	// nobody can be asked yet
	if _, err := r.tryLogin(t, fastStart, key.NewNode()); err == nil {
		t.Fatal("admitted while headscale is not there")
	}
	derpYAML := generated(t, r, "headscale")
	h := startHeadscale(t, port, derpYAML)
	authKey := h.authKey(t)
	a := startNode(t, "node-a", h.url, authKey)
	b := startNode(t, "node-b", h.url, authKey)
	c := startNode(t, "node-c", h.url, authKey)

	steps := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"nodes get the generated map", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "derp.yaml")
			if err := os.WriteFile(file, derpYAML, 0o600); err != nil {
				t.Fatal(err)
			}
			// what headscale's loader makes of it, all fields
			want, refused := headscaleMap(types.DERPConfig{Paths: []string{file}})
			if refused != "" {
				t.Fatal(refused)
			}
			for _, n := range []*node{a, b, c} {
				n.wantMap(t, r, want)
			}
		}},
		{"ping goes through the relay", func(t *testing.T) {
			meets(t, a, b)
			meets(t, a, c)
		}},
		{"netcheck sees the region", func(t *testing.T) { a.sees(t, true) }},
		{"a stream arrives intact", func(t *testing.T) { wantStream(t, a, b) }},
		{"members are admitted, a stranger is not", func(t *testing.T) {
			for _, n := range []*node{a, b, c} {
				h.wantVerify(t, n.public(t), true)
			}
			stranger := key.NewNode()
			h.wantVerify(t, stranger.Public(), false)
			if _, err := r.tryLogin(t, fastStart, stranger); err == nil {
				t.Error("a stranger is admitted")
			}
			r.wantLog(t, stranger.Public().String()+" rejected: admission controller")
		}},
		{"a deleted node is refused on its next connect", func(t *testing.T) {
			private := c.private(t)
			// the same login gets in before
			p, err := r.tryLogin(t, fastStart, private)
			if err != nil {
				t.Fatalf("refused before it is deleted: %v", err)
			}
			p.leave()
			public := private.Public()
			_, ids := h.nodeList(t)
			id := ids[public.String()]
			if _, err := h.command(t, "nodes", "delete", "-i", id, "--force"); err != nil {
				t.Fatal(err)
			}
			if _, ids := h.nodeList(t); len(ids) != 2 || ids[public.String()] != "" {
				t.Fatalf("still there: %v", ids)
			}
			h.wantVerify(t, public, false)
			h.wantVerify(t, a.public(t), true)
			before := len(r.log.String())
			if _, err := r.tryLogin(t, fastStart, private); err == nil {
				t.Error("admitted after it was deleted")
			}
			r.wantLogAfter(t, before, public.String()+" rejected: admission controller")
			// it is this key that is refused
			p, err = r.tryLogin(t, fastStart, b.private(t))
			if err != nil {
				t.Fatalf("a member is refused as well: %v", err)
			}
			p.leave()
		}},
		{"after a restart the others are back, the deleted node is not", func(t *testing.T) {
			public := c.public(t)
			replace(t, r, a, b, r.config.args...)
			a.pings(t, b)
			b.pings(t, a)
			// the real client, which nobody has told, tries and is refused
			r.wantLog(t, public.String()+" rejected: admission controller")
			wantStream(t, b, a)
		}},
		{"headscale is away: members stay, nobody new gets in", func(t *testing.T) {
			h.kill()
			a.pings(t, b)
			b.pings(t, a)
			if _, err := r.tryLogin(t, fastStart, key.NewNode()); err == nil {
				t.Error("admitted while headscale is away")
			}
		}},
	}
	for _, step := range steps {
		if !t.Run(step.name, step.run) {
			return
		}
	}
}
