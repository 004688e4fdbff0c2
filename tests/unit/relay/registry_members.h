/*
 * registry_members: what the tests of the registry share: a registry for each,
 * and connections that join it.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_REGISTRY_MEMBERS_H
#define DERPKIT_TEST_REGISTRY_MEMBERS_H

#include "check.h"

#include "registry.h"

static inline struct derp_key
key_of(unsigned n)
{
	struct derp_key k = { { 0 } };

	bytes_put_u32(k.b, n + 1);
	k.b[7] = (uint8_t)n; /* spreads over the shards */
	return k;
}

static inline struct conn_addr
addr_of(unsigned n)
{
	return (struct conn_addr){
		.worker = (uint16_t)(n % 3), .slot = n, .generation = n + 1
	};
}

static inline int
setup(void **state)
{
	*state = registry_new(1000, 100);
	return *state != NULL ? 0 : -1;
}

static inline int
teardown(void **state)
{
	registry_free(*state);
	return 0;
}

static inline void
check_active(struct registry *r, const struct derp_key *key, unsigned want)
{
	struct registry_entry entry;

	check(registry_find(r, key, &entry));
	check(registry_is_current(&entry));
	check_int(entry.addr.slot, want);
	check(conn_addr_eq(entry.addr, addr_of(want)));
}

static inline bool
is_here(struct registry *r, const struct derp_key *key)
{
	struct registry_entry entry;

	return registry_find(r, key, &entry);
}

/* Joins, and nobody has to go for it. */
static inline struct registry_member
join(struct registry *r, const struct derp_key *key, unsigned conn)
{
	struct registry_member member;
	struct conn_addr evict;

	check_int(registry_join(r, key,
		      &(struct registry_origin){ .addr = addr_of(conn) },
		      &member, &evict),
	    0);
	check_size(evict.generation, 0);
	return member;
}

/* Tells all; how many. */
static inline size_t
tell(struct registry *r, const struct derp_key *key,
    struct notify_departure departure)
{
	struct notify_receiver some[3];
	size_t got, n = 0;

	while ((got = registry_departed(r, key, departure, some, 3)) > 0)
		for (size_t i = 0; i < got; i++, n++)
			registry_told(r, departure, &some[i]);
	return n;
}

/* Leaves; how many are told. */
static inline size_t
leave_key(struct registry *r, struct registry_member *member,
    const struct derp_key *key)
{
	struct notify_departure departure;
	const bool told = registry_leave(r, member, &departure);

	check(told == (departure.key != 0));
	check(member->peer == NULL);
	return told ? tell(r, key, departure) : 0;
}

/* The same where nobody is to be told. */
static inline void
leave(struct registry *r, struct registry_member *member)
{
	struct notify_departure departure;

	check(!registry_leave(r, member, &departure));
	check(member->peer == NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
