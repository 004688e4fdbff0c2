/* stun_server: see stun_server.h. */
#include "stun_server.h"

#include "clock.h"
#include "stun.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define STUN_BATCH 32      /* datagrams per system call */
#define STUN_DATAGRAM 1500 /* longer ones are cut and thus not valid */
#define STUN_CONTROL 128   /* room for the packet-info of both families */

struct datagram {
	uint8_t bytes[STUN_DATAGRAM];
	uint8_t reply[STUN_RESPONSE_MAX];
	_Alignas(struct cmsghdr) uint8_t control[STUN_CONTROL];
	struct sockaddr_storage from;
	struct iovec iov;
};

struct stun_server {
	struct loop *loop;
	struct loop_watch watch;
	struct counters *counters; /* borrowed, the worker's */
	struct mmsghdr messages[STUN_BATCH];
	struct datagram datagrams[STUN_BATCH];
};

static void
prepare(struct stun_server *s)
{
	for (size_t i = 0; i < STUN_BATCH; i++) {
		struct datagram *d = &s->datagrams[i];

		d->iov = (struct iovec){ d->bytes, sizeof d->bytes };
		s->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &d->from,
			.msg_namelen = sizeof d->from,
			.msg_iov = &d->iov,
			.msg_iovlen = 1,
			.msg_control = d->control,
			.msg_controllen = sizeof d->control,
		};
	}
}

/* The reply leaves from the address that was asked, by whatever way routing
 * finds: the interface that the request came in on is forgotten, except for
 * link-local addresses, which mean nothing without it. */
static void
keep_source_only(struct msghdr *h)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m != NULL;
	     m = CMSG_NXTHDR(h, m)) {
		struct in6_pktinfo info6;
		struct in_pktinfo info;

		if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(m), sizeof info);
			info.ipi_ifindex = 0;
			memcpy(CMSG_DATA(m), &info, sizeof info);
		} else if (m->cmsg_level == IPPROTO_IPV6 &&
		    m->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(m), sizeof info6);
			if (!IN6_IS_ADDR_LINKLOCAL(&info6.ipi6_addr))
				info6.ipi6_ifindex = 0;
			memcpy(CMSG_DATA(m), &info6, sizeof info6);
		}
	}
}

/* Turns message i into the reply to it; false when it deserves none. The
 * packet-info that came with it stays, so that the reply leaves from the
 * address that was asked. */
static bool
answer(struct stun_server *s, size_t i)
{
	struct datagram *d = &s->datagrams[i];
	struct writer w = writer_of(d->reply, sizeof d->reply);
	uint8_t txid[STUN_TXID];
	struct netaddr from;

	if (!stun_request_parse(
		slice_of(d->bytes, s->messages[i].msg_len), txid)) {
		counters_add(&s->counters->stun_not_stun, 1);
		return false;
	}
	netaddr_from_sockaddr(&from, &d->from);
	stun_response_put(&w, txid, &from);
	keep_source_only(&s->messages[i].msg_hdr);
	d->iov = (struct iovec){ d->reply, w.n };
	counters_add(&s->counters->stun_success, 1);
	counters_add(&s->counters->stun_ipv4, from.is_v4);
	return true;
}

/* A reply that cannot be sent now is lost, as any datagram may be; one that can
 * never be sent (to port 0, say, which anybody can forge) must not take those
 * behind it along. */
static void
send_replies(struct stun_server *s, unsigned replies)
{
	unsigned at = 0;
	int n;

	while (at < replies) {
		n = sendmmsg(
		    s->watch.fd, s->messages + at, replies - at, MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			return;
		counters_add(&s->counters->stun_write_failed, n == -1);
		at += n == -1 ? 1U : (unsigned)n;
	}
}

static void
ready(void *ctx, unsigned events)
{
	struct stun_server *s = ctx;
	unsigned replies = 0;
	uint64_t took_us;
	int n;

	(void)events;
	prepare(s);
	n = recvmmsg(s->watch.fd, s->messages, STUN_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		if (answer(s, (size_t)i))
			s->messages[replies++].msg_hdr = s->messages[i].msg_hdr;
	send_replies(s, replies);
	if (replies == 0)
		return;
	/* others had their turn before; all have waited as long as the first */
	took_us = clock_now_us() - loop_now_us(s->loop);
	for (unsigned i = 0; i < replies; i++)
		counter_histogram_add(&s->counters->stun_answer_us,
		    &counters_bounds_stun_answer_us, took_us);
}

struct stun_server *
stun_server_new(struct loop *loop, int fd, struct counters *counters)
{
	struct stun_server *s = calloc(1, sizeof *s);
	const int on = 1;

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	/* one of the two does not apply to the socket's family */
	(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	s->loop = loop;
	s->counters = counters;
	s->watch = (struct loop_watch){
		.fd = fd, .events = LOOP_READ, .ready = ready, .ctx = s
	};
	if (loop_watch(loop, &s->watch) == -1) {
		stun_server_free(s);
		return NULL;
	}
	return s;
}

void
stun_server_free(struct stun_server *s)
{
	int fd;

	if (s == NULL)
		return;
	fd = s->watch.fd;
	loop_unwatch(s->loop, &s->watch);
	close(fd);
	free(s);
}
