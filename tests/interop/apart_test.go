//go:build e2e

// Two real nodes that nobody told not to go direct. Each is in a network
// namespace of its own, joined only to the one with the relay, which does not
// forward.

package interop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"tailscale.com/tailcfg"
)

// middle is the address of relay and control server, which both nodes reach.
const middle = "10.91.0.1"

// forwarding is the switch of the test's own network namespace.
const forwarding = "/proc/sys/net/ipv4/ip_forward"

// place is a network namespace; nil is that of the test.
type place struct {
	pid int // of a process in it
}

// enter returns the command that runs another one there.
func (p *place) enter(command ...string) []string {
	if p == nil {
		return append([]string(nil), command...)
	}
	return append([]string{"nsenter", "-t", itoa(p.pid), "-n", "--"}, command...)
}

// inside makes a call there, in which sockets are made and nothing is waited
// for in another goroutine.
func (p *place) inside(call func() error) error {
	if p == nil {
		return call()
	}
	runtime.LockOSThread() // for good if the way back fails
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", p.pid))
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = call()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, back)
	}
	runtime.UnlockOSThread()
	return err
}

// Dial and DialContext connect to an address as seen from there.
func (p *place) Dial(network, address string) (net.Conn, error) {
	return p.DialContext(context.Background(), network, address)
}

func (p *place) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = p.inside(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// ip runs the ip command.
func ip(t *testing.T, where *place, args ...string) {
	t.Helper()
	command := where.enter(append([]string{"ip"}, args...)...)
	if _, stderr, code := run(t, nil, command[0], command[1:]...); code != 0 {
		t.Fatalf("%s: exit status %d: %s", strings.Join(command, " "), code, stderr)
	}
}

// newPlace makes a network namespace and joins it to the test's own: 10.91.N.2
// there, 10.91.N.1 here.
func newPlace(t *testing.T, number int) *place {
	t.Helper()
	holder := start(t, nil, "unshare", "-n", "sleep", "infinity")
	p := &place{pid: holder.cmd.Process.Pid}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "there is a network namespace", func() error {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", p.pid))
		if err == nil && theirs == ours {
			return errors.New("not yet")
		}
		return err
	})
	link := "dk" + itoa(number)
	net := "10.91." + itoa(number)
	ip(t, nil, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", itoa(p.pid))
	t.Cleanup(func() { exec.Command("ip", "link", "del", link).Run() })
	ip(t, nil, "addr", "add", net+".1/24", "dev", link)
	ip(t, nil, "link", "set", link, "up")
	ip(t, p, "link", "set", "lo", "up")
	ip(t, p, "addr", "add", net+".2/24", "dev", "eth0")
	ip(t, p, "link", "set", "eth0", "up")
	ip(t, p, "route", "add", "default", "via", net+".1")
	return p
}

// forward switches forwarding between the nodes.
func forward(on string) error {
	if text, err := os.ReadFile(forwarding); err == nil && strings.TrimSpace(string(text)) == on {
		return nil
	}
	return os.WriteFile(forwarding, []byte(on), 0)
}

// apart makes the namespaces, or skips where that is not allowed.
func apart(t *testing.T) (first, second *place) {
	t.Helper()
	alone(t)
	for _, command := range [][]string{
		{"ip", "-V"},
		{"nsenter", "-V"},
		{"unshare", "-n", "true"},
		{"ip", "link", "add", "dk0", "type", "veth"},
	} {
		if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", strings.Join(command, " "), err, text)
		}
	}
	ip(t, nil, "link", "del", "dk0")
	if err := forward("0"); err != nil {
		t.Skipf("forwarding cannot be switched off: %v", err)
	}
	ip(t, nil, "addr", "add", middle+"/32", "dev", "lo")
	t.Cleanup(func() { exec.Command("ip", "addr", "del", middle+"/32", "dev", "lo").Run() })
	return newPlace(t, 1), newPlace(t, 2)
}

func TestE2EApart(t *testing.T) {
	first, second := apart(t)
	r := startRelay(t, relayConfig{ip: middle})
	control, _ := startControl(t, r, middle)
	a := startNodeIn(t, first, "node-a", control.BaseURL(), "k1")
	b := startNodeIn(t, second, "node-b", control.BaseURL(), "k1")
	steps := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"ping goes through the relay", func(t *testing.T) { meets(t, a, b) }},
		{"netcheck sees the region", func(t *testing.T) { a.sees(t, true) }},
		{"a stream arrives intact", func(t *testing.T) { wantStream(t, a, b) }},
		{"traffic resumes after a restart", func(t *testing.T) {
			replace(t, r, a, b)
			a.pings(t, b)
			wantStream(t, b, a)
		}},
		// they do look for a direct path, and only its absence kept them off it
		{"they go direct once they can", func(t *testing.T) {
			if err := forward("1"); err != nil {
				t.Skipf("forwarding cannot be switched on: %v", err)
			}
			defer forward("0")
			eventuallyWithin(t, 3*patience, "a direct ping", func() error {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				result, err := a.Ping(ctx, b.address(t), tailcfg.PingDisco)
				if err == nil && result.Endpoint == "" {
					err = fmt.Errorf("%+v", result)
				}
				return err
			})
		}},
	}
	for _, step := range steps {
		if !t.Run(step.name, step.run) {
			return
		}
	}
}
