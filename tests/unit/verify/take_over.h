/*
 * take_over: an engine that takes over from another, and whoever is connected.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_TAKE_OVER_H
#define DERPKIT_TEST_TAKE_OVER_H

#include "unit/verify/scripted.h"

#include "verify_current.h"

/* Whoever holds connections: keys 1..CONNECTED, until they are disconnected. */
#define CONNECTED 300
static atomic_bool gone[CONNECTED + 1];
static _Atomic unsigned disconnected;

static inline bool
is_connected(void *ctx, const struct derp_key *key)
{
	const unsigned n = bytes_get_u32(key->b + 28);

	(void)ctx;
	return n >= 1 && n <= CONNECTED && !gone[n];
}

static inline int
revoked(
    void *ctx, const struct derp_key *key, const char *name, const char *reason)
{
	(void)ctx, (void)name, (void)reason;
	if (!atomic_exchange(&gone[bytes_get_u32(key->b + 28)], true))
		disconnected++;
	return 0;
}

static inline int
connected(void *ctx, struct verify_client **clients, size_t *count)
{
	(void)ctx;
	*count = 0;
	*clients = calloc(CONNECTED, sizeof **clients);
	assert_non_null(*clients);
	for (unsigned n = 1; n <= CONNECTED; n++)
		if (!gone[n])
			(*clients)[(*count)++] =
			    (struct verify_client){ .key = engine_key(n),
				    .addr = { .is_set = true,
					.ip = { 1, (uint8_t)n } } };
	return 0;
}

static inline void
all_are_connected(void)
{
	disconnected = 0;
	for (unsigned n = 1; n <= CONNECTED; n++)
		gone[n] = false;
}

static inline struct verify_config
config_of(const char *letters)
{
	struct verify_config config = {
		.watch = { is_connected, revoked, NULL, connected },
	};

	add(&config, letters)->outage = VERIFY_OUTAGE_CLOSED;
	return config;
}

static inline struct verify_current *
new_current(const struct verify_config *config)
{
	struct fail why = { 0 };
	struct verify_current *c = verify_current_new(config, &why);

	if (c == NULL)
		fail_msg("%s", why.text);
	return c;
}

/* A wait for a state: fails when it takes longer than anything that works. */
static inline void
nap(uint64_t since_ms)
{
	if (clock_now_ms() - since_ms > ENGINE_WAIT_MS)
		fail_msg("it takes too long");
	usleep(1000);
}

static inline void
await_take_over(struct verify_current *c)
{
	const uint64_t since_ms = clock_now_ms();

	while (!verify_current_tick(c))
		nap(since_ms);
}

static inline void
replace(struct verify_current *c, const struct verify_config *config)
{
	struct fail why = { 0 };

	if (verify_current_replace(c, config, &why) == -1)
		fail_msg("%s", why.text);
	await_take_over(c);
}

#endif
