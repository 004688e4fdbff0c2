//go:build js && wasm

// Two of upstream's clients in a page: they log in to the relay that the page
// names, over WebSocket as nothing else is there, and exchange packets.
// tests/relay/e2e_websocket.py builds it and serves the page.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"syscall/js"
	"time"

	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

const patience = time.Minute

// login connects a new node key, and returns when the relay has it: Connect is
// content to have sent the key, and a packet for it that came before is dropped.
func login(ctx context.Context, url string) (*derphttp.Client, key.NodePublic, error) {
	private := key.NewNode()
	c, err := derphttp.NewClient(private, url, logger.Discard, netmon.NewStatic())
	if err != nil {
		return nil, key.NodePublic{}, err
	}
	if err := c.Connect(ctx); err != nil {
		return nil, key.NodePublic{}, err
	}
	m, err := c.Recv()
	if err != nil {
		return nil, key.NodePublic{}, err
	}
	if _, ok := m.(derp.ServerInfoMessage); !ok {
		return nil, key.NodePublic{}, fmt.Errorf("first message is %T", m)
	}
	return c, private.Public(), nil
}

// receive reads on to the next packet.
func receive(c *derphttp.Client) (derp.ReceivedPacket, error) {
	for {
		m, err := c.Recv()
		if err != nil {
			return derp.ReceivedPacket{}, err
		}
		if packet, ok := m.(derp.ReceivedPacket); ok {
			return packet, nil
		}
	}
}

func exchange(ctx context.Context, url string) error {
	a, from, err := login(ctx, url)
	if err != nil {
		return fmt.Errorf("first login: %w", err)
	}
	defer a.Close()
	b, to, err := login(ctx, url)
	if err != nil {
		return fmt.Errorf("second login: %w", err)
	}
	defer b.Close()
	for _, size := range []int{1, 125, 126, 1400, 4096, 30000} {
		packet := make([]byte, size)
		rand.Read(packet)
		if err := a.Send(to, packet); err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
		got, err := receive(b)
		if err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
		if got.Source != from || !bytes.Equal(got.Data, packet) {
			return fmt.Errorf("%d bytes: %d others came", size, len(got.Data))
		}
	}
	return nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- exchange(ctx, js.Global().Get("relayURL").String()) }()
	verdict := "passed"
	select {
	case err := <-done:
		if err != nil {
			verdict = err.Error()
		}
	case <-ctx.Done():
		// Recv has no deadline of its own
		verdict = fmt.Sprintf("no end after %s", patience)
	}
	js.Global().Call("report", verdict)
}
