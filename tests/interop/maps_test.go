// The maps: what headscale's loader and Go's decoder make of a document against
// what `derpmap convert` makes of it. Every case of tests/convert, and generated
// documents: nothing accepted that they refuse, nothing read differently, no
// crash, and nothing refused that they accept. DERPKIT_MAPSEED repeats the run
// whose seed is not always the same.

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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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
	noJSON  bool   // accepted, but it cannot be written as JSON
	unsent  bool   // accepted, but headscale cannot send what it makes of it
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
	l.noJSON = err != nil
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
		l.noJSON = strings.Contains(stderr, "JSON has no such number")
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

// scoresAreFinite tells whether JSON could hold the scores of a map.
func scoresAreFinite(m *tailcfg.DERPMap) bool {
	_, err := json.Marshal(m.HomeParams)
	return err == nil
}

// compareMap holds derpmap against the decoders and against headscale's loader
// for one document in a file, which config names.
func compareMap(t testing.TB, file string, doc []byte, form string, config types.DERPConfig) (accepted bool) {
	want := upstreamMap(doc, form)
	toJSON := ourMap(t, file, form, "json")
	toYAML := ourMap(t, file, form, "headscale")
	say := func(what string) {
		t.Errorf("%s\ndocument: %q\nupstream: %+v\nderpmap:  %+v", what, doc,
			want, toJSON)
	}
	merged, refused := headscaleMap(config)
	if (refused != "") != (want.refused != "") {
		say("headscale's loader and its decoder do not agree: " + refused)
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
	if theirs, ours := byName(merged), byName(&toYAML.m); !reflect.DeepEqual(theirs, ours) {
		say(fmt.Sprintf("headscale has %v, derpmap %v", theirs, ours))
	}
	// headscale sends what its loader made, which is not all of the document
	_, err := json.Marshal(merged)
	want.unsent = err != nil
	if want.noJSON {
		if !toJSON.noJSON {
			say("derpmap writes JSON where Go cannot")
		}
		// of two reasons it says the first; scores come first
		if toJSON.unsent != want.unsent && scoresAreFinite(&want.m) ||
			toJSON.unsent && !want.unsent {
			say("derpmap is wrong about what headscale can send: " + toJSON.refused)
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

// headscaleMap is what headscale's own loader makes of a source.
func headscaleMap(config types.DERPConfig) (m *tailcfg.DERPMap, refused string) {
	defer func() {
		if p := recover(); p != nil {
			refused = fmt.Sprint("panic: ", p)
		}
	}()
	m, err := derp.GetDERPMap(config)
	if err != nil {
		return nil, err.Error()
	}
	return m, ""
}

// sources says how headscale is told of files in a folder: JSON it only takes
// from a URL.
type sources struct {
	dir    string
	server *httptest.Server
}

func newSources(t testing.TB, dir string) sources {
	s := sources{dir, httptest.NewServer(http.FileServer(http.Dir(dir)))}
	t.Cleanup(s.server.Close)
	return s
}

// config names a file of the folder in headscale's configuration.
func (s sources) config(t testing.TB, name, form string) types.DERPConfig {
	if form != "json" {
		return types.DERPConfig{Paths: []string{filepath.Join(s.dir, name)}}
	}
	u, err := url.Parse(s.server.URL + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return types.DERPConfig{URLs: []url.URL{*u}}
}

func TestMapsCases(t *testing.T) {
	cases, err := filepath.Glob("../convert/*/in.*")
	if err != nil || len(cases) < 100 {
		t.Fatalf("%d cases in tests/convert (%v)", len(cases), err)
	}
	from := newSources(t, "../convert")
	for _, file := range cases {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			form := "headscale"
			if filepath.Ext(file) == ".json" {
				form = "json"
			}
			config := from.config(t, name+"/"+filepath.Base(file), form)
			compareMap(t, file, doc, form, config)
		})
	}
}

// secondSeed is another one each time, unless the environment repeats one.
func secondSeed(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("DERPKIT_MAPSEED")
	if text == "" {
		return time.Now().UnixNano()
	}
	seed, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("DERPKIT_MAPSEED: %v", err)
	}
	return seed
}

func TestMapsGenerated(t *testing.T) {
	t.Run("same seed", func(t *testing.T) { compareGenerated(t, *mapSeed) })
	t.Run("new seed", func(t *testing.T) {
		seed := secondSeed(t)
		t.Logf("again with DERPKIT_MAPSEED=%d", seed)
		compareGenerated(t, seed)
	})
}

// generateMap makes a document and says which form it has.
func generateMap(seed int64) (doc, form string) {
	r := rand.New(rand.NewSource(seed))
	if r.Intn(4) == 0 {
		return generateJSON(r), "json"
	}
	return generateYAML(r), "headscale"
}

func compareGenerated(t *testing.T, seed int64) {
	type outcome struct {
		form     string
		accepted bool
	}
	from := newSources(t, t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	next, count := 0, map[outcome]int{}
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= *mapCount && !t.Failed()
	}
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				doc, form := generateMap(seed + int64(i))
				name := fmt.Sprintf("%d.map", i)
				file := filepath.Join(from.dir, name)
				if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
					t.Error(err)
					return
				}
				accepted := compareMap(t, file, []byte(doc), form, from.config(t, name, form))
				mu.Lock()
				count[outcome{form, accepted}]++
				mu.Unlock()
				os.Remove(file)
			}
		})
	}
	wg.Wait()
	t.Logf("seed %d: %v", seed, count)
	if t.Failed() {
		return
	}
	// a generator whose documents are all refused, or none, proves nothing
	for _, form := range []string{"headscale", "json"} {
		for _, accepted := range []bool{false, true} {
			if n := count[outcome{form, accepted}]; n < *mapCount/20 {
				t.Errorf("only %d documents of %d: form %s, accepted %v",
					n, *mapCount, form, accepted)
			}
		}
	}
}
