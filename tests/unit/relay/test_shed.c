/* shed: the oldest of those who have not logged in leaves its slot. */
#include "fake_server.h"
#include "http.h"

#define SLOTS 4

static struct worker *
worker(void)
{
	return fake_server.workers[0];
}

static int
setup(void **state)
{
	struct fake_config config = fake_server_config();

	(void)state;
	config.login_slots = SLOTS;
	fake_server_open(&config);
	return 0;
}

static struct fake_peer *
silent(void)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	check(p != NULL);
	p->conn = fake_server_conn(0, &p->fd);
	check(p->conn != NULL);
	return p;
}

/* Clients have no part in it: however many newcomers there are, they stay. */
static void
shed_ends_the_oldest_that_is_not_logged_in(void **state)
{
	struct fake_peer *client = fake_peer_new(0), *late, *p[SLOTS + 2];

	(void)state;
	for (int i = 0; i < SLOTS; i++)
		p[i] = silent();
	fake_server_turn(0);
	check_size(worker()->counters->shed_before_login, 0);
	p[SLOTS] = silent();
	p[SLOTS + 1] = silent();
	fake_server_turn(0);
	check_size(worker()->counters->shed_before_login, 2);
	for (int i = 0; i < SLOTS + 2; i++)
		check_int(fake_peer_read(p[i]), i >= 2);
	/* one that logs in gives its slot back */
	late = fake_peer_new(0);
	check_size(worker()->counters->shed_before_login, 3);
	check(fake_peer_read(p[3]));
	check_size(shed_list_count(worker()->slots), SLOTS - 1);
	check(fake_peer_runs(client));
	for (int i = 0; i < SLOTS + 2; i++)
		fake_peer_free(p[i]);
	fake_server_settle(); /* some a turn */
	check_size(shed_list_count(worker()->slots), 0);
	fake_peer_free(late);
	fake_peer_free(client);
}

/* Newcomers wait as long as all of those who are here are young: if they only
 * pushed each other out, nobody would ever log in. */
static void
shed_lets_newcomers_wait_for_the_young(void **state)
{
	struct fake_peer *p[SLOTS];

	(void)state;
	for (int i = 0; i < SLOTS; i++) {
		check_size(shed_wait_ms(worker()), 0);
		p[i] = silent();
	}
	check(shed_wait_ms(worker()) > SHED_SLOT_MS / 2);
	check(shed_wait_ms(worker()) <= SHED_SLOT_MS);
	usleep(SHED_SLOT_MS * 1000);
	fake_server_turn(0);
	check_size(shed_wait_ms(worker()), 0);
	check(fake_peer_read(p[0]));
	for (int i = 0; i < SLOTS; i++)
		fake_peer_free(p[i]);
}

/* When the connections are too many in all, it is the same. */
static void
shed_makes_room_for_a_newcomer(void **state)
{
	struct fake_peer *client = fake_peer_new(0), *p = silent();

	(void)state;
	check(shed_oldest(worker()));
	check(!shed_oldest(worker()));
	fake_server_turn(0);
	check(!fake_peer_read(p));
	check(fake_peer_runs(client));
	fake_peer_free(p);
	fake_peer_free(client);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shed_ends_the_oldest_that_is_not_logged_in),
		TEST(shed_lets_newcomers_wait_for_the_young),
		TEST(shed_makes_room_for_a_newcomer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
