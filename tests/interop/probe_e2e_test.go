//go:build e2e

// derpmap probe on the relay that is built into headscale.

package interop

import (
	"fmt"
	"strings"
	"testing"
)

const embeddedRelay = `
derp:
  server:
    enabled: true
    region_id: 999
    region_code: headscale
    region_name: Headscale Embedded DERP
    verify_clients: %t
    stun_listen_addr: 127.0.0.1:%d
    private_key_path: %s/derp.key
    automatically_add_embedded_derp_region: true
    ipv4: 127.0.0.1
  urls: []
`

func TestE2EProbeOfEmbeddedRelay(t *testing.T) {
	alone(t)
	for _, verify := range []bool{false, true} {
		t.Run(fmt.Sprintf("verify_clients_%t", verify), func(t *testing.T) {
			port, stun := freePort(t), 3478
			h := startHeadscaleWith(t, port, func(config, dir string) string {
				head, rest, _ := strings.Cut(config, "derp:\n")
				_, rest, _ = strings.Cut(rest, "disable_check_updates")
				return head + strings.TrimPrefix(fmt.Sprintf(embeddedRelay,
					verify, stun, dir), "\n") + "disable_check_updates" + rest
			})
			p := probe(t, "--url", h.url)
			p.wantFindings(t)
			p.wantGood(t, 0, "tcp", "latency_check", "upgrade", "login",
				"key_stable", "stun")
			want := map[bool]string{false: "anyone", true: "members"}[verify]
			if p.Nodes[0].Admission != want {
				t.Errorf("admits %q, want %q", p.Nodes[0].Admission, want)
			}
		})
	}
}
