/* registry: keys that are at other relays of the mesh. */
#include "registry_members.h"

#include <sodium.h>

static void
remove_link(struct registry *r, const struct derp_key *k, uint8_t link,
    enum forwarders_removed want, size_t told)
{
	struct notify_departure departure;

	check_int(registry_remove_link(r, k, link, &departure), want);
	check_size(departure.key != 0 ? tell(r, k, departure) : 0, told);
}

static void
check_link(struct registry *r, const struct derp_key *k, uint8_t link)
{
	struct registry_entry entry;

	check(registry_find(r, k, &entry));
	check_int(entry.link, link);
	check(conn_addr_eq(entry.addr, addr_of(100U + link)));
}

/* Upstream's rules: who is here wins over who is elsewhere, of links the
 * earliest, and what was forwarded to is wrong as soon as that changes. */
static void
registry_prefers_a_connection_to_a_link(void **state)
{
	struct registry *r = *state;
	struct derp_key k = key_of(1);
	struct registry_member member;
	struct registry_entry entry;

	for (uint8_t link = 1; link <= 2; link++)
		registry_open_link(r, link, addr_of(100U + link));
	check_int(registry_add_link(r, &k, 2), FORWARDERS_FIRST);
	check_link(r, &k, 2);
	check(registry_find(r, &k, &entry));
	check_int(registry_add_link(r, &k, 1), FORWARDERS_SECOND);
	check_link(r, &k, 2);
	member = join(r, &k, 7);
	check(!registry_is_current(&entry));
	check_active(r, &k, 7);
	check_int(registry_stats(r).local, 1);
	check_int(registry_stats(r).remote, 0);
	check(registry_find(r, &k, &entry));
	check_int(entry.link, 0);
	remove_link(r, &k, 2, FORWARDERS_COLLAPSED, 0);
	check_active(r, &k, 7);
	leave(r, &member);
	check(!registry_is_current(&entry));
	check_link(r, &k, 1);
	check_int(registry_stats(r).local, 0);
	check_int(registry_stats(r).remote, 1);
	remove_link(r, &k, 2, FORWARDERS_OTHER, 0);
	remove_link(r, &k, 1, FORWARDERS_LAST, 0);
	check(!is_here(r, &k));
	remove_link(r, &k, 1, FORWARDERS_UNKNOWN, 0);
	check_int(registry_stats(r).remote, 0);
}

/* A key that was heard from leaves when it is nowhere in the region. */
static void
registry_tells_when_a_key_has_left_the_region(void **state)
{
	struct registry *r = *state;
	struct derp_key far = key_of(1), near = key_of(2);
	struct registry_member to = join(r, &near, 7), again;
	struct registry_entry entry, from;

	registry_open_link(r, 1, addr_of(101));
	registry_open_link(r, 2, addr_of(102));
	check(registry_find(r, &near, &entry));
	check_int(registry_note_key(r, &far, &entry, &from), NOTIFY_GONE);
	check_int(registry_add_link(r, &far, 1), FORWARDERS_FIRST);
	check_int(registry_note_key(r, &far, &entry, &from), NOTIFY_NOTED);
	check_int(from.link, 1);
	check(registry_is_current(&from));
	/* it moves to another relay, to this one, and away */
	check_int(registry_add_link(r, &far, 2), FORWARDERS_SECOND);
	check(registry_is_current(&from));
	remove_link(r, &far, 1, FORWARDERS_COLLAPSED, 0);
	check(!registry_is_current(&from));
	again = join(r, &far, 8);
	remove_link(r, &far, 2, FORWARDERS_LAST, 0);
	check_size(leave_key(r, &again, &far), 1);
	/* the same the other way: the connection first */
	check_int(registry_add_link(r, &far, 1), FORWARDERS_FIRST);
	check_int(registry_note_key(r, &far, &entry, &from), NOTIFY_NOTED);
	again = join(r, &far, 8);
	leave(r, &again);
	remove_link(r, &far, 1, FORWARDERS_LAST, 1);
	leave(r, &to);
}

/* It is back, at another relay, before all were told. */
static void
registry_stops_telling_when_a_link_has_the_key(void **state)
{
	struct registry *r = *state;
	struct derp_key far = key_of(1), near = key_of(2);
	struct registry_member to = join(r, &near, 7);
	struct notify_departure departure;
	struct registry_entry entry, from;

	check(registry_find(r, &near, &entry));
	check_int(registry_add_link(r, &far, 1), FORWARDERS_FIRST);
	check_int(registry_note_key(r, &far, &entry, &from), NOTIFY_NOTED);
	check_int(
	    registry_remove_link(r, &far, 1, &departure), FORWARDERS_LAST);
	check(departure.key != 0);
	check_int(registry_add_link(r, &far, 2), FORWARDERS_FIRST);
	check_size(tell(r, &far, departure), 0);
	remove_link(r, &far, 2, FORWARDERS_LAST, 1);
	leave(r, &to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registry_prefers_a_connection_to_a_link),
		TEST(registry_tells_when_a_key_has_left_the_region),
		TEST(registry_stops_telling_when_a_link_has_the_key),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
