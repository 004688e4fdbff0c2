// derpmap probe on upstream's relay, alone and as a mesh.

package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// probed is what a test looks at of a report.
type probed struct {
	Errors   int
	Warnings int
	Nodes    []struct {
		Node      string
		Family    string
		Admission string
		Mapped    string `json:"mapped_address"`
		Steps     map[string]struct{ State string }
	}
	Pairs    []struct{ From, To, State string }
	Findings []struct{ ID, Severity, Node, Got string }
}

// probe runs derpmap probe over IPv4. Its exit status fits what it reports.
func probe(t *testing.T, args ...string) *probed {
	t.Helper()
	all := append([]string{"probe", "--format=json", "-4"}, args...)
	stdout, stderr, code := run(t, nil, ours(t, "derpmap"), all...)
	var p probed
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	if want := min(p.Errors+p.Warnings, 1); code != want {
		t.Errorf("exit status %d, want %d", code, want)
	}
	return &p
}

// wantFindings checks the warnings and errors.
func (p *probed) wantFindings(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, f := range p.Findings {
		if f.Severity != "info" {
			got = append(got, f.ID)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("findings %v, want %v: %+v", got, want, p.Findings)
	}
}

// wantGood checks the steps of the n-th node.
func (p *probed) wantGood(t *testing.T, n int, steps ...string) {
	t.Helper()
	for _, step := range steps {
		if state := p.Nodes[n].Steps[step].State; state != "good" {
			t.Errorf("%s: %s is %q", p.Nodes[n].Node, step, state)
		}
	}
}

var allSteps = []string{"address", "tcp", "tls", "certificate", "metacert",
	"latency_check", "upgrade", "login", "fast_start", "relay", "key_stable", "stun"}

func TestProbeOfBothRelays(t *testing.T) {
	for _, kind := range []string{"go", "ours"} {
		t.Run(kind, func(t *testing.T) {
			r := startRelay(t, relayConfig{kind: kind})
			p := probe(t, writeMap(t, r.derpMap(t)))
			p.wantFindings(t)
			p.wantGood(t, 0, allSteps...)
			if p.Nodes[0].Admission != "anyone" {
				t.Errorf("admits %q", p.Nodes[0].Admission)
			}
			if !strings.HasPrefix(p.Nodes[0].Mapped, "127.0.0.1:") {
				t.Errorf("mapped address is %q", p.Nodes[0].Mapped)
			}
		})
	}
}

// Nobody is there to be asked: the Go relay refuses everybody.
func TestProbeOfARelayThatVerifies(t *testing.T) {
	r := startRelay(t, relayConfig{kind: "go", args: []string{
		"-verify-client-url=http://127.0.0.1:1/verify",
		"-verify-client-url-fail-open=false",
	}})
	p := probe(t, writeMap(t, r.derpMap(t)))
	p.wantFindings(t)
	if p.Nodes[0].Admission != "members" {
		t.Errorf("admits %q", p.Nodes[0].Admission)
	}
	p.wantGood(t, 0, "login", "fast_start", "key_stable")
}

func TestProbeOfAMesh(t *testing.T) {
	a := startRelay(t, relayConfig{kind: "go", host: "a.mesh.test"})
	b := startRelay(t, relayConfig{kind: "go", host: "b.mesh.test"})
	m := a.derpMap(t)
	second := b.region(t).Nodes[0]
	second.Name = fmt.Sprint(regionID, "b")
	m.Regions[regionID].Nodes = append(m.Regions[regionID].Nodes, second)
	file := writeMap(t, m)

	apart := probe(t, file)
	apart.wantFindings(t, "mesh-missing", "mesh-missing")

	psk := filepath.Join(t.TempDir(), "psk")
	if err := os.WriteFile(psk, []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*relay{a, b} {
		r.stop()
		r.config.args = []string{"-mesh-psk-file=" + psk, fmt.Sprintf(
			"-mesh-with=a.mesh.test:%d/127.0.0.1,b.mesh.test:%d/127.0.0.1",
			a.port, b.port)}
		if !r.restart(t) {
			t.Fatalf("the relay does not start:\n%s", r.log)
		}
	}
	eventually(t, "packets cross the mesh both ways", func() error {
		p := probe(t, file)
		for _, pair := range p.Pairs {
			if pair.State != "good" {
				return fmt.Errorf("%s to %s is %s", pair.From, pair.To, pair.State)
			}
		}
		if len(p.Pairs) != 2 || p.Errors+p.Warnings > 0 {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
}
