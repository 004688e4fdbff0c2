// Upstream's netcheck and prober: what nodes and operators look at.

package interop

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tailscale.com/net/netcheck"
	"tailscale.com/net/netmon"
	"tailscale.com/tailcfg"
)

// netcheckReport runs upstream's netcheck once, as a node does when it starts.
func netcheckReport(t *testing.T, dm *tailcfg.DERPMap) *netcheck.Report {
	t.Helper()
	c := &netcheck.Client{
		NetMon:              netmon.NewStatic(),
		Logf:                t.Logf,
		SkipExternalNetwork: true,
	}
	if err := c.Standalone(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	report, err := c.GetReport(t.Context(), dm, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestNetcheckBySTUN(t *testing.T) {
	r := startRelay(t, relayConfig{})
	report := netcheckReport(t, r.derpMap(t))
	// upstream notes that it could send after it has sent, and may have
	// had the answer, and ended, by then
	for range 4 {
		if report.IPv4CanSend {
			break
		}
		report = netcheckReport(t, r.derpMap(t))
	}
	if !report.UDP || !report.IPv4CanSend || report.PreferredDERP != regionID {
		t.Errorf("UDP %v, preferred region %d", report.UDP, report.PreferredDERP)
	}
	if report.RegionLatency[regionID] <= 0 || report.RegionV4Latency[regionID] <= 0 {
		t.Errorf("latency %v, over IPv4 %v", report.RegionLatency, report.RegionV4Latency)
	}
	if report.GlobalV4.Addr().String() != "127.0.0.1" || report.GlobalV4.Port() == 0 {
		t.Errorf("mapped address %v", report.GlobalV4)
	}
}

// Without STUN the latency is that of an HTTPS request. The map says that
// there is no STUN, or netcheck would take an ICMP echo for an answer.
func TestNetcheckByHTTPS(t *testing.T) {
	for _, host := range []string{"", "localhost"} {
		r := startRelay(t, relayConfig{host: host, args: []string{"-stun=false"}})
		dm := r.derpMap(t)
		dm.Regions[regionID].Nodes[0].STUNPort = -1
		report := netcheckReport(t, dm)
		if report.UDP || report.PreferredDERP != regionID ||
			report.RegionLatency[regionID] <= 0 {
			t.Errorf("%s: UDP %v, preferred region %d, latency %v", r.host,
				report.UDP, report.PreferredDERP, report.RegionLatency)
		}
		// and it is the relay that answered
		r.stop()
		report = netcheckReport(t, dm)
		if report.PreferredDERP != 0 || len(report.RegionLatency) != 0 {
			t.Errorf("%s: without a relay: preferred region %d, latency %v",
				r.host, report.PreferredDERP, report.RegionLatency)
		}
	}
}

func TestSTUNIsOffWhenToldSo(t *testing.T) {
	r := startRelay(t, relayConfig{args: []string{"-stun=false"}})
	c := &netcheck.Client{NetMon: netmon.NewStatic(), Logf: t.Logf, SkipExternalNetwork: true}
	if err := c.Standalone(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	report, err := c.GetReport(t.Context(), r.derpMap(t), &netcheck.GetReportOpts{OnlySTUN: true})
	if err != nil {
		t.Fatal(err)
	}
	if report.UDP {
		t.Error("somebody answered")
	}
}

// derpprobe runs upstream's prober once over a map and returns the lines of its
// verdict without times, and its exit status.
func derpprobe(t *testing.T, dm *tailcfg.DERPMap) (good, bad []string, code int, text string) {
	t.Helper()
	_, text, code = run(t, nil, upstream(t, "derpprobe"), "-once", "-spread=false",
		"-derp-map=file://"+writeMap(t, dm),
		"-bw-interval=15s", "-bw-probe-size-bytes=4000000")
	line := regexp.MustCompile(`(?m)(good|bad): (\S+): (.*)$`)
	for _, m := range line.FindAllStringSubmatch(text, -1) {
		if m[1] == "good" {
			good = append(good, m[2])
		} else {
			bad = append(bad, m[2])
		}
	}
	return good, bad, code, text
}

func writeMap(t *testing.T, dm *tailcfg.DERPMap) string {
	t.Helper()
	text, err := json.Marshal(dm)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "map.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// probedMap is the map of some relays, each a region of its own: the prober
// wants the nodes of one region to be a mesh, which ours never are.
func probedMap(t *testing.T, relays ...*relay) *tailcfg.DERPMap {
	t.Helper()
	dm := &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{}}
	for i, r := range relays {
		region := r.region(t)
		region.RegionID += i
		region.RegionCode += strings.Repeat("+", i)
		region.Nodes[0].RegionID = region.RegionID
		region.Nodes[0].Name = itoa(region.RegionID) + "a"
		// the prober takes "none" for an address
		region.Nodes[0].IPv6 = ""
		dm.Regions[region.RegionID] = region
	}
	return dm
}

func TestDerpprobeFindsNothingWrong(t *testing.T) {
	dm := probedMap(t, startRelay(t, relayConfig{host: "localhost"}),
		startRelay(t, relayConfig{host: "localhost"}))
	good, bad, code, text := derpprobe(t, dm)
	if len(bad) != 0 || code != 0 {
		t.Errorf("exit status %d, bad: %v\n%s", code, bad, text)
	}
	var want []string
	for _, region := range dm.Regions {
		name := region.Nodes[0].Name
		node := "derp/" + region.RegionCode + "/" + name + "/"
		want = append(want, node+name+"/bw", node+name+"/mesh", node+"tls", node+"udp")
	}
	want = append(want, "derpmap-probe")
	slices.Sort(want)
	slices.Sort(good)
	if !slices.Equal(good, want) {
		t.Errorf("good: %v, want %v\n%s", good, want, text)
	}
}

// The prober's queuing delay never comes to an end by itself; its numbers tell.
func TestDerpprobeMeasuresQueuingDelay(t *testing.T) {
	const wanted = 200
	dm := probedMap(t, startRelay(t, relayConfig{host: "localhost"}))
	// it does not begin each time: whether its run gets the semaphore, which
	// it asks for with a time limit of less than nothing, is left to chance
	for try := 0; ; try++ {
		counted, lost := queuingDelay(t, dm, wanted)
		if counted >= wanted {
			if lost != 0 {
				t.Errorf("%v packets were lost", lost)
			}
			return
		}
		if counted > 0 || try == 40 {
			t.Fatalf("%v packets and no more, %v lost", counted, lost)
		}
	}
}

// queuingDelay starts upstream's prober and watches it until it has sent so
// many packets or goes on no more.
func queuingDelay(t *testing.T, dm *tailcfg.DERPMap, wanted float64) (counted, lost float64) {
	t.Helper()
	address := "127.0.0.1:" + itoa(freePort(t))
	prober := start(t, nil, upstream(t, "derpprobe"), "-spread=false",
		"-listen="+address, "-derp-map=file://"+writeMap(t, dm),
		"-qd-packets-per-second=100")
	defer prober.stop()
	var page []byte
	get := func() error {
		if !prober.running() {
			t.Fatal("the prober has ended")
		}
		response, err := http.Get("http://" + address + "/debug/varz")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		page, err = io.ReadAll(response.Body)
		return err
	}
	eventually(t, "the prober has begun", func() error {
		if err := get(); err != nil {
			return err
		}
		if metric(t, page, "derp_qd_probe_delays_seconds_count") < 0 {
			return errors.New("no number")
		}
		return nil
	})
	for quiet := 0; counted < wanted; quiet++ {
		if counted == 0 && quiet == 5 || quiet == 100 {
			break
		}
		time.Sleep(200 * time.Millisecond)
		if err := get(); err != nil {
			t.Fatal(err)
		}
		n := metric(t, page, "derp_qd_probe_delays_seconds_count")
		if n > counted {
			quiet = 0
		}
		counted = n
		lost = metric(t, page, "derp_qd_probe_dropped_packets")
	}
	return counted, lost
}

// metric returns a number of the prober's page; -1 when it is not there yet.
func metric(t *testing.T, page []byte, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^derpprobe_` + name + `\{.*\} (\S+)$`).FindSubmatch(page)
	if m == nil {
		return -1
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatalf("%v in %s", err, m[0])
	}
	return n
}

// The prober does notice what it dislikes: a pinned certificate is signed by
// nobody it trusts, and to an address no server name is sent.
func TestDerpprobeOfPinnedRelay(t *testing.T) {
	good, bad, code, text := derpprobe(t, probedMap(t, startRelay(t, relayConfig{})))
	want := "derp/e2e/901a/901a/mesh derp/e2e/901a/tls"
	if len(good) != 3 || strings.Join(bad, " ") != want || code != 1 {
		t.Errorf("exit status %d, good: %v, bad: %v\n%s", code, good, bad, text)
	}
}

// The captive-portal check of nodes asks for this page on port 80.
func TestChallengeOnTheHTTPPort(t *testing.T) {
	port := freePort(t)
	r := startRelay(t, relayConfig{args: []string{"-http-port=" + itoa(port)}})
	r.login(t, fastStart).ping() // it serves: all of its ports are open
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	base := "http://127.0.0.1:" + itoa(port)
	request, _ := http.NewRequest("GET", base+"/generate_204?t=1", nil)
	request.Header.Set("X-Tailscale-Challenge", "ts_127.0.0.1")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("X-Tailscale-Response"); response.StatusCode != 204 ||
		got != "response ts_127.0.0.1" {
		t.Errorf("%s, answer %q", response.Status, got)
	}
	for path, want := range map[string]string{
		"/":       "https://127.0.0.1:" + itoa(port) + "/",
		"/derp":   "https://127.0.0.1:" + itoa(port) + "/derp",
		"/a?b=c":  "https://127.0.0.1:" + itoa(port) + "/a?b=c",
		"/a%20b/": "https://127.0.0.1:" + itoa(port) + "/a%20b/",
	} {
		response, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		got := response.Header.Get("Location")
		// who may see the debug pages is sent there
		if path == "/" {
			got = strings.TrimSuffix(got, "debug/")
		}
		if response.StatusCode != 302 || got != want {
			t.Errorf("%s: %s to %q, want %q", path, response.Status, got, want)
		}
	}
}
