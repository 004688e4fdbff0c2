// Admission: ours and upstream's relay side by side must come to the same
// verdict whatever the local tailscaled or the admission URL says.

package interop

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// admitted says whether a relay lets a key in.
func admitted(t *testing.T, r *relay, private key.NodePrivate) bool {
	t.Helper()
	via := fastStart
	if r.config.plain {
		via = plainHTTP
	}
	p, err := r.tryLogin(t, via, private)
	if err != nil && strings.Contains(err.Error(), "no answer") {
		t.Errorf("%s relay: %v", r.config.kind, err)
	}
	if p != nil {
		p.leave()
	}
	return err == nil
}

// bothRelays starts ours and upstream's over plain HTTP with the same flags;
// with -relay=go only upstream's.
func bothRelays(t *testing.T, args ...string) []*relay {
	t.Helper()
	return bothRelaysWith(t, relayConfig{plain: true, args: args})
}

func bothRelaysWith(t *testing.T, config relayConfig) []*relay {
	t.Helper()
	var relays []*relay
	for _, kind := range []string{"go", "ours"} {
		if kind == "go" || *relayKind == "ours" {
			config.kind = kind
			relays = append(relays, startRelay(t, config))
		}
	}
	return relays
}

// answers is a stub that does something else for each key.
type answers struct {
	mu   sync.Mutex
	rows map[key.NodePublic]http.HandlerFunc
}

// add returns a new key that is answered so.
func (a *answers) add(answer http.HandlerFunc) key.NodePrivate {
	private := key.NewNode()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rows == nil {
		a.rows = map[key.NodePublic]http.HandlerFunc{}
	}
	a.rows[private.Public()] = answer
	return private
}

func (a *answers) serve(w http.ResponseWriter, r *http.Request, k key.NodePublic) {
	a.mu.Lock()
	answer := a.rows[k]
	a.mu.Unlock()
	if answer == nil {
		http.Error(w, "a key that no row has", http.StatusTeapot)
		return
	}
	answer(w, r)
}

// body answers with a status and a body.
func body(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

// hang answers nothing until the client gives up.
func hang(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// rawAnswer answers with bytes that need not be HTTP, and ends.
func rawAnswer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, text)
		conn.Close()
	}
}

// verdict is a row of the tables below: what happens, and who gets in.
type verdict struct {
	name   string
	answer http.HandlerFunc
	closed bool // with fail-open off, or where there is no such thing
	open   bool // with fail-open
}

// stricter names the rows in which ours refuses whom upstream admits. DIFFERS:
// upstream believes an answer that breaks off behind its first value, and a
// WhoIs answer that names no node.
var stricter = map[string]bool{
	"body cut off behind it": true,
	"hang behind it":         true,
	"empty object":           true,
}

// urlVerdicts is what upstream's relay makes of what the admission URL does.
var urlVerdicts = []verdict{
	{"allow", body(200, `{"Allow":true}`), true, true},
	{"allow with newline", body(200, "{\"Allow\":true}\n"), true, true},
	{"deny", body(200, `{"Allow":false}`), false, false},
	{"nothing said", body(200, `{}`), false, false},
	{"null", body(200, `null`), false, false},
	{"allow is null", body(200, `{"Allow":null}`), false, false},
	{"small letters", body(200, `{"allow":true}`), true, true},
	{"capital letters", body(200, `{"ALLOW":true}`), true, true},
	{"the last counts, no", body(200, `{"Allow":true,"allow":false}`), false, false},
	{"the last counts, yes", body(200, `{"Allow":false,"Allow":true}`), true, true},
	{"other members", body(200, `{"Reason":["x"],"Allow":true,"a":{}}`), true, true},
	{"text instead of bool", body(200, `{"Allow":"true"}`), false, false},
	{"number instead of bool", body(200, `{"Allow":1}`), false, false},
	{"array", body(200, `[true]`), false, false},
	{"only true", body(200, `true`), false, false},
	{"garbage", body(200, `<html>welcome</html>`), false, false},
	{"garbage behind it", body(200, `{"Allow":true} and more`), true, true},
	{"another value behind it", body(200, `{"Allow":true}{"Allow":false}`), true, true},
	{"cut off", body(200, `{"Allow":true`), false, false},
	{"trailing comma", body(200, `{"Allow":true,}`), false, false},
	{"empty", body(200, ``), false, false},
	{"white space before it", body(200, strings.Repeat(" ", 4000)+`{"Allow":true}`), true, true},
	{"beyond 4096 bytes", body(200, strings.Repeat(" ", 4090)+`{"Allow":true}`), false, false},
	{"much behind it", body(200, `{"Allow":true}`+strings.Repeat(" ", 100_000)), true, true},
	{"201", body(201, `{"Allow":true}`), false, false},
	{"204", body(204, ``), false, false},
	{"400", body(400, `Bad Request: invalid JSON`), false, false},
	{"401", body(401, `{"Allow":true}`), false, false},
	{"404", body(404, `404 page not found`), false, false},
	{"500", body(500, `oops`), false, false},
	{"502", body(502, ``), false, false},
	{"503", body(503, `{"Allow":true}`), false, false},
	{"chunked", chunked, true, true},
	{"compressed", compressed, true, true},
	{"redirect, asked again", redirect(307, true), true, true},
	{"redirect, asked again, permanent", redirect(308, true), true, true},
	{"redirect to a page", redirect(302, false), true, true},
	{"redirect in a circle", circle, false, true},
	{"redirect without a place", body(302, ``), false, false},
	{"hang", hang, false, true},
	{"hang in the body", hangInBody, false, false},
	{"closed at once", rawAnswer(""), false, true},
	{"no HTTP", rawAnswer("SSH-2.0-OpenSSH_9.2\r\n"), false, true},
	{"head cut off", rawAnswer("HTTP/1.1 200 OK\r\nContent-"), false, true},
	{"body cut off", rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":"), false, false},
	{"body cut off behind it", rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Allow\":true}"), true, true},
	{"hang behind it", hangBehindIt, true, true},
	{"until the end", rawAnswer("HTTP/1.0 200 OK\r\n\r\n{\"Allow\":true}"), true, true},
}

func chunked(w http.ResponseWriter, r *http.Request) {
	for _, part := range []string{`{"Al`, `low":`, `true`, `}`} {
		io.WriteString(w, part)
		w.(http.Flusher).Flush()
	}
}

func compressed(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		io.WriteString(w, `{"Allow":true}`)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	io.WriteString(z, `{"Allow":true}`)
	z.Close()
}

func hangBehindIt(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, `{"Allow":true}`)
	w.(http.Flusher).Flush()
	hang(w, r)
}

func hangInBody(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, `{"Allow":`)
	w.(http.Flusher).Flush()
	hang(w, r)
}

// redirect sends the client elsewhere, where the question must arrive again
// or a GET does.
func redirect(status int, again bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, map[bool]string{true: "/again", false: "/page"}[again], status)
	}
}

func circle(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/verify", 307)
}

// admissionURL serves a stub in the shape of headscale's /verify.
func admissionURL(t *testing.T, a *answers) *httptest.Server {
	t.Helper()
	ask := func(w http.ResponseWriter, r *http.Request) {
		var question tailcfg.DERPAdmitClientRequest
		text, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(text, &question); err != nil {
			t.Errorf("%s %s: %v in %q", r.Method, r.URL, err, text)
		}
		if r.Method != "POST" || question.Source.String() != "127.0.0.1" {
			t.Errorf("%s %s, source %v", r.Method, r.URL, question.Source)
		}
		if r.URL.Path == "/again" {
			io.WriteString(w, `{"Allow":true}`)
			return
		}
		a.serve(w, r, question.NodePublic)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/verify", ask)
	mux.HandleFunc("/again", ask)
	mux.HandleFunc("GET /page", body(200, `{"Allow":true}`))
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func TestAdmissionURL(t *testing.T) {
	var stub answers
	s := admissionURL(t, &stub)
	for _, row := range []struct {
		plain, failOpen bool
	}{{true, false}, {true, true}, {false, false}, {false, true}} {
		t.Run(fmt.Sprintf("plain %v fail-open %v", row.plain, row.failOpen), func(t *testing.T) {
			t.Parallel()
			// over TLS with a fast start, where the client does not wait
			relays := bothRelaysWith(t, relayConfig{plain: row.plain, args: []string{
				"-verify-client-url=" + s.URL + "/verify",
				fmt.Sprintf("-verify-client-url-fail-open=%v", row.failOpen),
			}})
			rows := urlVerdicts
			if !row.plain { // these take their time, and once is enough
				rows = slices.DeleteFunc(slices.Clone(rows), func(v verdict) bool {
					return strings.HasPrefix(v.name, "hang ")
				})
			}
			wantVerdicts(t, relays, &stub, row.failOpen, rows)
		})
	}
}

// wantVerdicts checks rows all at once.
func wantVerdicts(t *testing.T, relays []*relay, stub *answers, failOpen bool, rows []verdict) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if failOpen {
				row.closed = row.open
			}
			wantVerdict(t, relays, stub, row)
		})
	}
}

// wantVerdict checks that all relays come to the verdict of a row.
func wantVerdict(t *testing.T, relays []*relay, stub *answers, row verdict) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range relays {
		all.Go(func() {
			want := row.closed && (r.isGo || !stricter[row.name])
			if got := admitted(t, r, stub.add(row.answer)); got != want {
				t.Errorf("the %s relay admits: %v, want %v", r.config.kind, got, want)
			}
		})
	}
	all.Wait()
}

func TestAdmissionURLDown(t *testing.T) {
	for _, plain := range []bool{true, false} {
		t.Run(fmt.Sprintf("plain %v", plain), func(t *testing.T) {
			admissionURLDown(t, plain)
		})
	}
}

// Another scheme is left out: ours does not start with it.
func admissionURLDown(t *testing.T, plain bool) {
	for _, failOpen := range []bool{false, true} {
		for _, url := range []string{
			"http://127.0.0.1:" + itoa(freePort(t)) + "/verify", // refused
			"https://127.0.0.1:" + itoa(freePort(t)) + "/verify",
			"http://nobody.invalid/verify", // no such name
		} {
			t.Run(fmt.Sprintf("%s fail-open %v", url, failOpen), func(t *testing.T) {
				t.Parallel()
				for _, r := range bothRelaysWith(t, relayConfig{plain: plain, args: []string{
					"-verify-client-url=" + url,
					fmt.Sprintf("-verify-client-url-fail-open=%v", failOpen),
				}}) {
					private := key.NewNode()
					if got := admitted(t, r, private); got != failOpen {
						t.Errorf("the %s relay admits: %v", r.config.kind, got)
					}
					name := private.Public().String()
					if failOpen {
						r.wantLog(t, "admission controller unreachable; allowing client "+name)
					} else {
						r.wantLog(t, name+" rejected: ")
					}
					r.wantServing(t)
				}
			})
		}
	}
}

// What was refused for want of an answer gets in once there is one.
func TestAdmissionURLComesBack(t *testing.T) {
	port := freePort(t)
	relays := bothRelays(t, fmt.Sprintf("-verify-client-url=http://127.0.0.1:%d/verify", port),
		"-verify-client-url-fail-open=false")
	private := key.NewNode()
	for _, r := range relays {
		if admitted(t, r, private) {
			t.Errorf("the %s relay admits without an answer", r.config.kind)
		}
	}
	l, err := net.Listen("tcp4", "127.0.0.1:"+itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: body(200, `{"Allow":true}`)}
	go server.Serve(l)
	defer server.Close()
	for _, r := range relays {
		eventually(t, "the "+r.config.kind+" relay admits again", func() error {
			_, err := r.tryLogin(t, plainHTTP, private)
			return err
		})
	}
}

// wantLog waits for a text in the relay's log.
func (r *relay) wantLog(t *testing.T, text string) {
	t.Helper()
	r.wantLogAfter(t, 0, text)
}

// wantLogAfter is wantLog behind the first bytes of the log.
func (r *relay) wantLogAfter(t *testing.T, start int, text string) {
	t.Helper()
	eventually(t, r.config.kind+" relay logs "+text, func() error {
		if !strings.Contains(r.log.String()[start:], text) {
			return fmt.Errorf("log:\n%s", r.log)
		}
		return nil
	})
}

// A URL over TLS is trusted by the system's roots, which SSL_CERT_FILE names.
func TestAdmissionURLOverTLS(t *testing.T) {
	var stub answers
	dir := t.TempDir()
	testCA.writePair(t, dir, "localhost")
	mux := http.NewServeMux()
	mux.HandleFunc("/verify", func(w http.ResponseWriter, r *http.Request) {
		var question tailcfg.DERPAdmitClientRequest
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		stub.serve(w, r, question.NodePublic)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.ServeTLS(l, filepath.Join(dir, "localhost.crt"), filepath.Join(dir, "localhost.key"))
	defer server.Close()
	port := itoa(l.Addr().(*net.TCPAddr).Port)
	for url, want := range map[string]bool{
		"https://localhost:" + port + "/verify": true,
		"https://127.0.0.1:" + port + "/verify": false, // not its name
	} {
		relays := bothRelays(t, "-verify-client-url="+url, "-verify-client-url-fail-open=false")
		wantVerdict(t, relays, &stub, verdict{answer: body(200, `{"Allow":true}`), closed: want})
		wantVerdict(t, relays, &stub, verdict{answer: body(200, `{"Allow":false}`)})
	}
}

// What is on the wire to the admission URL.
func TestAdmissionRequest(t *testing.T) {
	requests := make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" { // ours looks at its start whether anybody is there
			http.NotFound(w, r)
			return
		}
		text, _ := io.ReadAll(r.Body)
		names := []string{}
		for name, values := range r.Header {
			names = append(names, name+": "+strings.Join(values, ", "))
		}
		slices.Sort(names)
		requests <- fmt.Sprintf("%s %s %s length %d\n%s\n%s", r.Method, r.URL, r.Proto,
			r.ContentLength, strings.Join(names, "\n"), text)
		io.WriteString(w, `{"Allow":true}`)
	}))
	defer s.Close()
	private := key.NewNode()
	seen := []string{}
	for _, r := range bothRelays(t, "-verify-client-url="+s.URL+"/verify?x=y") {
		if !admitted(t, r, private) {
			t.Errorf("the %s relay does not admit", r.config.kind)
		}
		seen = append(seen, <-requests)
	}
	if want := `{"NodePublic":"` + private.Public().String() + `","Source":"127.0.0.1"}`; !strings.HasSuffix(seen[0], want) {
		t.Errorf("got %s\nwant %s", seen[0], want)
	}
	if len(seen) == 2 && seen[0] != seen[1] {
		t.Errorf("upstream's relay asks\n%s\nours\n%s", seen[0], seen[1])
	}
}

// A verdict is of its moment: a key that was refused may be let in next time,
// and the other way round.
func TestVerdictsAreNotKeptLong(t *testing.T) {
	var stub answers
	s := admissionURL(t, &stub)
	for _, r := range bothRelays(t, "-verify-client-url="+s.URL+"/verify",
		"-verify-client-url-fail-open=false") {
		private := stub.add(body(200, `{"Allow":false}`))
		for _, want := range []bool{false, true, false} {
			stub.mu.Lock()
			stub.rows[private.Public()] = body(200, fmt.Sprintf(`{"Allow":%v}`, want))
			stub.mu.Unlock()
			eventually(t, fmt.Sprintf("the %s relay admits: %v", r.config.kind, want), func() error {
				if admitted(t, r, private) != want {
					return fmt.Errorf("still not")
				}
				return nil
			})
		}
	}
}
