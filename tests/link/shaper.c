/* shaper: see shaper.h. */
#include "shaper.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000ULL

struct packet {
	uint64_t due_ns;
	uint8_t *bytes; /* owned */
	size_t len;
};

struct shaper {
	struct shaper_config config; /* immutable */
	struct shaper_counts counts;
	uint64_t random;     /* state of the generator, never 0 */
	uint64_t free_ns;    /* when the transmitter has nothing left to send */
	uint8_t *taken;      /* owned: what shaper_take has lent */
	struct packet *held; /* owned ring of SHAPER_HELD_MAX */
	uint32_t first, count;
};

struct shaper *
shaper_new(const struct shaper_config *config)
{
	struct shaper *s = xcalloc(1, sizeof *s);

	s->config = *config;
	/* xorshift must not start at 0 */
	s->random = config->seed * 0x9E3779B97F4A7C15ULL | 1;
	s->held = xcalloc(SHAPER_HELD_MAX, sizeof *s->held);
	return s;
}

void
shaper_free(struct shaper *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		free(s->held[(s->first + i) % SHAPER_HELD_MAX].bytes);
	free(s->taken);
	free(s->held);
	free(s);
}

/* xorshift64*, Vigna 2016: its upper bits are good enough for losses. */
static uint32_t
random_below(struct shaper *s, uint32_t bound)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (uint32_t)(((s->random * 0x2545F4914F6CDD1DULL >> 32) * bound) >>
	    32);
}

static uint64_t
transmit_ns(const struct shaper *s, size_t bytes)
{
	return bytes * 8 * NS_PER_S / s->config.rate_bit_per_s;
}

/* Whether so many more bytes still fit before the transmitter. */
static bool
has_room(const struct shaper *s, size_t bytes, uint64_t now_ns)
{
	uint64_t waiting;

	if (s->count == SHAPER_HELD_MAX)
		return false;
	if (s->config.rate_bit_per_s == 0 || s->free_ns <= now_ns)
		return true;
	waiting = (uint64_t)((double)(s->free_ns - now_ns) / 8 / NS_PER_S *
	    (double)s->config.rate_bit_per_s);
	return waiting + bytes <= s->config.queue_bytes;
}

void
shaper_offer(struct shaper *s, struct slice packet, uint64_t now_ns)
{
	struct packet *p;

	s->counts.offered++;
	if (random_below(s, SHAPER_PPM) < s->config.loss_ppm) {
		s->counts.lost++;
		return;
	}
	if (!has_room(s, packet.n, now_ns)) {
		s->counts.dropped++;
		return;
	}
	if (s->free_ns < now_ns)
		s->free_ns = now_ns;
	if (s->config.rate_bit_per_s > 0)
		s->free_ns += transmit_ns(s, packet.n);
	p = &s->held[(s->first + s->count++) % SHAPER_HELD_MAX];
	p->due_ns = s->free_ns + s->config.delay_ns;
	p->bytes = xcalloc(1, packet.n);
	p->len = packet.n;
	memcpy(p->bytes, packet.p, packet.n);
}

uint64_t
shaper_due_ns(const struct shaper *s)
{
	return s->count == 0 ? SHAPER_NEVER : s->held[s->first].due_ns;
}

bool
shaper_take(struct shaper *s, uint64_t now_ns, struct slice *packet)
{
	struct packet *p = &s->held[s->first];

	free(s->taken);
	s->taken = NULL;
	if (s->count == 0 || p->due_ns > now_ns)
		return false;
	s->taken = p->bytes;
	*packet = slice_of(p->bytes, p->len);
	s->counts.delivered++;
	s->counts.bytes += p->len;
	s->first = (s->first + 1) % SHAPER_HELD_MAX;
	s->count--;
	return true;
}

const struct shaper_counts *
shaper_counts(const struct shaper *s)
{
	return &s->counts;
}
