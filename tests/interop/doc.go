// Package interop proves derpkit's programs against peers that nobody of this
// project wrote: upstream's client library, netcheck, prober and relay, and
// (build tag e2e) real tailscaleds logged in to upstream's test control server
// and to a real headscale.
//
// run.sh runs the short ring, e2e.sh the long one. Two folders are named by
// environment variables: DERPKIT_BIN holds derper, derpmap and derpverify,
// DERPKIT_PEERS holds upstream's programs (build-peers.sh fills it). With
// -relay=go the tests of the relay run against upstream's own relay instead,
// which proves the tests rather than the relay.
package interop
