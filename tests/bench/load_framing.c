/* load_framing: see load_framing.h. */
#include "load_framing.h"

#include "fail.h"

#include <string.h>

#define MASKED 0x80

void
load_framing_request(struct writer *w, const char *host)
{
	writer_printf(w,
	    "GET /derp HTTP/1.1\r\nHost: %s\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Protocol: derp\r\n\r\n",
	    host);
}

/* Reads a head that may have begun before. Returns the bytes used of `in`, and
 * whether it is whole. */
static size_t
take_head(struct load_framing *framing, struct slice in, struct ws_head *head,
    bool *whole)
{
	const size_t had = framing->kept_len;
	const size_t room = sizeof framing->kept - had;
	const size_t n = in.n < room ? in.n : room;
	size_t len;

	memcpy(framing->kept + had, in.p, n);
	len = ws_head_parse(slice_of(framing->kept, had + n), head);
	*whole = len > 0;
	framing->kept_len = *whole ? 0 : (uint8_t)(had + n);
	return *whole ? len - had : n;
}

int64_t
load_framing_take(
    struct load_framing *framing, uint8_t *p, size_t n, struct fail *why)
{
	const uint8_t *from = p, *end = p + n;
	struct ws_head head;
	uint8_t *to = p;
	bool whole;
	size_t part;

	while (from < end) {
		const size_t here = (size_t)(end - from);

		if (framing->left > 0) {
			part =
			    framing->left < here ? (size_t)framing->left : here;
			memmove(to, from, part);
			to += part;
			from += part;
			framing->left -= part;
			continue;
		}
		from += take_head(framing, slice_of(from, here), &head, &whole);
		if (!whole)
			break;
		if (head.masked || head.reserved || head.opcode != WS_BINARY)
			return fail_set(
			    why, "not a message: opcode %u", head.opcode);
		framing->left = head.len;
	}
	return to - p;
}

void
load_framing_put(
    struct load_framing *framing, struct writer *w, struct slice payload)
{
	uint8_t head[WS_HEAD_MAX], mask[WS_MASK];
	const size_t len = ws_head_put(head, WS_BINARY, payload.n);

	/* any will do, as nothing between us and the relay is to be misled */
	framing->mask = framing->mask * 1664525 + 1013904223;
	memcpy(mask, &framing->mask, sizeof mask);
	head[1] |= MASKED;
	writer_bytes(w, head, len);
	writer_bytes(w, mask, sizeof mask);
	if (w->failed || w->cap - w->n < payload.n) {
		w->failed = true;
		return;
	}
	ws_unmask(w->p + w->n, payload.p, payload.n, mask, 0);
	w->n += payload.n;
}
