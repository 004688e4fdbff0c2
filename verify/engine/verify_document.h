/*
 * verify_document: a list of nodes out of text, whatever its shape.
 *
 * Read are plain lines "nodekey:HEX name # comment" (the prefix and the name
 * are optional); what `headscale nodes list -o json` prints, a bare array with
 * snake_case names (0.29 and older) or camelCase ones (newer), or `null`;
 * headscale's REST answer {"nodes":[...]}; `tailscale status --json`; and the
 * answer of Tailscale's API for devices, {"devices":[...]}. A list is good or
 * bad as a whole: a typing error must not silently put somebody off the relay.
 *
 * Threads: plain values. Source: headscale, hscontrol/types/node.go and its
 * CLI; tailscale, ipn/ipnstate/ipnstate.go and publicapi/device.md.
 */
#ifndef DERPKIT_VERIFY_DOCUMENT_H
#define DERPKIT_VERIFY_DOCUMENT_H

#include "verify_nodes.h"

#define VERIFY_DOCUMENT_BYTES_MAX ((size_t)32 << 20) /* of text */

/* NULL and the reason, with the line where there is one, when the text is no
 * node list, is too large, or memory is short. Returns owned:
 * verify_nodes_free. */
struct verify_nodes *verify_document_parse(struct slice text, struct fail *why);

/* The same for text that must be JSON: an answer of a server, of which an empty
 * body is not an empty list. */
struct verify_nodes *verify_document_parse_json(
    struct slice text, struct fail *why);

#endif
