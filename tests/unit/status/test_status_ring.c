/* status_ring: slots, and what goes when it is full; its pictures. */
#include "check.h"

#include "status_chart.h"
#include "status_ring.h"
#include "status_text.h"

#include <string.h>

static struct status_ring ring;

static void
status_ring_counts_what_grew_in_a_slot(void **state)
{
	struct counter_values v = { .packets_received = 100,
		.bytes_received = 5000,
		.dropped_queue_head = 3 };
	const struct status_slot *slot;

	(void)state;
	status_ring_start(&ring, &v, 1000);
	check_size(ring.count, 0);
	v.packets_received = 160;
	v.bytes_received = 7000;
	v.dropped_queue_head = 4;
	v.dropped_unknown_dest = 10;
	v.dropped_unknown_dest_on_fwd = 100;
	v.dropped_gone_disconnected = 1000;
	v.dropped_queue_tail = 10000;
	v.connections = 5;
	v.tls12_handshakes = 1;
	v.tls13_handshakes = 3;
	v.accepts = 3;
	v.current_connections = 2;
	check_int(status_ring_current(&ring, &v, 3500).packets, 60);
	status_ring_add(&ring, &v, 31000);
	check_size(ring.count, 1);
	slot = status_ring_at(&ring, 0);
	check_int(slot->ms, 30000);
	check_int(slot->packets, 60);
	check_int(slot->bytes, 2000);
	check_int(slot->drops, 11111);
	check_int(slot->connections, 5);
	check_int(slot->handshakes, 4);
	check_int(slot->logins, 3);
	check_int(slot->clients, 2);
	check_int(status_ring_current(&ring, &v, 31000).packets, 0);
}

static void
status_ring_drops_the_oldest_when_full(void **state)
{
	struct counter_values v = { 0 };

	(void)state;
	status_ring_start(&ring, &v, 0);
	for (uint64_t i = 1; i <= STATUS_RING_SLOTS + 5; i++) {
		v.packets_received += i;
		status_ring_add(&ring, &v, i * STATUS_RING_SLOT_MS);
	}
	check_size(ring.count, STATUS_RING_SLOTS);
	check_int(status_ring_at(&ring, 0)->packets, 6);
	check_int(status_ring_at(&ring, STATUS_RING_SLOTS - 1)->packets,
	    STATUS_RING_SLOTS + 5);
}

/* A thread that stood still for minutes leaves one long slot, and no row of
 * empty ones. */
static void
status_ring_has_no_short_slots_after_a_stall(void **state)
{
	const uint64_t slot_ms = STATUS_RING_SLOT_MS, stall_ms = 20 * slot_ms;
	struct counter_values v = { 0 };
	uint64_t due_ms = slot_ms;

	(void)state;
	status_ring_start(&ring, &v, 0);
	/* a bit late: the next one is in step again */
	status_ring_add(&ring, &v, due_ms + 20);
	due_ms = status_ring_next_ms(due_ms, due_ms + 20);
	check_size(due_ms, 2 * slot_ms);
	status_ring_add(&ring, &v, due_ms + stall_ms);
	due_ms = status_ring_next_ms(due_ms, due_ms + stall_ms);
	for (int i = 0; i < 5; i++) {
		status_ring_add(&ring, &v, due_ms);
		due_ms = status_ring_next_ms(due_ms, due_ms);
	}
	check_size(ring.count, 7);
	check_int(status_ring_at(&ring, 1)->ms, stall_ms + slot_ms - 20);
	for (size_t i = 2; i < ring.count; i++)
		check(status_ring_at(&ring, i)->ms >= slot_ms / 2);
}

static uint64_t
packets(const struct status_slot *slot)
{
	return slot->packets;
}

static const char *
picture(bool per_s)
{
	static char text[8192];
	struct writer w = writer_of(text, sizeof text - 1);
	const struct status_chart chart = { "A <b>", packets, status_text_count,
		"/s", per_s };

	status_chart_put(&w, &chart, &ring);
	check(!w.failed);
	text[w.n] = '\0';
	return text;
}

static void
status_chart_draws_a_step_for_each_slot(void **state)
{
	struct counter_values v = { 0 };

	(void)state;
	status_ring_start(&ring, &v, 0);
	check_contains(picture(false), "<span>-</span>");
	check(strstr(picture(false), "<path") == NULL);
	v.packets_received = 60;
	status_ring_add(&ring, &v, 30000);
	v.packets_received = 180;
	status_ring_add(&ring, &v, 60000);
	check_contains(picture(false), "M118 40V21.0h1V2.0h1V40Z");
	check_contains(picture(false), "<span>120/s</span>");
	check_contains(picture(true), "<span>4/s</span> <small>max 4/s");
	check_contains(picture(true), "A &lt;b&gt;");
}

static void
status_text_is_short(void **state)
{
	char text[STATUS_TEXT];

	(void)state;
	check_text(status_text_bytes(text, 0), "0 B");
	check_text(status_text_bytes(text, 999), "999 B");
	check_text(status_text_bytes(text, 1000), "1.0 kB");
	check_text(status_text_bytes(text, 999949), "999.9 kB");
	check_text(status_text_bytes(text, 999950), "1.0 MB");
	check_text(status_text_bytes(text, UINT64_MAX), "18446.7 PB");
	check_text(status_text_count(text, 1234567), "1.2M");
	check_text(status_text_duration(text, 59), "59s");
	check_text(status_text_duration(text, 3599), "59m 59s");
	check_text(status_text_duration(text, 86399), "23h 59m");
	check_text(status_text_duration(text, 90000), "1d 1h");
	check_text(status_text_time(text, 1000000000), "2001-09-09T01:46:40Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_ring_counts_what_grew_in_a_slot),
		cmocka_unit_test(status_ring_drops_the_oldest_when_full),
		cmocka_unit_test(status_ring_has_no_short_slots_after_a_stall),
		cmocka_unit_test(status_chart_draws_a_step_for_each_slot),
		cmocka_unit_test(status_text_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
