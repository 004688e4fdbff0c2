/* Unit tests of verify/engine/verify_bus. The recording is of a real tailscaled
 * in the tailnet of a real headscale, without what nobody reads. */
#include "verify_bus.h"

#include "check.h"
#include "fake_alloc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define DATA TESTS_DIR "/unit/verify/data/"
#define REST "000000000000000000000000000000000000000000000000000000000000"
#define KEY(two) "nodekey:" two REST two
#define SELF "{\"ID\":1,\"Name\":\"self.x.\",\"Key\":\"" KEY("01") "\"}"
#define PEER(id, two) \
	"{\"ID\":" id ",\"Name\":\"p.x.\",\"Key\":\"" KEY(two) "\"}"
#define STATUS_PEER(id, two)               \
	"\"" KEY(two) "\":{\"NodeID\":" id \
		      ",\"PublicKey\":\"" KEY(two) "\",\"DNSName\":\"p.x.\"}"
#define STATUS(peers)                                           \
	"{\"BackendState\":\"Running\",\"Self\":{\"NodeID\":1," \
	"\"PublicKey\":\"" KEY(                                 \
	    "01") "\",\"DNSName\":\"self.x.\"},\"Peer\":{" peers "}}"

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The nodes in the order of their keys: "01 02! " with ! for an expired one. */
static void
put_nodes(struct writer *w, const struct verify_bus *bus, size_t digits)
{
	struct verify_nodes *list = verify_bus_nodes(bus, NULL);
	char texts[16][16];
	const char *order[16] = { NULL };
	size_t n = 0;

	assert_non_null(list);
	for (const struct verify_node *node = verify_nodes_first(list);
	     node != NULL; node = node->next, n++) {
		char hex[DERP_KEY_HEX_TEXT];

		check(n < 16);
		derp_key_format_hex(&node->key, hex);
		snprintf(texts[n], sizeof texts[n], "%.*s%s", (int)digits, hex,
		    verify_nodes_is_expired(node, INT64_C(4000000000)) ? "!"
								       : "");
		order[n] = texts[n];
	}
	qsort(order, n, sizeof order[0], compare);
	for (size_t i = 0; i < n; i++)
		writer_printf(w, "%s%s", i > 0 ? " " : "", order[i]);
	verify_nodes_free(list);
}

/* What a message does: "+" for changed, "R" for a status to be read, "x" when
 * it is bad, and the nodes after it. */
static const char *
apply(struct verify_bus *bus, const char *message)
{
	static char out[512];
	struct writer w = writer_of(out, sizeof out - 1);
	struct verify_bus_news news;
	struct fail why = { 0 };

	if (verify_bus_apply(bus, slice_str(message), &news, &why) == -1) {
		check(why.text[0] != '\0');
		writer_printf(&w, "x ");
	}
	writer_printf(&w, "%s%s%s", news.changed ? "+" : "",
	    news.resync ? "R" : "",
	    verify_bus_is_connected(bus) ? ": " : "-: ");
	put_nodes(&w, bus, 2);
	out[w.n] = '\0';
	return out;
}

static void
check_steps(const char *const (*steps)[2], size_t n)
{
	struct verify_bus *bus = verify_bus_new();

	assert_non_null(bus);
	for (size_t i = 0; i < n; i++)
		check_text(apply(bus, steps[i][0]), steps[i][1]);
	verify_bus_free(bus);
}

#define CHECK_STEPS(steps) check_steps((steps), sizeof(steps) / sizeof *(steps))

static void
verify_bus_follows_1_100_and_newer(void **state)
{
	static const char *const steps[][2] = {
		{ "{\"Version\":\"1.102.5\"}", "-: " },
		{ "{\"State\":6,\"InitialStatus\":" STATUS(
		      STATUS_PEER("2", "02")) "}",
		    "+: 01 02" },
		{ "{\"PeersChanged\":[" PEER("3", "03") "]}", "+: 01 02 03" },
		/* online or not is nothing new */
		{ "{\"PeersChanged\":[" PEER("3", "03") "]}", ": 01 02 03" },
		/* another key of the same node */
		{ "{\"PeersChanged\":[" PEER("3", "04") "]}", "+: 01 02 04" },
		{ "{\"PeersChanged\":[{\"ID\":3,\"Key\":\"" KEY(
		      "04") "\",\"Expired\":true}]}",
		    "+: 01 02 04!" },
		/* the altered key of one that ran out is nobody's */
		{ "{\"PeersChanged\":[{\"ID\":3,\"Key\":\"nodekey:6da774d5d774"
		  "0000000000000000000000000000000000000000000000000001\","
		  "\"Expired\":true}]}",
		    "+: 01 02" },
		{ "{\"PeersRemoved\":[3]}", "+: 01 02" },
		{ "{\"PeersRemoved\":[3]}", "R: 01 02" },
		{ "{\"PeersRemoved\":[2]}", "+: 01" },
		/* after a full update those that vanished are not named */
		{ "{\"SelfChange\":" SELF
		  ",\"PeersChanged\":[" PEER("5", "05") "]}",
		    "+R: 01 05" },
		{ "{\"PeerChangedPatch\":[{\"NodeID\":5,\"Online\":true}]}",
		    ": 01 05" },
		{ "{\"PeerChangedPatch\":[{\"NodeID\":5,\"Key\":\"" KEY(
		      "06") "\"}]}",
		    "R: 01 05" },
		{ "{\"State\":5}", "-: 01 05" },
		{ "{\"State\":6}", "R: 01 05" },
		{ "{\"State\":4}", "-: 01 05" },
		{ "{\"ErrMessage\":\"IPN bus consumer fell behind; closing "
		  "watch\"}",
		    "R-: 01 05" },
	};

	(void)state;
	CHECK_STEPS(steps);
}

static void
verify_bus_follows_1_96_and_older(void **state)
{
	static const char *const steps[][2] = {
		{ "{\"Version\":\"1.96\",\"SessionID\":\"x\",\"State\":6,"
		  "\"NetMap\":null,\"ErrMessage\":null}",
		    "R: " },
		{ "{\"NetMap\":{\"SelfNode\":" SELF
		  ",\"NodeKey\":\"" KEY("01") "\",\"Peers\":[" PEER(
		      "2", "02") "," PEER("3", "03") "]}}",
		    "+: 01 02 03" },
		{ "{\"NetMap\":{\"SelfNode\":" SELF
		  ",\"Peers\":[" PEER("3", "03") "]}}",
		    "+: 01 03" },
		{ "{\"NetMap\":{\"SelfNode\":" SELF ",\"Peers\":null}}",
		    "+: 01" },
		{ "{\"NetMap\":{\"Peers\":[]}}", "R: 01" },
		{ "{\"NetMap\":{\"SelfNode\":" SELF ",\"Peers\":[{}]}}",
		    "R: 01" },
	};

	(void)state;
	CHECK_STEPS(steps);
}

/* What 1.98 sends for small changes has a form that no other has. */
static void
verify_bus_follows_1_98(void **state)
{
	static const char *const steps[][2] = {
		{ "{\"State\":6}", "R: " },
		{ "{\"NetMap\":{\"SelfNode\":" SELF
		  ",\"Peers\":[" PEER("2", "02") "]}}",
		    "+: 01 02" },
		{ "{\"PeerChanges\":[{\"NodeID\":2,\"Online\":false}]}",
		    "R: 01 02" },
		{ "{\"PeerChanges\":null}", ": 01 02" },
	};

	(void)state;
	CHECK_STEPS(steps);
}

static void
verify_bus_rejects_what_it_does_not_know(void **state)
{
	static const char *const steps[][2] = {
		{ "{\"State\":6,\"InitialStatus\":{}}", "R: " },
		{ "{\"State\":6,\"InitialStatus\":" STATUS("") "}", "+: 01" },
		{ "", "x : 01" },
		{ "{", "x : 01" },
		{ "[]", "x : 01" },
		{ "{\"PeersChanged\":[7]}", "R: 01" },
		{ "{\"PeersChanged\":[{\"ID\":2,\"Key\":\"x\"}]}", "R: 01" },
		{ "{\"PeersChanged\":[{\"ID\":2,\"Key\":\"" KEY(
		      "02") "\",\"KeyExpiry\":7}]}",
		    "R: 01" },
		{ "{\"PeersRemoved\":[\"x\"]}", "R: 01" },
		{ "{\"PeersChanged\":7,\"PeersRemoved\":{}}", ": 01" },
	};

	(void)state;
	CHECK_STEPS(steps);
}

/* The whole status takes the place of everything. */
static void
verify_bus_is_reset_by_a_status(void **state)
{
	struct verify_bus *bus = verify_bus_new();
	struct verify_bus_news news;
	struct fail why = { 0 };
	char out[64];
	struct writer w = writer_of(out, sizeof out - 1);

	(void)state;
	apply(bus, "{\"PeersChanged\":[" PEER("7", "07") "]}");
	check_int(verify_bus_reset(bus,
		      slice_str(STATUS(STATUS_PEER("2", "02"))), &news, &why),
	    0);
	check(news.changed && !news.resync);
	check(verify_bus_is_connected(bus));
	check_int(verify_bus_reset(bus,
		      slice_str("{\"BackendState\":\"Stopped\"}"), &news, &why),
	    -1);
	check_contains(why.text, "its state is Stopped");
	check(!news.changed);
	/* without numbers, as in older releases, the keys count */
	check_int(
	    verify_bus_reset(bus,
		slice_str("{\"BackendState\":\"Running\",\"Self\":{"
			  "\"PublicKey\":\"" KEY(
			      "01") "\"},\"Peer\":{"
				    "\"x\":{\"PublicKey\":\"" KEY(
					"08") "\"},"
					      "\"y\":{\"PublicKey\":\"" KEY(
						  "09") "\"}}}"),
		&news, &why),
	    0);
	put_nodes(&w, bus, 2);
	out[w.n] = '\0';
	check_text(out, "01 08 09");
	verify_bus_free(bus);
}

static struct slice
read_file(const char *path, char *bytes, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	n = fread(bytes, 1, size, f);
	check(n < size);
	fclose(f);
	return slice_of(bytes, n);
}

/* While nodes joined, rotated a key, expired and were deleted: after each
 * change the nodes, and whether a status is wanted. */
static void
verify_bus_follows_a_real_daemon(void **state)
{
	static char bytes[65536];
	char out[1024], before[256] = "", now[256];
	struct writer w = writer_of(out, sizeof out - 1);
	struct verify_bus *bus = verify_bus_new();
	struct slice line,
	    text = read_file(
		DATA "tailscaled-1.102.5-bus.jsonl", bytes, sizeof bytes);

	(void)state;
	while (text.n > 0) {
		struct verify_bus_news news;
		struct writer one = writer_of(now, sizeof now - 1);
		struct fail why = { 0 };

		slice_cut(text, '\n', &line, &text);
		check_int(verify_bus_apply(bus, line, &news, &why), 0);
		put_nodes(&one, bus, 2);
		now[one.n] = '\0';
		check(news.changed == (strcmp(before, now) != 0));
		if (news.changed)
			writer_printf(
			    &w, "%s%s\n", now, news.resync ? " R" : "");
		memcpy(before, now, sizeof before);
	}
	out[w.n] = '\0';
	check_text(out,
	    "2e af\n"
	    "2e af ba R\n"
	    "02 2e af ba R\n"
	    "02 2e af ba ef R\n"
	    "02 2e 98 af ef R\n"
	    "02 2e 98! af ef\n");
	/* the last message has one node less, which only the status tells */
	check(verify_bus_is_connected(bus));
	verify_bus_free(bus);
}

static void
verify_bus_survives_failed_allocations(void **state)
{
	static const char message[] = "{\"State\":6,\"InitialStatus\":" STATUS(
	    STATUS_PEER("2", "02")) ",\"PeersChanged\":[" PEER("3",
	    "03") "],\"PeersRemoved\":[2],\"NetMap\":{\"SelfNode\":" SELF
		  ",\"Peers\":[" PEER("4", "04") "]}}";

	(void)state;
	json_set_alloc_funcs(fake_alloc_malloc, free);
	for (size_t n = 1;; n++) {
		struct verify_bus_news news;
		struct fail why = { 0 };
		struct verify_nodes *list = NULL;
		struct verify_bus *bus;
		int rc = -1;

		fake_alloc_fail_at(n);
		bus = verify_bus_new();
		if (bus != NULL)
			rc = verify_bus_apply(
			    bus, slice_str(message), &news, &why);
		if (rc == 0)
			list = verify_bus_nodes(bus, &why);
		verify_nodes_free(list);
		verify_bus_free(bus);
		if (!fake_alloc_failed()) {
			check(n > 20);
			assert_non_null(list);
			break;
		}
		/* nothing is lost without a word */
		check(list == NULL || news.resync);
	}
	json_set_alloc_funcs(malloc, free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_bus_follows_1_100_and_newer),
		cmocka_unit_test(verify_bus_follows_1_96_and_older),
		cmocka_unit_test(verify_bus_follows_1_98),
		cmocka_unit_test(verify_bus_rejects_what_it_does_not_know),
		cmocka_unit_test(verify_bus_is_reset_by_a_status),
		cmocka_unit_test(verify_bus_follows_a_real_daemon),
		cmocka_unit_test(verify_bus_survives_failed_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
