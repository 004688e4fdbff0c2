// Upstream's test control server as a program, for the bench: real tailscaleds
// log in to it and get one DERP map.
//
//	control ADDRESS DERPMAP.json AUTHKEY
//
// Prints its URL when it listens; ends when standard input does.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/logger"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: control ADDRESS DERPMAP.json AUTHKEY")
	}
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	dm := new(tailcfg.DERPMap)
	if err := json.Unmarshal(text, dm); err != nil {
		log.Fatalf("%s: %v", os.Args[2], err)
	}
	control := &testcontrol.Server{
		DERPMap:          dm,
		AllOnline:        true,
		AllNodesSameUser: true,
		RequireAuthKey:   os.Args[3],
		Logf:             logger.Discard,
	}
	mux := http.NewServeMux()
	mux.Handle("/", control)
	l, err := net.Listen("tcp4", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = l
	control.HTTPTestServer = server
	server.Start()
	fmt.Println(control.BaseURL())
	io.Copy(io.Discard, os.Stdin)
}
