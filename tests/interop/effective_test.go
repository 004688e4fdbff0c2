// The effective map: what the real headscale makes of a config.yaml, its
// environment and its sources, against what `derpmap effective` says of it:
// whether it starts, each region with its nodes, and the refresh.
//
// headscale's own code runs in a process of its own, because it keeps its
// configuration in globals and ends the process on errors. What is not its own
// code there: the steps of hscontrol.NewHeadscale and Serve that touch the map
// (a key without a path, the embedded region, the check for an empty map).

package interop

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/juanfont/headscale/hscontrol/derp"
	derpserver "github.com/juanfont/headscale/hscontrol/derp/server"
	"github.com/juanfont/headscale/hscontrol/types"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

var effectiveCount = flag.Int("effective", 60, "generated configurations")

// headscaleEnv tells the process that it is to be headscale.
const headscaleEnv = "DERPKIT_TEST_HEADSCALE_CONFIG"

// startup is what a configuration leads to.
type startup struct {
	Dies       string // why it does not start; "" when it does
	Unsendable bool   // it starts and cannot encode the map
	Map        *tailcfg.DERPMap
	AutoUpdate bool
	Frequency  float64 // seconds
}

// TestHeadscaleProcess is not a test: it is headscale, in a process that
// realHeadscale starts.
func TestHeadscaleProcess(t *testing.T) {
	file := os.Getenv(headscaleEnv)
	if file == "" {
		t.Skip("only for realHeadscale")
	}
	v := startLikeHeadscale(file)
	_, err := json.Marshal(v.Map)
	if err != nil {
		v.Unsendable, v.Map = true, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".startup", b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// startLikeHeadscale does what `headscale serve` does until it has its map. Errors
// that end the process are read from its output.
func startLikeHeadscale(file string) (v startup) {
	defer func() {
		if p := recover(); p != nil {
			v = startup{Dies: fmt.Sprint("panic: ", p)}
		}
	}()
	if err := types.LoadConfig(file, true); err != nil {
		return startup{Dies: err.Error()}
	}
	cfg, err := types.LoadServerConfig()
	if err != nil {
		return startup{Dies: err.Error()}
	}
	v.AutoUpdate = cfg.DERP.AutoUpdate
	v.Frequency = cfg.DERP.UpdateFrequency.Seconds()
	if err := v.makeMap(cfg); err != nil {
		v.Dies = err.Error()
	}
	return v
}

// makeMap is what hscontrol/app.go does with the derp section.
func (v *startup) makeMap(cfg *types.Config) error {
	var server *derpserver.DERPServer
	if cfg.DERP.ServerEnabled {
		if cfg.DERP.ServerPrivateKeyPath == "" {
			return errors.New("reading or creating DERP server private key")
		}
		var err error
		server, err = derpserver.NewDERPServer(cfg.ServerURL, key.NewNode(), &cfg.DERP)
		if err != nil {
			return err
		}
		if _, err := net.ResolveUDPAddr("udp", cfg.DERP.STUNAddr); err != nil {
			return fmt.Errorf("failed to open STUN listener: %w", err)
		}
	}
	m, err := derp.GetDERPMap(cfg.DERP)
	if err != nil {
		return fmt.Errorf("getting DERPMap: %w", err)
	}
	if cfg.DERP.ServerEnabled && cfg.DERP.AutomaticallyAddEmbeddedDerpRegion {
		region, _ := server.GenerateRegion()
		m.Regions[region.RegionID] = &region
	}
	if len(m.Regions) == 0 {
		return errors.New("initial DERPMap is empty")
	}
	if cfg.DERP.AutoUpdate && cfg.DERP.UpdateFrequency != 0 {
		time.NewTicker(cfg.DERP.UpdateFrequency).Stop()
	}
	v.Map = m
	return nil
}

// realHeadscale runs it.
func realHeadscale(t testing.TB, dir, file string, env []string) (v startup) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestHeadscaleProcess$")
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), headscaleEnv+"="+file), env...)
	out, err := cmd.CombinedOutput()
	b, readErr := os.ReadFile(file + ".startup")
	if readErr != nil {
		if err == nil {
			t.Fatalf("headscale's process said nothing: %s", out)
		}
		return startup{Dies: strings.TrimSpace(string(out))}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// ourStartup is what derpmap says.
func ourStartup(t testing.TB, dir, file string, env []string) startup {
	t.Helper()
	cmd := exec.Command(ours(t, "derpmap"), "effective", "--headscale-config",
		file, "--headscale-version", "0.29", "--format", "json", "--fetch")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	stdout, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("derpmap effective: %v", err)
	}
	var said struct {
		Starts     string
		Error      *struct{ Text string }
		Unsendable *string
		Map        json.RawMessage
		AutoUpdate bool    `json:"auto_update_enabled"`
		Frequency  float64 `json:"update_frequency_seconds"`
	}
	if err := json.Unmarshal(stdout, &said); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	v := startup{Unsendable: said.Unsendable != nil,
		AutoUpdate: said.AutoUpdate, Frequency: said.Frequency}
	if (err != nil) != (said.Error != nil || v.Unsendable) {
		t.Errorf("exit status %v does not fit %s", err, stdout)
	}
	if said.Starts != "yes" {
		return startup{Dies: said.Starts + ": " + said.Error.Text}
	}
	if string(said.Map) != "null" {
		v.Map = &tailcfg.DERPMap{}
		if err := json.Unmarshal(said.Map, v.Map); err != nil {
			t.Fatalf("%v: %s", err, said.Map)
		}
	}
	return v
}

// setup is a configuration with what it refers to.
type setup struct {
	name   string
	config string            // @DIR@ and @URL@ are put in
	env    []string          // likewise
	files  map[string]string // relative to @DIR@; @URL@ serves them
	dies   string            // part of the reason, of either; "" when it starts
}

func compareSetup(t *testing.T, s setup) (theirs startup) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(statusServer(dir))
	defer server.Close()
	put := strings.NewReplacer("@DIR@", dir, "@URL@", server.URL)
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(put.Replace(s.config)), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{}
	for _, e := range s.env {
		env = append(env, put.Replace(e))
	}
	theirs = realHeadscale(t, dir, file, env)
	mine := ourStartup(t, dir, file, env)
	if problem := startupsDiffer(theirs, mine); problem != "" {
		t.Errorf("%s\nconfiguration:\n%s\nenvironment: %q\nheadscale: %+v\nderpmap:   %+v",
			problem, put.Replace(s.config), env, theirs, mine)
	}
	return theirs
}

func startupsDiffer(theirs, mine startup) string {
	if (theirs.Dies != "") != (mine.Dies != "") {
		return "one starts, the other does not"
	}
	if theirs.Dies != "" {
		return ""
	}
	if theirs.Unsendable != mine.Unsendable {
		return "one can send the map, the other cannot"
	}
	if theirs.AutoUpdate != mine.AutoUpdate || theirs.Frequency != mine.Frequency {
		return "the refresh differs"
	}
	if theirs.Unsendable {
		return ""
	}
	// byName leaves null regions out, which 0.29 never has in a map
	if len(theirs.Map.Regions) != len(mine.Map.Regions) {
		return "the number of regions differs"
	}
	a, b := byName(theirs.Map), byName(mine.Map)
	if !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("the maps differ: headscale %v, derpmap %v", a, b)
	}
	return ""
}

// statusServer serves the files of a folder, those named 404-* as an error.
func statusServer(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Base(r.URL.Path)
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.HasPrefix(name, "404-") {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Write(b)
	})
}

func TestEffectiveCases(t *testing.T) {
	if len(effectiveSetups) < 60 {
		t.Errorf("only %d configurations", len(effectiveSetups))
	}
	for _, s := range effectiveSetups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			theirs := compareSetup(t, s)
			if (s.dies != "") != (theirs.Dies != "") ||
				!strings.Contains(theirs.Dies, s.dies) {
				t.Errorf("headscale was expected to die of %q: %q", s.dies, theirs.Dies)
			}
		})
	}
}

func TestEffectiveGenerated(t *testing.T) {
	for _, seed := range []int64{1, secondSeed(t)} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			compareGeneratedSetups(t, seed)
		})
	}
}

func compareGeneratedSetups(t *testing.T, seed int64) {
	var mu sync.Mutex
	starts, dies := 0, 0
	t.Run("configuration", func(t *testing.T) {
		for i := range *effectiveCount / 2 {
			r := rand.New(rand.NewSource(seed + int64(i)))
			s := generateSetup(r)
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				v := compareSetup(t, s)
				mu.Lock()
				defer mu.Unlock()
				if v.Dies == "" {
					starts++
				} else {
					dies++
				}
			})
		}
	})
	t.Logf("seed %d: %d start, %d do not", seed, starts, dies)
	// a generator that gives one answer only proves nothing
	if least := max(1, *effectiveCount/60); starts < least || dies < least {
		t.Errorf("%d start, %d do not", starts, dies)
	}
}
