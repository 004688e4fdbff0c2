/* ws_frame: see ws_frame.h. */
#include "ws_frame.h"

#include "utf8.h"

#include <string.h>

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define MASKED 0x80
#define LEN 0x7f
/* values of LEN that say where the length is */
#define LEN_16 126
#define LEN_64 127

size_t
ws_head_parse(struct slice in, struct ws_head *head)
{
	struct reader r = { .rest = in };
	const uint8_t first = reader_u8(&r), second = reader_u8(&r);
	uint64_t high;

	*head = (struct ws_head){ .len = second & LEN,
		.opcode = first & OPCODE,
		.fin = (first & FIN) != 0,
		.reserved = (first & RESERVED) != 0,
		.masked = (second & MASKED) != 0 };
	if (head->len == LEN_16) {
		head->len = reader_u16(&r);
	} else if (head->len == LEN_64) {
		high = reader_u32(&r);
		head->len = high << 32 | reader_u32(&r);
	}
	if (head->masked)
		reader_copy(&r, head->mask, WS_MASK);
	return r.failed ? 0 : in.n - r.rest.n;
}

size_t
ws_head_put(uint8_t out[static WS_HEAD_MAX], enum ws_opcode opcode, size_t n)
{
	struct writer w = writer_of(out, WS_HEAD_MAX);

	writer_u8(&w, (uint8_t)(FIN | (unsigned)opcode));
	if (n < LEN_16) {
		writer_u8(&w, (uint8_t)n);
	} else if (n <= UINT16_MAX) {
		writer_u8(&w, LEN_16);
		writer_u16(&w, (uint16_t)n);
	} else {
		writer_u8(&w, LEN_64);
		writer_u32(&w, (uint32_t)((uint64_t)n >> 32));
		writer_u32(&w, (uint32_t)n);
	}
	return w.n;
}

void
ws_close_put(struct writer *w, unsigned code, struct slice reason)
{
	uint8_t head[WS_HEAD_MAX];
	const size_t n = utf8_cut(reason, WS_CONTROL_MAX - 2);

	writer_bytes(w, head, ws_head_put(head, WS_CLOSE, 2 + n));
	writer_u16(w, (uint16_t)code);
	writer_bytes(w, reason.p, n);
}

/* The mask over 8 bytes of payload that begin at its at-th byte. */
static uint64_t
wide_mask(const uint8_t mask[static WS_MASK], uint64_t at)
{
	uint8_t bytes[8];
	uint64_t wide;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = mask[(at + i) % WS_MASK];
	memcpy(&wide, bytes, sizeof wide);
	return wide;
}

void
ws_unmask(uint8_t *to, const uint8_t *from, size_t n,
    const uint8_t mask[static WS_MASK], uint64_t at)
{
	const uint64_t wide = wide_mask(mask, at);
	uint64_t words[8];
	size_t i = 0;

	/* blocks are loaded whole before they are stored, as both may overlap;
	 * the compiler makes vectors of them */
	for (; n - i >= sizeof words; i += sizeof words) {
		memcpy(words, from + i, sizeof words);
		for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
			words[k] ^= wide;
		memcpy(to + i, words, sizeof words);
	}
	for (; i < n; i++)
		to[i] = from[i] ^ mask[(at + i) % WS_MASK];
}
