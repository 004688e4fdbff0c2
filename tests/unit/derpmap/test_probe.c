/* Unit tests of derpmap/probe: plan, mapped addresses, dates, findings. */
#include "probe_plan.h"

#include "load.h"
#include "probe_http.h"
#include "probe_metrics.h"
#include "probe_stun.h"

#include <stdlib.h>

#include "check.h"

/* --- URLs --- */

static void
url_is(const char *url, const char *host, int64_t port, bool tls)
{
	struct probe_node *node;
	struct probe_plan plan;
	struct fail why = { .text = "" };

	check_int(probe_plan_init(&plan), 0);
	check_int(probe_plan_add_url(&plan, url, &node, &why), 0);
	check_text(node->host, host);
	check_int(node->derp_port, port);
	check_int(node->tls, tls);
	probe_plan_clear(&plan);
}

static void
url_is_refused(const char *url)
{
	struct probe_plan plan;
	struct fail why = { .text = "" };

	check_int(probe_plan_init(&plan), 0);
	check_int(probe_plan_add_url(&plan, url, NULL, &why), -1);
	check_contains(why.text, url);
	check_size(plan.n, 0);
	probe_plan_clear(&plan);
}

static void
probe_plan_reads_urls(void **state)
{
	(void)state;
	url_is("https://derp.example.org", "derp.example.org", 443, true);
	url_is("https://derp.example.org./", "derp.example.org", 443, true);
	url_is("https://x:8443/derp", "x", 8443, true);
	url_is("http://127.0.0.1", "127.0.0.1", 80, false);
	url_is("https://[2001:db8::1]:1", "2001:db8::1", 1, true);
	url_is("https://[2001:db8::1]", "2001:db8::1", 443, true);
	url_is_refused("derp.example.org");
	url_is_refused("ftp://x");
	url_is_refused("https://");
	url_is_refused("https://:443");
	url_is_refused("https://x:");
	url_is_refused("https://x:0");
	url_is_refused("https://x:65536");
	url_is_refused("https://[::1");
	url_is_refused("https://[::1]443");
	url_is_refused("https://u@x");
	url_is_refused("https://x/other");
	url_is_refused("https://x?q");
	url_is_refused("https://a b");
}

/* --- maps --- */

static const char map_text[] =
    "{\"Regions\":{\"900\":{\"RegionID\":900,\"RegionCode\":\"a\",\"Nodes\":["
    "{\"Name\":\"1a\",\"HostName\":\"x.\"},null,"
    "{\"Name\":\"1b\",\"HostName\":\"y\",\"STUNPort\":-1,\"DERPPort\":8443}]},"
    "\"901\":null,"
    "\"902\":{\"RegionCode\":\"b\",\"Nodes\":[{\"Name\":\"2a\"}]}}}";

static int
add_map(struct probe_plan *plan, const char *region, const char *node,
    struct fail *why)
{
	const struct probe_choice choice = {
		.regions = &region,
		.region_count = region != NULL,
		.nodes = &node,
		.node_count = node != NULL,
	};
	struct load l;
	int result;

	check_int(probe_plan_init(plan), 0);
	check_int(
	    load_text(&l, "map", slice_str(map_text), LOAD_JSON, NULL), 0);
	result = probe_plan_add_map(plan, &l.map, &choice, why);
	load_close(&l); /* the plan has copies */
	return result;
}

static void
probe_plan_takes_nodes_of_maps(void **state)
{
	struct fail why = { .text = "" };
	struct probe_plan plan;

	(void)state;
	check_int(add_map(&plan, NULL, NULL, &why), 0);
	check_size(plan.n, 3);
	check_text(plan.nodes[0].host, "x");
	check_int(plan.nodes[0].derp_port, 443);
	check_int(plan.nodes[0].stun_port, 3478);
	check_text(plan.nodes[1].name, "1b");
	check_int(plan.nodes[1].derp_port, 8443);
	check_int(plan.nodes[1].stun_port, -1);
	check_int(plan.nodes[2].region, 902);
	probe_plan_clear(&plan);
	check_int(add_map(&plan, "b", NULL, &why), 0);
	check_size(plan.n, 1);
	probe_plan_clear(&plan);
	check_int(add_map(&plan, "900", "1b", &why), 0);
	check_size(plan.n, 1);
	probe_plan_clear(&plan);
	check_int(add_map(&plan, "900", "2a", &why), -1);
	check_text(why.text, "the map has no node 2a in these regions");
	probe_plan_clear(&plan);
	why.text[0] = '\0';
	check_int(add_map(&plan, "c", NULL, &why), -1);
	check_text(why.text, "the map has no region c");
	probe_plan_clear(&plan);
}

/* --- what answers tell --- */

static void
address_is(const char *text, bool is_private)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	check_int(probe_stun_is_private(&a), is_private);
}

static void
probe_stun_knows_private_addresses(void **state)
{
	(void)state;
	address_is("10.255.0.1", true);
	address_is("172.16.0.1", true);
	address_is("172.31.255.255", true);
	address_is("172.32.0.1", false);
	address_is("192.168.1.1", true);
	address_is("192.169.1.1", false);
	address_is("100.64.0.1", true);
	address_is("100.128.0.1", false);
	address_is("169.254.1.1", true);
	address_is("127.0.0.1", true);
	address_is("203.0.113.1", false);
	address_is("fd00::1", true);
	address_is("fe80::1", true);
	address_is("::1", true);
	address_is("2001:db8::1", false);
}

static void
probe_http_reads_dates(void **state)
{
	(void)state;
	check_int(probe_http_date(slice_str("Sun, 06 Nov 1994 08:49:37 GMT")),
	    784111777);
	check_int(
	    probe_http_date(slice_str("Sunday, 06-Nov-94 08:49:37 GMT")), -1);
	check_int(
	    probe_http_date(slice_str("Sun Nov  6 08:49:37 1994     ")), -1);
	check_int(
	    probe_http_date(slice_str("Sun, 06 Nov 1994 08:49:37 CET")), -1);
	check_int(probe_http_date(slice_str("")), -1);
}

/* --- findings --- */

static void
probe_finding_escapes_and_is_bounded(void **state)
{
	struct probe_findings list = { 0 };
	struct probe_finding *f;

	(void)state;
	f = probe_finding_add(
	    &list, PROBE_TCP_FAILED, "a\033b", "%s", "c\033[31md");
	check(f != NULL);
	check_text(f->tried, "a\\x1bb");
	check_text(f->got, "c\\x1b[31md");
	check_text(f->hint, "");
	check(probe_finding_has(&list, PROBE_TCP_FAILED));
	check(!probe_finding_has(&list, PROBE_TCP_SILENT));
	while (list.n < PROBE_FINDINGS_MAX)
		check(probe_finding_add(&list, PROBE_TCP_FAILED, "", "x") !=
		    NULL);
	check(probe_finding_add(&list, PROBE_TCP_FAILED, "", "x") == NULL);
	check(!list.is_short);
	probe_findings_clear(&list);
	check_size(list.n, 0);
}

static void
every_kind_has_its_texts(void **state)
{
	(void)state;
	for (enum probe_kind i = 0; i < PROBE_KIND_COUNT; i++) {
		const struct probe_kind_row *row = probe_kind_row(i);

		check(row->id != NULL && row->id[0] != '\0');
		check(row->title != NULL && row->means != NULL);
		check(row->advice != NULL && row->advice[0] != '\0');
		for (enum probe_kind j = 0; j < i; j++)
			check(strcmp(row->id, probe_kind_row(j)->id) != 0);
	}
}

/* A name may be any text; a line that Prometheus cannot read costs all. */
static void
probe_metrics_escapes_names(void **state)
{
	struct probe_node node = { .region = 1, .name = "a\"b\\c\nd\xff" };
	struct probe_visit visit = { .node = &node };
	struct probe_findings of_node = { 0 };
	const struct probe_plan plan = { .nodes = &node, .n = 1 };
	const struct probe_report report = {
		.plan = &plan,
		.visits = &visit,
		.visit_count = 1,
		.family_count = 1,
		.of_node = &of_node,
	};
	struct buf out;

	(void)state;
	visit.address.is_set = visit.address.is_v4 = true;
	buf_init(&out, PROBE_METRICS_MAX);
	check_int(probe_metrics(&out, &report), 0);
	check_int(buf_append(&out, "", 1), 0);
	check_contains((const char *)buf_slice(&out).p,
	    "derpmap_probe_up{region=\"1\",node=\"a\\\"b\\\\c\\nd?\","
	    "family=\"ipv4\"} 1\n");
	buf_clear(&out);
	buf_init(&out, 100);
	check_int(probe_metrics(&out, &report), -1);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_plan_reads_urls),
		cmocka_unit_test(probe_plan_takes_nodes_of_maps),
		cmocka_unit_test(probe_stun_knows_private_addresses),
		cmocka_unit_test(probe_http_reads_dates),
		cmocka_unit_test(probe_finding_escapes_and_is_bounded),
		cmocka_unit_test(every_kind_has_its_texts),
		cmocka_unit_test(probe_metrics_escapes_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
