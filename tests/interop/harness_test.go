// What the tests stand on: where the programs are, how they are started and
// stopped, free ports, certificates.

package interop

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tailscale.com/net/netns"
)

// patience bounds every wait for something that must happen. It is long
// because the machine may be busy; nothing waits it out when all is well.
const patience = 60 * time.Second

var relayKind = flag.String("relay", "ours",
	"relay under test: ours ($DERPKIT_BIN/derper) or go ($DERPKIT_PEERS/derper)")

// testCA signs the certificates of relays with a DNS name. Every program a
// test starts trusts it, and so does this process.
var testCA *authority

func TestMain(m *testing.M) {
	flag.Parse()
	if *relayKind != "ours" && *relayKind != "go" {
		fmt.Fprintf(os.Stderr, "-relay=%s: want ours or go\n", *relayKind)
		os.Exit(2)
	}
	os.Exit(runMain(m))
}

func runMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "derpkit-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	testCA, err = newAuthority()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, testCA.pem(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	// before anything loads the system's roots
	os.Setenv("SSL_CERT_FILE", roots)
	os.Setenv("SSL_CERT_DIR", filepath.Join(dir, "none"))
	// upstream binds its sockets to the default route's interface, which
	// cannot reach a relay on the loopback interface
	netns.SetEnabled(false)
	return m.Run()
}

// ours returns the path of one of derpkit's programs.
func ours(t testing.TB, name string) string {
	t.Helper()
	return program(t, "DERPKIT_BIN", name)
}

// upstream returns the path of one of the peers' programs.
func upstream(t testing.TB, name string) string {
	t.Helper()
	return program(t, "DERPKIT_PEERS", name)
}

func program(t testing.TB, variable, name string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		t.Fatalf("%s is not set: run.sh and e2e.sh set it", variable)
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("$%s: %v", variable, err)
	}
	return path
}

// output collects what a program writes, and can be read while it runs.
type output struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes.String()
}

// process is a program that a test started.
type process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	log  *output
	done chan struct{} // closed when it has ended
	told bool          // a test has ended it
	// excused is set when its end means nothing: it found its port taken
	excused bool
}

// starter starts all programs from one thread that never ends: the kernel
// kills them when that thread is gone, so that none outlives the tests, not
// even when those are killed.
var starter = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

// start runs a program until the test ends. Its output goes to one log, which
// is shown when the test fails.
func start(t testing.TB, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{
		t:    t,
		name: filepath.Base(name),
		cmd:  exec.Command(name, args...),
		log:  &output{},
		done: make(chan struct{}),
	}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout = p.log
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop()
		p.checkEnd()
		if t.Failed() {
			t.Logf("%s %s said:\n%s", p.name,
				strings.Join(args, " "), tail(p.log.String(), 100))
		}
	})
	return p
}

// stop ends the program, at first politely. It may be called more than once.
func (p *process) stop() {
	p.terminate()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Errorf("%s did not end on SIGTERM", p.name)
		p.cmd.Process.Kill()
		<-p.done
	}
}

// terminate tells the program to end, and does not wait for it.
func (p *process) terminate() {
	if !p.told && !p.excused && p.isOurs() && !p.running() {
		p.t.Errorf("%s had ended by itself", p.name)
	}
	p.told = true
	p.cmd.Process.Signal(syscall.SIGTERM)
}

// kill ends the program without its knowledge.
func (p *process) kill() {
	p.told = true
	p.cmd.Process.Kill()
	<-p.done
}

// checkEnd fails the test where a program of ours has crashed. A refusal that
// a test waits for may be nothing else.
func (p *process) checkEnd() {
	if !p.isOurs() || p.excused {
		return
	}
	status := p.cmd.ProcessState
	ws := status.Sys().(syscall.WaitStatus)
	killed := ws.Signaled() && ws.Signal() == syscall.SIGKILL
	if !status.Success() && !killed {
		p.t.Errorf("%s ended with %v", p.name, status)
	}
	log := p.log.String()
	if strings.Contains(log, "Sanitizer") || strings.Contains(log, "runtime error") {
		p.t.Errorf("%s: a sanitizer's report:\n%s", p.name, log)
	}
}

// isOurs tells whether it is one of derpkit's programs.
func (p *process) isOurs() bool {
	dir, err := filepath.Abs(os.Getenv("DERPKIT_BIN"))
	return err == nil && filepath.Dir(p.cmd.Path) == dir
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// run runs a program to its end and returns what it wrote and its exit status.
func run(t testing.TB, env []string, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout = &out
	cmd.Stderr = &errs
	err := cmd.Run()
	if cmd.ProcessState == nil || !cmd.ProcessState.Exited() {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &errs)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// eventually waits until a condition holds. The condition returns what is
// missing, or nil.
func eventually(t testing.TB, what string, condition func() error) {
	t.Helper()
	eventuallyWithin(t, patience, what, condition)
}

func eventuallyWithin(t testing.TB, limit time.Duration, what string, condition func() error) {
	t.Helper()
	pause := 5 * time.Millisecond
	for deadline := time.Now().Add(limit); ; time.Sleep(pause) {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		pause = min(2*pause, 250*time.Millisecond)
	}
}

// reserved are the names that say which ports are this process's.
var reserved struct {
	sync.Mutex
	names []net.PacketConn
}

// freePort returns a port of 127.0.0.1 that nobody listens on, below those that
// the kernel hands out. No test that runs at the same time is given it, those
// in Python included: a name that only one can have says whose it is until this
// process ends.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(22000)
		name, err := net.ListenPacket("unixgram", fmt.Sprintf("@derpkit-port-%d", port))
		if err != nil {
			continue
		}
		if !isFree(port) {
			name.Close()
			continue
		}
		reserved.Lock()
		reserved.names = append(reserved.names, name)
		reserved.Unlock()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// isFree tells whether nobody has the port, for TCP or UDP.
func isFree(port int) bool {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	defer l.Close()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func itoa(n int) string { return strconv.Itoa(n) }

// shortDir returns a temporary folder whose path leaves room for the name of a
// unix socket, which t.TempDir does not.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
