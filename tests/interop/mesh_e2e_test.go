//go:build e2e

// Nodes of a mesh that end and begin again, under traffic.

package interop

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// chatter sends packets between two peers until it is told to stop; errors are
// those of a node that has ended.
func chatter(from, to *peer, stop *atomic.Bool) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			if from.Send(to.public, []byte("chatter")) != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return done
}

func TestE2EMeshOutlivesItsNodes(t *testing.T) {
	for _, kinds := range meshes {
		t.Run(strings.Join(kinds, "+"), func(t *testing.T) {
			t.Parallel()
			nodes := startMesh(t, kinds...)
			peers := make([]*peer, len(nodes))
			for i, r := range nodes {
				peers[i] = r.login(t, overMesh)
			}
			wantAllReachAll(peers, "before")
			for round := range 10 * len(nodes) {
				at := round % len(nodes)
				next := (at + 1) % len(nodes)
				var stop atomic.Bool
				there, back := chatter(peers[at], peers[next], &stop), chatter(peers[next], peers[at], &stop)
				nodes[at].excused = true
				nodes[at].stop()
				stop.Store(true)
				peers[at].Close()
				<-there
				<-back
				if !nodes[at].restart(t) {
					t.Fatalf("the relay does not start:\n%s", nodes[at].log)
				}
				peers[at] = nodes[at].login(t, overMesh)
				wantAllReachAll(peers, fmt.Sprint("round ", round))
			}
		})
	}
}
