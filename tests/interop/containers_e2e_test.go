//go:build e2e

// Container set-ups as people publish them (testdata/containers.json: the
// flags of an image, its variables and those that its users set), started with
// ours and with upstream's relay: both must do the same.

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// container is one of the file.
type container struct {
	Name, Source string
	Image, Run   map[string]string // variables; those of Run win
	Command      string            // for a shell
	// what ours says instead of starting, where upstream's drops half of
	// the flags without a word
	Refused string
}

// absolutePath finds paths of a container, which begin a word or a value.
var absolutePath = regexp.MustCompile(`(^|[ ="])/`)

// inside returns the text with the paths in a folder of the test instead.
func inside(root, text string) string {
	return absolutePath.ReplaceAllString(text, "${1}"+root+"/")
}

// env returns the variables of a container whose root is that folder.
func (s *container) env(root string) []string {
	env := []string{"HOME=" + filepath.Join(root, "root"), "XDG_CACHE_HOME="}
	for _, set := range []map[string]string{s.Image, s.Run} {
		for name, value := range set {
			env = append(env, name+"="+inside(root, value))
		}
	}
	return env
}

// words returns what the shell makes of the command: the relay's arguments.
func (s *container) words(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.Command("sh", "-euc", `derper() { printf '%s\n' "$@"; }
`+inside(root, s.Command))
	cmd.Env = append(os.Environ(), s.env(root)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// startSetup starts a relay as the container does. What root keeps at the
// usual place, /var/lib, is in the folder, too: for this process only.
func startSetup(t *testing.T, s *container, program, root string) *process {
	t.Helper()
	script := fmt.Sprintf("mount --bind %[1]s/var/lib /var/lib && PATH=%[2]s:$PATH && exec %[3]s",
		root, filepath.Dir(program), inside(root, s.Command))
	return start(t, s.env(root), "unshare", "-m", "sh", "-euc", script)
}

// usual makes the folders and the certificate that the owner has put there.
func (s *container) usual(t *testing.T, root string, flags *setupFlags) {
	t.Helper()
	folders := []string{"root", "var/lib"}
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if flags.certMode != "manual" {
		return
	}
	if err := os.MkdirAll(flags.certDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if net.ParseIP(flags.hostname) == nil {
		testCA.writePair(t, flags.certDir, flags.hostname)
	}
}

// observed is what can be seen of a relay from outside.
type observed struct {
	End   string // how it ended instead of serving
	TLS   string // "plain", what is in the certificate, or why there is none
	Pages map[string]string
	STUN  string
	Login map[string]string // of a node that the controller knows, and another
	Files []string          // that it made, with their modes
	Lacks string            // what ours says that it does not have
	Says  string            // the first line of one that ended by itself
}

// lacking finds what ours refuses with an explicit error.
var lacking = regexp.MustCompile(`.*not supported yet.*`)

// observe starts a relay and looks at it until it is stopped.
func observe(t *testing.T, s *container, program string, member key.NodePrivate) observed {
	t.Helper()
	root := shortDir(t)
	flags := parseSetup(s.words(t, root))
	s.usual(t, root, flags)
	before := filesIn(t, root)
	p := startSetup(t, s, program, root)
	seen := observed{Pages: map[string]string{}, Login: map[string]string{}}
	if p.listens(t, flags.port) {
		seen.look(t, flags, member)
		p.stop()
	}
	<-p.done
	p.told = true
	seen.End = endOf(p)
	if seen.End == "status 2" {
		seen.Says, _, _ = strings.Cut(p.log.String(), "\n")
	}
	seen.Lacks = lacking.FindString(p.log.String())
	for _, file := range filesIn(t, root) {
		if !strings.Contains(strings.Join(before, "\n"), file) {
			seen.Files = append(seen.Files, file)
		}
	}
	if strings.Contains(p.log.String(), "Sanitizer") {
		t.Errorf("a sanitizer's report:\n%s", p.log)
	}
	return seen
}

// listens waits until somebody listens on the port; false when the relay ends.
func (p *process) listens(t *testing.T, port string) bool {
	t.Helper()
	up := false
	eventually(t, "the relay to listen on port "+port, func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			up = true
		}
		if err == nil || !p.running() {
			return nil
		}
		return err
	})
	return up
}

// endOf tells how a process ended; upstream's is ended by the signal, which it
// does not catch.
func endOf(p *process) string {
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() && ws.Signal() == syscall.SIGTERM || ws.ExitStatus() == 0 {
		return "stopped"
	}
	return fmt.Sprintf("status %d", ws.ExitStatus())
}

// filesIn lists the files in a folder. Certificates of upstream's are
// world-readable or not with the release; that they are there is the same.
func filesIn(t *testing.T, root string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if strings.HasSuffix(name, "+lock") {
			return nil // ours: of several relays one orders
		}
		if strings.HasSuffix(name, "derper.key") {
			name += " " + info.Mode().String()
		}
		found = append(found, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestE2EContainersStartAsWithTheGoRelay(t *testing.T) {
	alone(t)
	text, err := os.ReadFile("testdata/containers.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var setups []container
	if err := decoder.Decode(&setups); err != nil {
		t.Fatal(err)
	}
	member := key.NewNode()
	controller(t, member.Public())
	kinds := map[string]int{}
	for _, s := range setups {
		t.Run(s.Name, func(t *testing.T) {
			got := observe(t, &s, ours(t, "derper"), member)
			switch {
			case got.Lacks != "":
				t.Skip(got.Lacks)
			case s.Refused != "" && got.End == "status 2" && got.Says == s.Refused:
				return
			}
			want := observe(t, &s, upstream(t, "derper"), member)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("ours   %s\nGo's   %s\n%s", show(got), show(want), s.Command)
			}
			kinds[want.End]++
			kinds["TLS "+want.TLS]++
			kinds["STUN "+want.STUN]++
			for who, verdict := range want.Login {
				kinds[who+" "+verdict]++
			}
		})
	}
	// the table shows both sides of everything that is compared
	for _, kind := range []string{"stopped", "status 2", "TLS plain", "STUN answers",
		"STUN nobody there", "member admitted", "member refused",
		"stranger admitted", "stranger refused"} {
		if kinds[kind] == 0 {
			t.Errorf("no set-up shows %q: %v", kind, kinds)
		}
	}
}

func show(seen observed) string {
	text, err := json.Marshal(seen)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// controller answers at the address that the set-ups ask: headscale's, as it
// is seen from a relay beside it.
func controller(t *testing.T, member key.NodePublic) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			var question tailcfg.DERPAdmitClientRequest
			if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			json.NewEncoder(w).Encode(tailcfg.DERPAdmitClientResponse{
				Allow: question.NodePublic == member})
		}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}

// look asks a relay for everything that a set-up changes.
func (seen *observed) look(t *testing.T, flags *setupFlags, member key.NodePrivate) {
	t.Helper()
	main := newVisit(flags)
	seen.TLS = main.transport(t)
	for _, page := range []string{"/", "/derp", "/derp/probe", "/generate_204",
		"/robots.txt", "/bootstrap-dns", "/debug/"} {
		seen.Pages["main "+page] = main.page(t, page)
	}
	if flags.httpPort != "-1" {
		second := &visit{port: flags.httpPort}
		if main.tls != nil {
			eventually(t, "port "+flags.httpPort, func() error {
				conn, err := net.Dial("tcp", "127.0.0.1:"+flags.httpPort)
				if err == nil {
					conn.Close()
				}
				return err
			})
		}
		for _, page := range []string{"/", "/x?y=z", "/generate_204", "/derp"} {
			seen.Pages["second "+page] = second.page(t, page)
		}
	}
	// that the main port listens does not say that this one does; that pages
	// were served there does
	seen.STUN = askSTUN(t, flags.stunPort)
	if strings.HasPrefix(seen.TLS, "none") {
		return
	}
	seen.Login["member"] = main.login(t, member)
	seen.Login["stranger"] = main.login(t, key.NewNode())
}
