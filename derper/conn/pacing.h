/*
 * pacing: when to put off reading, so that packets gather.
 *
 * When packets trickle in at a high rate, an efficient relay handles each as it
 * comes and nothing is ever batched: the wake-ups and system calls of the
 * sender, of the relay and of the receiver are paid per packet. So at a high
 * rate those who send much are read at least batch_delay_us apart, and what
 * gathers meanwhile is handled together. Everybody else, logins and STUN too,
 * is served at once. A turn that takes longer than that is followed at once by
 * the next one, so capacity is not touched; at low rates there is no delay at
 * all, nor when there was much to read already, as then waiting gathers nothing
 * that is not there. Measured at 50,000 packets/s: a third to a half less CPU.
 *
 * The rate is that of all workers together, so that spreading the same load
 * over more of them does not turn this off, just where each packet costs most;
 * but a worker that gets next to nothing within a delay has nothing to gather.
 * As each turn of each worker has a price of its own, the delay grows with the
 * share of the packets that are with other workers, up to twice batch_delay_us.
 *
 * Plain values on memory of the caller, with the time passed in. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_PACING_H
#define DERPKIT_PACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets per second, of all workers, above which reading is put off. One that
 * crosses from worker to worker counts as one and a half: it costs that. */
#define PACING_RATE_PER_S 20000
/* Packets that must come to a worker within the delay. */
#define PACING_GATHERED_MIN 2
#define PACING_WINDOW_MS 20 /* over which the rate is taken */
/* Bytes per read that are much: half of what one read may bring. */
#define PACING_FULL_READ 32768
/* Packets per second above which a client is high-rate: its packets may wait a
 * moment for each other. A call or a game is below that. */
#define PACING_CLIENT_RATE_PER_S 250
#define PACING_CLIENT_WINDOW_MS 100 /* over which the rate is taken */
/* Bytes in that time up to which a client sends little: 5 Mbit/s. */
#define PACING_LIGHT_BYTES 65536

/* How often packets were received, sent, or handed to another worker, since the
 * start: twice for each that stays on a worker. */
struct pacing_load {
	uint64_t own; /* by the worker */
	uint64_t all; /* by all workers */
};

/* Of a worker. */
struct pacing {
	uint64_t batch_delay_us;  /* immutable; 0: never put off */
	uint64_t window_ms;       /* when the window began */
	struct pacing_load then;  /* by that time */
	size_t reads, read_bytes; /* in this turn */
	/* judged over the last whole window: */
	bool high_rate;
	uint64_t delay_us; /* while high_rate */
};

/* Of a client, all zero at first. */
struct pacing_client {
	uint64_t window_ms;      /* when the window began */
	uint32_t window_packets; /* sent since then */
	uint32_t window_bytes;   /* of their frames */
};

void pacing_init(struct pacing *p, uint64_t batch_delay_us);

/* A client was read from. */
void pacing_read(struct pacing *p, size_t bytes);

/* Whether pacing_take_rate is due. */
static inline bool
pacing_window_is_over(const struct pacing *p, uint64_t now_ms)
{
	return now_ms - p->window_ms >= PACING_WINDOW_MS;
}

/* Judges the rate, once a window. */
void pacing_take_rate(
    struct pacing *p, uint64_t now_ms, const struct pacing_load *now);

/* The turn that began at turn_us (monotonic) ends. Returns until when,
 * microseconds, reading from high-rate clients should be put off; 0: not at
 * all. Time that has passed already is for the caller to notice, who reads the
 * clock only for this. */
uint64_t pacing_end_turn(struct pacing *p, uint64_t turn_us);

/* The client has sent a packet, whose frame has len bytes. */
static inline void
pacing_count_packet(struct pacing_client *c, size_t len)
{
	c->window_packets++;
	if (c->window_bytes <=
	    PACING_LIGHT_BYTES) /* more makes no difference */
		c->window_bytes += (uint32_t)len;
}

/* Whether the client has sent little of late. */
static inline bool
pacing_is_light(const struct pacing_client *c)
{
	return c->window_bytes <= PACING_LIGHT_BYTES;
}

/* Judges, once a window, whether the client is to be treated as high-rate: it
 * sends much while the worker has much to do. Returns whether there is a new
 * judgement, which is then in *high_rate. */
bool pacing_judge(const struct pacing *p, struct pacing_client *c,
    uint64_t now_ms, bool *high_rate);

#endif
