// What monitoring systems read, beside upstream's.

package interop

import (
	"io"
	"net/http"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// varz returns the types of the metrics, and the names of the samples with
// their labels.
func varz(t *testing.T, r *relay) (types map[string]string, samples map[string]bool) {
	t.Helper()
	response, err := http.Get("http://" + r.addr() + "/debug/varz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%s %v", response.Status, err)
	}
	types, samples = map[string]string{}, map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if strings.HasPrefix(line, "# TYPE ") {
			types[words[2]] = words[3]
		} else if line != "" && !strings.HasPrefix(line, "#") {
			samples[line[:strings.LastIndex(line, " ")]] = true
		}
	}
	return types, samples
}

// What has no counterpart: Go's own, and what docs/differences.md says is not measured.
var notOurs = regexp.MustCompile(`^(go_|go_version|goroutines|memstats_|process_network_|` +
	`process_virtual_memory_max_bytes|version|derp_average_queue_duration_ms|derp_buffered_write_frames)`)

func TestMetricsHaveUpstreamsNames(t *testing.T) {
	upTypes, upSamples := varz(t, startRelay(t, relayConfig{kind: "go", plain: true}))
	types, samples := varz(t, startRelay(t, relayConfig{plain: true}))
	var missing []string
	for name := range upSamples {
		if !samples[name] && !notOurs.MatchString(name) {
			missing = append(missing, name)
		}
	}
	sort.Strings(missing)
	if len(missing) > 0 {
		t.Errorf("missing:\n%s", strings.Join(missing, "\n"))
	}
	if len(upSamples) < 100 {
		t.Errorf("only %d samples upstream", len(upSamples))
	}
	for name, kind := range upTypes {
		if !notOurs.MatchString(name) && types[name] != kind {
			t.Errorf("%s is a %s, upstream a %s", name, types[name], kind)
		}
	}
}
