/* probe_stun: see probe_stun.h. */
#include "probe_stun.h"

#include "clock.h"
#include "stun.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3
#define TRY_MS 500 /* until the next try; the last one waits until the end */
#define DATAGRAM_MAX 1500

/* One question. */
struct question {
	int fd;
	struct netaddr to;
	uint8_t txid[STUN_TXID];
	uint64_t sent_us;
};

struct answer {
	struct netaddr mapped, source;
	uint64_t time_us;
};

bool
probe_stun_is_private(const struct netaddr *a)
{
	static const char *const v4[] = { "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
		"127.0.0.0/8" };
	static const char *const v6[] = { "fc00::/7", "fe80::/10", "::1/128" };

	if (!a->is_v4) {
		for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++)
			if (netaddr_in(a, v6[i]))
				return true;
		return false;
	}
	for (size_t i = 0; i < sizeof v4 / sizeof v4[0]; i++)
		if (netaddr_in(a, v4[i]))
			return true;
	return false;
}

static int
open_socket(struct question *q, struct fail *why)
{
	struct sockaddr_storage s;

	netaddr_to_sockaddr(&q->to, &s);
	q->fd =
	    socket(s.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return q->fd == -1 ? fail_errno(why, "socket") : 0;
}

static int
send_request(struct question *q, struct fail *why)
{
	uint8_t bytes[STUN_REQUEST];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct sockaddr_storage s;
	const socklen_t len = netaddr_to_sockaddr(&q->to, &s);

	stun_request_put(&w, q->txid);
	q->sent_us = clock_now_us();
	if (sendto(q->fd, bytes, w.n, 0, (const struct sockaddr *)&s, len) ==
	    -1)
		return fail_errno(why, "send");
	return 0;
}

/* One datagram: whether it is the answer. */
static bool
read_answer(const struct question *q, struct answer *answer)
{
	uint8_t bytes[DATAGRAM_MAX], txid[STUN_TXID];
	struct sockaddr_storage s = { 0 };
	socklen_t len = sizeof s;
	const ssize_t n = recvfrom(
	    q->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&s, &len);

	if (n <= 0 ||
	    stun_response_parse(
		slice_of(bytes, (size_t)n), txid, &answer->mapped) == -1 ||
	    memcmp(txid, q->txid, sizeof txid) != 0)
		return false;
	answer->time_us = clock_now_us() - q->sent_us;
	netaddr_from_sockaddr(&answer->source, &s);
	return true;
}

/* Whether the answer came until then. */
static bool
await(const struct question *q, struct answer *answer, uint64_t until_ms)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	uint64_t now_ms;

	while ((now_ms = clock_now_ms()) < until_ms) {
		if (poll(&p, 1, (int)(until_ms - now_ms)) != 1)
			continue;
		if (read_answer(q, answer))
			return true;
	}
	return false;
}

static int
ask(const struct probe_context *c, struct question *q, struct answer *answer,
    struct fail *why)
{
	const uint64_t end_ms = probe_visit_deadline(c, PROBE_STUN_MS);

	if (open_socket(q, why) == -1)
		return -1;
	for (int i = 1; i <= TRIES; i++) {
		const uint64_t next_ms = probe_visit_deadline(c, TRY_MS);
		const bool is_last = i == TRIES || next_ms >= end_ms;

		randombytes_buf(q->txid, sizeof q->txid);
		if (send_request(q, why) == -1)
			return -1;
		if (await(q, answer, is_last ? end_ms : next_ms))
			return 0;
		if (is_last)
			break;
	}
	return fail_set(why, "no answer to %d requests", TRIES);
}

/* Our own address on the way there; unset when the kernel does not say. */
static void
local_address(const struct netaddr *to, struct netaddr *local)
{
	struct sockaddr_storage s;
	socklen_t len = netaddr_to_sockaddr(to, &s);
	const int fd = socket(s.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*local = (struct netaddr){ 0 };
	if (fd == -1)
		return;
	if (connect(fd, (const struct sockaddr *)&s, len) == 0) {
		len = sizeof s;
		if (getsockname(fd, (struct sockaddr *)&s, &len) == 0)
			netaddr_from_sockaddr(local, &s);
	}
	close(fd);
}

static bool
same_ip(const struct netaddr *a, const struct netaddr *b)
{
	return a->is_v4 == b->is_v4 && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* A private address that is not our own was put there by a NAT: in front of us
 * it would be public, so it is in front of the relay. */
static void
judge_mapped(struct probe_visit *v, const struct question *q, const char *tried)
{
	struct netaddr local;
	char mapped[NETADDR_TEXT];
	enum probe_kind kind;

	local_address(&q->to, &local);
	if (same_ip(&v->mapped, &local) || !probe_stun_is_private(&v->mapped))
		return;
	kind = probe_stun_is_private(&q->to) ? PROBE_STUN_NAT_LIKELY
					     : PROBE_STUN_NAT;
	netaddr_format(&v->mapped, mapped);
	probe_finding_add(
	    &v->findings, kind, tried, "it sees this machine as %s", mapped);
	v->steps[PROBE_STEP_STUN].state =
	    kind == PROBE_STUN_NAT ? PROBE_BAD : PROBE_ODD;
}

static void
judge(struct probe_visit *v, const struct question *q,
    const struct answer *answer, const char *tried)
{
	struct probe_result *step = &v->steps[PROBE_STEP_STUN];
	char source[NETADDR_TEXT];

	step->state = PROBE_GOOD;
	step->time_us = answer->time_us;
	v->mapped = answer->mapped;
	if (!same_ip(&answer->source, &q->to) ||
	    answer->source.port != q->to.port) {
		netaddr_format(&answer->source, source);
		probe_finding_add(&v->findings, PROBE_STUN_OTHER_SOURCE, tried,
		    "an answer from %s", source);
		step->state = PROBE_ODD;
	}
	judge_mapped(v, q, tried);
}

void
probe_stun(const struct probe_context *c)
{
	struct probe_visit *v = c->visit;
	struct question q = { .fd = -1, .to = v->address };
	struct answer answer = { 0 };
	struct fail why = { 0 };
	struct netaddr test_ip;
	char tried[PROBE_WHERE_MAX];

	if (netaddr_parse_ip(&test_ip, slice_str(v->node->stun_ip)) == 0 &&
	    test_ip.is_v4 == v->address.is_v4)
		q.to = test_ip;
	q.to.port = (uint16_t)v->node->stun_port;
	probe_visit_where(
	    tried, v, "STUN request to", (uint16_t)v->node->stun_port);
	if (ask(c, &q, &answer, &why) == 0) {
		judge(v, &q, &answer, tried);
	} else if (!probe_visit_is_over(c)) {
		probe_finding_add(
		    &v->findings, PROBE_STUN_SILENT, tried, "%s", why.text);
		v->steps[PROBE_STEP_STUN].state = PROBE_ODD;
	}
	if (q.fd != -1)
		close(q.fd);
}
