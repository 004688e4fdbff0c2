/* status_traffic: rounds of those whose totals grew. */
#include "check.h"
#include "fake_alloc.h"

#include "status_traffic.h"

#include <stdio.h>
#include <stdlib.h>

static struct status_client
client(uint32_t slot, uint64_t generation, uint64_t received, uint64_t sent)
{
	struct status_client c = {
		.addr = { .worker = 0, .slot = slot, .generation = generation },
		.bytes_received = received,
		.bytes_sent = sent
	};

	c.key.b[0] = (uint8_t)slot;
	return c;
}

/* What a round of these says. */
static const char *
round_of(
    struct status_traffic *t, const struct status_client *clients, size_t count)
{
	static char said[2048];
	struct status_snapshot *s = status_snapshot_new();
	char *text;
	size_t len;

	check_int(status_snapshot_add(s, clients, count), 0);
	check_int(status_snapshot_finish(s, NULL, 1), 0);
	text = status_traffic_next(t, s, &len);
	check(text != NULL);
	check(len < sizeof said);
	memcpy(said, text, len);
	said[len] = '\0';
	free(text);
	status_snapshot_free(s);
	return said;
}

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static void
status_traffic_tells_who_has_grown(void **state)
{
	struct status_traffic *t = status_traffic_new();
	struct status_client now[] = { client(2, 1, 10, 20), client(1, 1, 0, 0),
		client(3, 1, UINT64_MAX, 7) };

	(void)state;
	check_text(round_of(t, now, 3),
	    "{\"Sent\":20,\"Recv\":10,\"Key\":\"nodekey:02" ZEROS "\"}\n"
	    "{\"Sent\":7,\"Recv\":18446744073709551615,\"Key\":\"nodekey:"
	    "03" ZEROS "\"}\n\n");
	check_text(round_of(t, now, 3), "\n");
	now[1].senders = 1; /* which alone does not make a line */
	check_text(round_of(t, now, 3), "\n");
	now[1].bytes_received = 1;
	now[0].bytes_sent = 21;
	check_text(round_of(t, now, 3),
	    "{\"Sent\":0,\"Recv\":1,\"Key\":\"nodekey:01" ZEROS
	    "\",\"UniqueSenders\":1}\n"
	    "{\"Sent\":21,\"Recv\":10,\"Key\":\"nodekey:02" ZEROS "\"}\n\n");
	/* another connection in the place of one that had more */
	now[0] = client(2, 2, 5, 5);
	check_text(round_of(t, now, 2),
	    "{\"Sent\":5,\"Recv\":5,\"Key\":\"nodekey:02" ZEROS "\"}\n\n");
	check_text(round_of(t, now, 0), "\n");
	status_traffic_free(t);
}

static void
status_traffic_survives_a_shortage(void **state)
{
	struct status_traffic *t = status_traffic_new();
	const struct status_client now = client(1, 1, 2, 3);
	struct status_snapshot *s = status_snapshot_new();
	char *text = NULL;
	size_t len = 0;

	(void)state;
	check_int(status_snapshot_add(s, &now, 1), 0);
	check_int(status_snapshot_finish(s, NULL, 1), 0);
	for (size_t n = 1; text == NULL; n++) {
		fake_alloc_fail_at(n);
		text = status_traffic_next(t, s, &len);
		check_int(text == NULL, fake_alloc_failed());
	}
	check(len > 1); /* it was not remembered as told */
	free(text);
	status_snapshot_free(s);
	status_traffic_free(t);
	fake_alloc_fail_at(1);
	check_null(status_traffic_new());
	check(fake_alloc_failed());
}

static void
status_traffic_is_bounded(void **state)
{
	struct status_traffic *t[STATUS_TRAFFIC_MAX];

	(void)state;
	for (size_t i = 0; i < STATUS_TRAFFIC_MAX; i++) {
		t[i] = status_traffic_new();
		check(t[i] != NULL);
	}
	check_null(status_traffic_new());
	status_traffic_free(t[0]);
	t[0] = status_traffic_new();
	check(t[0] != NULL);
	for (size_t i = 0; i < STATUS_TRAFFIC_MAX; i++)
		status_traffic_free(t[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_traffic_tells_who_has_grown),
		cmocka_unit_test(status_traffic_survives_a_shortage),
		cmocka_unit_test(status_traffic_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
