/* ws_input: see ws_input.h. */
#include "ws_input.h"

#include "utf8.h"

#include <string.h>

static bool
is_control(uint8_t opcode)
{
	return opcode >= WS_CLOSE;
}

static size_t
available(const struct ws_bytes *bytes)
{
	return (size_t)(bytes->end - bytes->from);
}

/* Takes the head of the next frame, which may come in pieces. False while more
 * of it is needed. */
static bool
take_head(struct ws_input *in, struct ws_bytes *bytes)
{
	const size_t room = WS_HEAD_MAX - in->kept_len;
	const size_t n = available(bytes) < room ? available(bytes) : room;
	size_t len;

	if (in->kept_len == 0) {
		len = ws_head_parse(slice_of(bytes->from, n), &in->frame);
		bytes->from += len;
		if (len > 0)
			return true;
	}
	memcpy(in->kept + in->kept_len, bytes->from, n);
	len = ws_head_parse(slice_of(in->kept, in->kept_len + n), &in->frame);
	if (len == 0) {
		in->kept_len = (uint8_t)(in->kept_len + n);
		bytes->from += n;
		return false;
	}
	bytes->from += len - in->kept_len;
	in->kept_len = 0;
	return true;
}

static enum ws_event
bad(struct ws_input *in, enum ws_close_code code, const char *why)
{
	in->code = code;
	in->why = why;
	return WS_EVENT_BAD;
}

/* Judges a frame of a message by its head. */
static enum ws_event
begin_data(struct ws_input *in)
{
	const struct ws_head *frame = &in->frame;

	if (frame->opcode == WS_TEXT)
		return bad(in, WS_CLOSE_UNSUPPORTED_DATA, "a text message");
	if (frame->opcode > WS_BINARY)
		return bad(in, WS_CLOSE_PROTOCOL_ERROR, "unknown opcode");
	if (in->in_message != (frame->opcode == WS_CONTINUATION))
		return bad(in, WS_CLOSE_PROTOCOL_ERROR,
		    in->in_message ? "a message inside of a message"
				   : "a continuation of nothing");
	if (!in->in_message)
		in->message_len = in->fragments = 0;
	if (frame->len > WS_MESSAGE_MAX - in->message_len)
		return bad(in, WS_CLOSE_TOO_LARGE,
		    "a message of more than 32768 bytes");
	if (++in->fragments > WS_FRAGMENTS_MAX)
		return bad(
		    in, WS_CLOSE_POLICY, "a message in more than 4096 frames");
	in->message_len += (uint32_t)frame->len;
	in->in_message = !frame->fin;
	return WS_EVENT_MORE;
}

static enum ws_event
begin_control(struct ws_input *in)
{
	const struct ws_head *frame = &in->frame;

	if (frame->opcode > WS_PONG)
		return bad(in, WS_CLOSE_PROTOCOL_ERROR, "unknown opcode");
	if (!frame->fin || frame->len > WS_CONTROL_MAX)
		return bad(in, WS_CLOSE_PROTOCOL_ERROR,
		    "a control frame that is fragmented or longer than 125 "
		    "bytes");
	in->control_len = 0;
	return WS_EVENT_MORE;
}

/* Judges a frame by its head. MORE when it may go on. */
static enum ws_event
begin_frame(struct ws_input *in)
{
	if (in->frame.reserved)
		return bad(in, WS_CLOSE_PROTOCOL_ERROR,
		    "a reserved bit, but no extension was agreed on");
	if (!in->frame.masked)
		return bad(in, WS_CLOSE_PROTOCOL_ERROR, "an unmasked frame");
	in->in_frame = true;
	in->at = 0;
	return is_control(in->frame.opcode) ? begin_control(in)
					    : begin_data(in);
}

/* Takes what there is of the payload. Whether all of it is here. */
static bool
take_payload(struct ws_input *in, struct ws_bytes *bytes)
{
	const uint64_t left = in->frame.len - in->at;
	const size_t n =
	    left < available(bytes) ? (size_t)left : available(bytes);
	uint8_t *to = bytes->to;

	if (is_control(in->frame.opcode)) {
		to = in->control + in->control_len;
		in->control_len = (uint8_t)(in->control_len + n);
	} else {
		bytes->to += n;
	}
	ws_unmask(to, bytes->from, n, in->frame.mask, in->at);
	bytes->from += n;
	in->at += n;
	return n == left;
}

/* Codes that may be sent (section 7.4). */
static bool
may_be_sent(unsigned code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
		   code != 1006) ||
	    (code >= 3000 && code <= 4999);
}

static enum ws_event
end_close(struct ws_input *in)
{
	struct reader r = { .rest = slice_of(in->control, in->control_len) };

	in->code = 0;
	if (in->control_len == 0)
		return WS_EVENT_CLOSE;
	in->code = reader_u16(&r);
	if (r.failed || !may_be_sent(in->code))
		return bad(in, WS_CLOSE_PROTOCOL_ERROR, "a bad close code");
	if (!utf8_valid(r.rest))
		return bad(in, WS_CLOSE_INVALID_TEXT,
		    "a close reason that is not UTF-8");
	return WS_EVENT_CLOSE;
}

/* The frame is whole. MORE when that tells nothing. */
static enum ws_event
end_frame(struct ws_input *in)
{
	in->in_frame = false;
	in->empty += is_control(in->frame.opcode) || in->frame.len == 0;
	switch (in->frame.opcode) {
	case WS_PING:
		return WS_EVENT_PING;
	case WS_PONG:
		return WS_EVENT_PONG;
	case WS_CLOSE:
		return end_close(in);
	default:
		return WS_EVENT_MORE;
	}
}

enum ws_event
ws_input_next(struct ws_input *in, struct ws_bytes *bytes)
{
	enum ws_event event = WS_EVENT_MORE;

	while (event == WS_EVENT_MORE) {
		if (!in->in_frame) {
			if (!take_head(in, bytes))
				return WS_EVENT_MORE;
			event = begin_frame(in);
		} else if (take_payload(in, bytes)) {
			event = end_frame(in);
		} else {
			return WS_EVENT_MORE;
		}
	}
	return event;
}
