/*
 * mesh_peer: what a client that knows the mesh key may do beyond others.
 *
 * It watches who comes and leaves, forwards packets of clients of its own to
 * those that are here, and closes connections. Threads: loop-owned. Source:
 * tailscale derp/derpserver/derpserver.go (handleFrameWatchConns,
 * handleFrameForwardPacket, handleFrameClosePeer).
 */
#ifndef DERPKIT_MESH_PEER_H
#define DERPKIT_MESH_PEER_H

struct client;
struct derp_frame;

/* WatchConns: it is told of everybody who is here and will be. One that has the
 * relay's own key is told nothing. Ends the connection when memory or the limit
 * of watchers is reached. */
void mesh_peer_watch(struct client *c);

/* ForwardPacket: for a connection here only. */
void mesh_peer_forward(struct client *c, const struct derp_frame *f);

/* ClosePeer: ends all connections of a key. */
void mesh_peer_close(struct client *c, const struct derp_frame *f);

#endif
