/* keytable: against a plain array, at its maximum, and in short memory. */
#include "check.h"
#include "fake_alloc.h"

#include "keytable.h"

#define KEYS 500

/* A value, whose key is not at its front. */
struct value {
	uint32_t before;
	uint8_t key[KEYTABLE_KEY];
};

static struct value values[KEYS];

static void
make_key(uint8_t key[static KEYTABLE_KEY], unsigned i)
{
	memset(key, 0, KEYTABLE_KEY);
	bytes_put_u32(key + 28, i);
}

static struct keytable *
new_table(size_t max)
{
	return keytable_new(max, offsetof(struct value, key));
}

/* The value with that number, which is its key. */
static struct value *
value_at(unsigned i)
{
	make_key(values[i].key, i);
	return &values[i];
}

static void
keytable_puts_gets_replaces_removes(void **state)
{
	struct keytable *t = new_table(10);
	struct value other;
	uint8_t a[KEYTABLE_KEY], b[KEYTABLE_KEY];

	(void)state;
	make_key(a, 1);
	make_key(b, 2);
	check_null(keytable_get(t, a));
	check_null(keytable_remove(t, a));
	check_int(keytable_put(t, value_at(1)), 0);
	check_ptr(keytable_get(t, a), &values[1]);
	check_null(keytable_get(t, b));
	make_key(other.key, 1);
	check_int(keytable_put(t, &other), 0);
	check_size(keytable_count(t), 1);
	check_ptr(keytable_get(t, a), &other);
	check_ptr(keytable_remove(t, other.key), &other);
	check_null(keytable_get(t, a));
	check_size(keytable_count(t), 0);
	keytable_free(t);
	keytable_free(NULL);
}

static void
keytable_keeps_its_maximum(void **state)
{
	struct keytable *t = new_table(20);
	uint8_t key[KEYTABLE_KEY];
	struct value other;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		check_int(keytable_put(t, value_at(i)), 0);
	make_key(key, 20);
	check_int(keytable_put(t, value_at(20)), -1);
	check_null(keytable_get(t, key));
	/* replacing needs no room */
	make_key(other.key, 3);
	check_int(keytable_put(t, &other), 0);
	check_size(keytable_count(t), 20);
	check_ptr(keytable_remove(t, other.key), &other);
	check_int(keytable_put(t, value_at(20)), 0);
	keytable_free(t);
}

/* Walks the table: every entry once. */
static void
check_walk(const struct keytable *t, const bool *present)
{
	bool seen[KEYS] = { false };
	size_t at = 0, count = 0;
	const struct value *value;

	while ((value = keytable_next(t, &at)) != NULL) {
		const size_t i = (size_t)(value - values);

		check(i < KEYS && present[i] && !seen[i]);
		seen[i] = true;
		count++;
	}
	check_size(count, keytable_count(t));
}

/* Removal moves entries back; none may be lost by it, whatever the order. */
static void
keytable_agrees_with_an_array(void **state)
{
	struct keytable *t = new_table(KEYS);
	bool present[KEYS] = { false };
	uint8_t key[KEYTABLE_KEY];
	uint32_t random = 1;
	size_t count = 0;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		unsigned i;

		random = random * 1664525 + 1013904223;
		i = (random >> 8) % KEYS;
		make_key(key, i);
		check_ptr(keytable_get(t, key), present[i] ? &values[i] : NULL);
		/* fill and drain in turns */
		if ((random >> 28) < (step / 4000 % 2 == 0 ? 12U : 4U)) {
			check_int(keytable_put(t, value_at(i)), 0);
			count += !present[i];
			present[i] = true;
		} else {
			check_ptr(keytable_remove(t, key),
			    present[i] ? &values[i] : NULL);
			count -= present[i];
			present[i] = false;
		}
		check_size(keytable_count(t), count);
		if (step % 500 == 0)
			check_walk(t, present);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		make_key(key, i);
		check_ptr(keytable_get(t, key), present[i] ? &values[i] : NULL);
	}
	keytable_free(t);
}

static void
keytable_walks_and_ends(void **state)
{
	struct keytable *t = new_table(4);
	size_t at = 0;

	(void)state;
	check_null(keytable_next(t, &at));
	keytable_put(t, value_at(9));
	at = 0;
	check_ptr(keytable_next(t, &at), &values[9]);
	check_null(keytable_next(t, &at));
	keytable_free(t);
}

/* How many of KEYS could be put; the table must hold just those. */
static unsigned
fill(struct keytable *t)
{
	uint8_t key[KEYTABLE_KEY];
	unsigned put = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		make_key(key, i);
		if (keytable_put(t, value_at(i)) == 0) {
			check_ptr(keytable_get(t, key), &values[i]);
			put++;
		} else {
			check_null(keytable_get(t, key));
		}
	}
	check_size(keytable_count(t), put);
	return put;
}

static void
keytable_survives_short_memory(void **state)
{
	size_t n = 1;

	(void)state;
	for (;; n++) {
		struct keytable *t;
		unsigned put = 0;

		fake_alloc_fail_at(n);
		t = new_table(KEYS);
		if (t != NULL)
			put = fill(t);
		keytable_free(t);
		if (!fake_alloc_failed()) {
			check_size(put, KEYS);
			break;
		}
		/* one put failed; the next ones found memory again */
		check_size(put, t == NULL ? 0 : KEYS - 1);
	}
	check(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keytable_puts_gets_replaces_removes),
		cmocka_unit_test(keytable_keeps_its_maximum),
		cmocka_unit_test(keytable_agrees_with_an_array),
		cmocka_unit_test(keytable_walks_and_ends),
		cmocka_unit_test(keytable_survives_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
