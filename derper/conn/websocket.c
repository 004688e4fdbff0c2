/* websocket: see websocket.h. */
#include "websocket.h"

#include "counters.h"
#include "outq.h"
#include "stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct websocket {
	struct counters *counters; /* borrowed */
	struct ws_input input;
	uint8_t state;    /* enum websocket_state */
	bool end_said;    /* a Close frame was made */
	bool ping_waits;  /* for room for its Pong */
	uint8_t ping_len; /* of `ping` */
	uint8_t ping[WS_CONTROL_MAX];
};

static_assert(sizeof(struct websocket) <= WEBSOCKET_BYTES,
    "what a connection is charged for covers it");
static_assert(
    WS_MESSAGE_MAX >= STREAM_CHUNK / 2 && WS_MESSAGE_MAX <= STREAM_CHUNK,
    "messages are as large as the output queue wants them");

static size_t
head(uint8_t out[static OUTQ_HEAD_MAX], size_t n)
{
	static_assert(OUTQ_HEAD_MAX >= WS_HEAD_MAX, "a head fits");
	return ws_head_put(out, WS_BINARY, n);
}

/* No longer than what upstream's client takes. */
const struct outq_framing websocket_framing = {
	.head = head,
	.message_max = WS_MESSAGE_MAX,
};

struct websocket *
websocket_new(struct counters *counters)
{
	struct websocket *ws = calloc(1, sizeof *ws);

	if (ws != NULL)
		ws->counters = counters;
	return ws;
}

void
websocket_free(struct websocket *ws)
{
	free(ws);
}

static void
put_control(struct writer *w, enum ws_opcode opcode, struct slice payload)
{
	uint8_t bytes[WS_HEAD_MAX];

	writer_bytes(w, bytes, ws_head_put(bytes, opcode, payload.n));
	writer_bytes(w, payload.p, payload.n);
}

static void
answer_ping(struct websocket *ws, struct writer *pongs)
{
	const struct ws_input *in = &ws->input;

	counters_add(&ws->counters->websocket_pings, 1);
	if (pongs->cap - pongs->n >= WEBSOCKET_FRAME_MAX) {
		put_control(
		    pongs, WS_PONG, slice_of(in->control, in->control_len));
		return;
	}
	counters_add(&ws->counters->websocket_pings_unanswered, ws->ping_waits);
	memcpy(ws->ping, in->control, in->control_len);
	ws->ping_len = in->control_len;
	ws->ping_waits = true;
}

static void
count_failure(struct websocket *ws)
{
	struct counters *counters = ws->counters;

	switch ((enum ws_close_code)ws->input.code) {
	case WS_CLOSE_UNSUPPORTED_DATA:
		counters_add(&counters->websocket_text, 1);
		return;
	case WS_CLOSE_TOO_LARGE:
		counters_add(&counters->websocket_too_large, 1);
		return;
	case WS_CLOSE_POLICY:
		counters_add(&counters->websocket_too_many_frames, 1);
		return;
	case WS_CLOSE_NORMAL:
	case WS_CLOSE_PROTOCOL_ERROR:
	case WS_CLOSE_INVALID_TEXT:
		break;
	}
	counters_add(&counters->websocket_bad_frames, 1);
}

size_t
websocket_input(struct websocket *ws, uint8_t *p, size_t n,
    struct writer *pongs, size_t *empty)
{
	struct ws_bytes bytes = { .to = p, .from = p, .end = p + n };
	const uint64_t empty_before = ws->input.empty;

	*empty = 0;
	while (ws->state == WEBSOCKET_OPEN) {
		const enum ws_event event = ws_input_next(&ws->input, &bytes);

		*empty = (size_t)(ws->input.empty - empty_before);
		switch (event) {
		case WS_EVENT_MORE:
			return (size_t)(bytes.to - p);
		case WS_EVENT_PING:
			answer_ping(ws, pongs);
			break;
		case WS_EVENT_PONG: /* we ask for none */
			break;
		case WS_EVENT_CLOSE:
			ws->state = WEBSOCKET_CLOSED;
			break;
		case WS_EVENT_BAD:
			ws->state = WEBSOCKET_FAILED;
			count_failure(ws);
			break;
		}
	}
	return (size_t)(bytes.to - p);
}

struct slice
websocket_late_pong(
    struct websocket *ws, uint8_t frame[static WEBSOCKET_FRAME_MAX])
{
	struct writer w = writer_of(frame, WEBSOCKET_FRAME_MAX);

	if (ws->ping_waits && !ws->end_said)
		put_control(&w, WS_PONG, slice_of(ws->ping, ws->ping_len));
	ws->ping_waits = false;
	return writer_slice(&w);
}

enum websocket_state
websocket_state(const struct websocket *ws)
{
	return (enum websocket_state)ws->state;
}

unsigned
websocket_code(const struct websocket *ws)
{
	return ws->input.code;
}

const char *
websocket_why(const struct websocket *ws)
{
	return ws->input.why;
}

struct slice
websocket_end(struct websocket *ws, unsigned code, struct slice reason,
    uint8_t frame[static WEBSOCKET_FRAME_MAX])
{
	struct writer w = writer_of(frame, WEBSOCKET_FRAME_MAX);

	if (ws->end_said)
		return writer_slice(&w);
	ws->end_said = true;
	if (code == 0)
		put_control(&w, WS_CLOSE, slice_of("", 0));
	else
		ws_close_put(&w, code, reason);
	return writer_slice(&w);
}
