// The maps: what headscale's loader and Go's decoder make of a document against
// what `derpmap convert` makes of it. Every case of tests/convert, and generated
// documents: nothing accepted that they refuse, nothing read differently, no
// crash, and nothing refused that they accept.

package interop

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/juanfont/headscale/hscontrol/derp"
	"github.com/juanfont/headscale/hscontrol/types"
	"gopkg.in/yaml.v3"
	"tailscale.com/tailcfg"
)

var (
	mapCount = flag.Int("maps", 5000, "generated map documents")
	mapSeed  = flag.Int64("mapseed", 1, "seed of the first generated document")
)

// mapPlace is the place that follows the file's name in a refusal.
var mapPlace = regexp.MustCompile(`^:[1-9][0-9]*:[1-9][0-9]*: .`)

// loaded is what a program made of a document.
type loaded struct {
	refused string // the reason; "" when it was accepted
	unsent  bool   // accepted, but it cannot be written as JSON
	m       tailcfg.DERPMap
}

// upstreamMap decodes as headscale decodes a file of derp.paths, or as clients
// decode JSON. A panic is a refusal: headscale would be gone.
func upstreamMap(doc []byte, form string) (l loaded) {
	defer func() {
		if p := recover(); p != nil {
			l = loaded{refused: fmt.Sprint("panic: ", p)}
		}
	}()
	var err error
	if form == "json" {
		err = json.Unmarshal(doc, &l.m)
	} else {
		err = yaml.Unmarshal(doc, &l.m)
	}
	if err != nil {
		return loaded{refused: err.Error()}
	}
	_, err = json.Marshal(&l.m)
	l.unsent = err != nil
	return l
}

// ourMap is what derpmap writes when it is told to write the form `to`.
func ourMap(t testing.TB, file, form, to string) (l loaded) {
	stdout, stderr, code := run(t, nil, ours(t, "derpmap"),
		"convert", "--from", form, "--to", to, file)
	switch code {
	case 0:
		l = upstreamMap([]byte(stdout), to)
		if l.refused != "" {
			t.Errorf("derpmap wrote %s that upstream refuses: %s\n%s",
				to, l.refused, stdout)
		}
	case 2:
		l.refused = strings.TrimSpace(stderr)
		l.unsent = strings.Contains(stderr, "cannot send this map")
		rest, ok := strings.CutPrefix(stderr, file)
		if !ok || !mapPlace.MatchString(rest) {
			t.Errorf("a refusal without file and place: %s", stderr)
		}
	default:
		t.Errorf("derpmap ended with %d: %s", code, stderr)
	}
	return l
}

// wire is the map as clients get it, to compare by; bytes that are no text
// leave as U+FFFD.
func wire(m *tailcfg.DERPMap) string {
	b, err := json.Marshal(m)
	if err != nil {
		return "not JSON: " + err.Error()
	}
	var again tailcfg.DERPMap
	if err := json.Unmarshal(b, &again); err != nil {
		return "not JSON again: " + err.Error()
	}
	b, _ = json.Marshal(&again)
	return string(b)
}

// sameFloats tells whether two maps that JSON cannot hold are the same.
func sameFloats(a, b *tailcfg.DERPMap) bool {
	x, errX := yaml.Marshal(a)
	y, errY := yaml.Marshal(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// compareMap holds derpmap against the decoders for one document in a file.
func compareMap(t testing.TB, file string, doc []byte, form string) (accepted bool) {
	want := upstreamMap(doc, form)
	toJSON := ourMap(t, file, form, "json")
	toYAML := ourMap(t, file, form, "headscale")
	say := func(what string) {
		t.Errorf("%s\ndocument: %q\nupstream: %+v\nderpmap:  %+v", what, doc,
			want, toJSON)
	}
	if want.refused != "" {
		if toJSON.refused == "" || toYAML.refused == "" {
			say("derpmap accepts what upstream refuses")
		}
		return false
	}
	if toYAML.refused != "" {
		say("derpmap refuses what upstream accepts: " + toYAML.refused)
		return true
	}
	if want.unsent {
		if !toJSON.unsent {
			say("derpmap writes JSON for a map that headscale cannot send")
		}
		if !sameFloats(&want.m, &toYAML.m) {
			say("derpmap reads it differently (as YAML)")
		}
		return true
	}
	if toJSON.refused != "" {
		say("derpmap refuses what upstream accepts: " + toJSON.refused)
	} else if wire(&want.m) != wire(&toJSON.m) {
		say("derpmap reads it differently")
	}
	if wire(&want.m) != wire(&toYAML.m) {
		say("derpmap's YAML says something else: " + wire(&toYAML.m))
	}
	return true
}

// byName makes a region's nodes comparable after headscale's shuffle.
func byName(m *tailcfg.DERPMap) map[int][]string {
	regions := map[int][]string{}
	for id, region := range m.Regions {
		if region == nil {
			continue // 0.29 removes it
		}
		head := *region
		head.Nodes = nil
		b, _ := json.Marshal(head)
		nodes := []string{}
		for _, node := range region.Nodes {
			n, _ := json.Marshal(node)
			nodes = append(nodes, string(n))
		}
		sort.Strings(nodes)
		regions[id] = append([]string{string(b)}, nodes...)
	}
	return regions
}

// headscaleRegions runs headscale's own loader on a source.
func headscaleRegions(config types.DERPConfig) (regions map[int][]string, refused string) {
	defer func() {
		if p := recover(); p != nil {
			refused = fmt.Sprint("panic: ", p)
		}
	}()
	m, err := derp.GetDERPMap(config)
	if err != nil {
		return nil, err.Error()
	}
	return byName(m), ""
}

// compareLoader holds derpmap against headscale's loader: the regions it would
// hand out.
func compareLoader(t testing.TB, file, form string, config types.DERPConfig) {
	regions, refused := headscaleRegions(config)
	got := ourMap(t, file, form, "headscale")
	if (refused != "") != (got.refused != "") {
		t.Errorf("%s: headscale: %q, derpmap: %q", file, refused, got.refused)
	} else if refused == "" && !reflect.DeepEqual(regions, byName(&got.m)) {
		t.Errorf("%s: headscale has %v, derpmap %v", file, regions, byName(&got.m))
	}
}

func TestMapsCases(t *testing.T) {
	cases, err := filepath.Glob("../convert/*/in.*")
	if err != nil || len(cases) < 100 {
		t.Fatalf("%d cases in tests/convert (%v)", len(cases), err)
	}
	served := http.FileServer(http.Dir("../convert"))
	server := httptest.NewServer(served)
	defer server.Close()
	for _, file := range cases {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			form, config := "headscale", types.DERPConfig{Paths: []string{file}}
			if filepath.Ext(file) == ".json" {
				form = "json"
				u, err := url.Parse(server.URL + "/" + name + "/in.json")
				if err != nil {
					t.Fatal(err)
				}
				config = types.DERPConfig{URLs: []url.URL{*u}}
			}
			compareMap(t, file, doc, form)
			compareLoader(t, file, form, config)
		})
	}
}

func TestMapsGenerated(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted, next := 0, 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= *mapCount && !t.Failed()
	}
	for range runtime.NumCPU() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i, ok := take(); ok; i, ok = take() {
				r := rand.New(rand.NewSource(*mapSeed + int64(i)))
				form, make := "headscale", generateYAML
				if r.Intn(4) == 0 {
					form, make = "json", generateJSON
				}
				doc := make(r)
				file := filepath.Join(dir, fmt.Sprintf("%d.map", i))
				if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
					t.Error(err)
					return
				}
				if compareMap(t, file, []byte(doc), form) {
					mu.Lock()
					accepted++
					mu.Unlock()
				}
				if form == "headscale" && i%4 == 0 {
					compareLoader(t, file, form, types.DERPConfig{Paths: []string{file}})
				}
				os.Remove(file)
			}
		}()
	}
	wg.Wait()
	// a generator whose documents are all refused would prove nothing
	if !t.Failed() && accepted < *mapCount/10 {
		t.Errorf("only %d of %d documents were acceptable", accepted, *mapCount)
	}
	t.Logf("%d documents, %d accepted", *mapCount, accepted)
}
