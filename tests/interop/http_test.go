// The HTTP side of the relay, asked by Go's own HTTP client.

package interop

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	_ "tailscale.com/feature/useproxy"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

func TestPages(t *testing.T) {
	const text = "text/plain; charset=utf-8"
	rows := []struct {
		method, path string
		header       string // "Name: value" to send
		status       int
		want         string // "Name: value" in the answer
		body         string // exact, or a part when it ends in "..."
	}{
		{"GET", "/derp/probe", "", 200, "Access-Control-Allow-Origin: *", ""},
		{"HEAD", "/derp/probe", "", 200, "Access-Control-Allow-Origin: *", ""},
		{"GET", "/derp/latency-check", "", 200, "Access-Control-Allow-Origin: *", ""},
		{"HEAD", "/derp/latency-check", "", 200, "", ""},
		{"POST", "/derp/probe", "", 405, "Content-Type: " + text, "bogus probe method\n"},
		{"GET", "/derp", "", 426, "Content-Type: " + text, "DERP requires connection upgrade\n"},
		{"GET", "/derp", "Upgrade: gopher", 426, "", "DERP requires connection upgrade\n"},
		{"GET", "/generate_204", "", 204, "X-Tailscale-Response: ", ""},
		{"GET", "/generate_204", "X-Tailscale-Challenge: ts_derp99b.tailscale.com", 204,
			"X-Tailscale-Response: response ts_derp99b.tailscale.com", ""},
		{"GET", "/generate_204", "X-Tailscale-Challenge: with space", 204, "X-Tailscale-Response: ", ""},
		{"GET", "/generate_204", "X-Tailscale-Challenge: " + strings.Repeat("a", 64), 204,
			"X-Tailscale-Response: response " + strings.Repeat("a", 64), ""},
		{"GET", "/generate_204", "X-Tailscale-Challenge: " + strings.Repeat("a", 65), 204,
			"X-Tailscale-Response: ", ""},
		{"GET", "/robots.txt", "", 200, "Content-Type: " + text, "User-agent: *\nDisallow: /\n"},
		{"GET", "/", "", 200, "Content-Type: text/html; charset=utf-8", "DERP..."},
		{"GET", "/", "", 200, "X-Frame-Options: DENY", "DERP..."},
		{"GET", "/no/such/page", "", 200, "X-Content-Type-Options: nosniff", "DERP..."},
		{"GET", "/derp/", "", 200, "Strict-Transport-Security: max-age=63072000; includeSubDomains", "DERP..."},
	}
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	defer client.CloseIdleConnections()
	for _, plain := range []bool{true, false} {
		r := startRelay(t, relayConfig{plain: plain})
		base := "https://" + r.addr()
		if plain {
			base = "http://" + r.addr()
		}
		for _, row := range rows {
			name := fmt.Sprintf("%s%s %s %.40s", base[:5], row.method, row.path, row.header)
			t.Run(name, func(t *testing.T) {
				request, err := http.NewRequest(row.method, base+row.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if n, v, ok := strings.Cut(row.header, ": "); ok {
					request.Header.Set(n, v)
					if n == "Upgrade" {
						request.Header.Set("Connection", "Upgrade")
					}
				}
				response, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != row.status {
					t.Errorf("status %s, want %d", response.Status, row.status)
				}
				if n, v, ok := strings.Cut(row.want, ": "); ok {
					if got := response.Header.Get(n); got != v {
						t.Errorf("%s is %q, want %q", n, got, v)
					}
				}
				if part, ok := strings.CutSuffix(row.body, "..."); ok {
					if !strings.Contains(string(body), part) {
						t.Errorf("no %q in %q", part, body)
					}
				} else if string(body) != row.body {
					t.Errorf("body %q, want %q", body, row.body)
				}
			})
		}
	}
}

func TestDerpDisabled(t *testing.T) {
	r := startRelay(t, relayConfig{plain: true, args: []string{"-derp=false"}})
	for path, status := range map[string]int{"/derp": 404, "/derp/probe": 200} {
		response, err := http.Get("http://" + r.addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s: status %s, want %d", path, response.Status, status)
		}
	}
}

func TestHTTPToTheTLSPortIsToldSo(t *testing.T) {
	r := startRelay(t, relayConfig{})
	response, err := http.Get("http://" + r.addr() + "/derp/probe")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != 400 ||
		string(body) != "Client sent an HTTP request to an HTTPS server.\n" {
		t.Errorf("%s: %q", response.Status, body)
	}
}

// proxyChild is what this program does when TestThroughProxy starts it again:
// upstream reads the proxy's address only once per process.
const proxyChild = "DERPKIT_TEST_PROXY_CHILD"

// A client behind an HTTP proxy reaches the relay by CONNECT, on a port that
// is not 443.
func TestThroughProxy(t *testing.T) {
	const name = "relay.example.com"
	if port := os.Getenv(proxyChild); port != "" {
		pingThroughProxy(t, name, port)
		return
	}
	r := startRelay(t, relayConfig{host: name})
	targets := make(chan string, 10)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	go func() {
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			go serveConnect(conn, r.addr(), targets)
		}
	}()
	cmd := exec.Command(os.Args[0], "-test.run=^TestThroughProxy$")
	cmd.Env = append(os.Environ(),
		proxyChild+"="+strconv.Itoa(r.port),
		"HTTPS_PROXY=http://"+proxy.Addr().String())
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want := fmt.Sprintf("%s:%d", name, r.port)
	if got := <-targets; got != want {
		t.Errorf("CONNECT to %q, want %q", got, want)
	}
}

// serveConnect is the least that an HTTP proxy can do.
func serveConnect(client net.Conn, relay string, targets chan<- string) {
	defer client.Close()
	in := bufio.NewReader(client)
	request, err := http.ReadRequest(in)
	if err != nil || request.Method != "CONNECT" {
		return
	}
	targets <- request.Host
	server, err := net.Dial("tcp", relay)
	if err != nil {
		return
	}
	defer server.Close()
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		io.Copy(server, in)
		server.Close()
	}()
	io.Copy(client, server)
}

func pingThroughProxy(t *testing.T, name, port string) {
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	region := &tailcfg.DERPRegion{RegionID: regionID, RegionCode: regionCode,
		Nodes: []*tailcfg.DERPNode{{
			Name: "a", RegionID: regionID, HostName: name,
			IPv4: "127.0.0.1", IPv6: "none", DERPPort: number,
			// the child has an authority of its own
			InsecureForTests: true,
		}}}
	c := newRegionClient(region, key.NewNode())
	defer c.Close()
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			if _, err := c.Recv(); err != nil {
				return
			}
		}
	}()
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}
