/* doctor_stun: whether the relay's own STUN server answers. */
#include "doctor_checks.h"

#include "clock.h"
#include "doctor_address.h"
#include "resolve.h"
#include "stun.h"

#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3
#define TRY_MS 700
#define RESOLVE_MS 5000
#define DATAGRAM_MAX 1500

static const char name[] = "stun";

/* Waits for the answer to that question; false: none has come in time. */
static bool
take_answer(
    int fd, const uint8_t txid[static STUN_TXID], struct netaddr *mapped)
{
	const uint64_t end_ms = clock_now_ms() + TRY_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t datagram[DATAGRAM_MAX], got[STUN_TXID];
	uint64_t now_ms;
	ssize_t n;

	while ((now_ms = clock_now_ms()) < end_ms) {
		if (poll(&p, 1, (int)(end_ms - now_ms)) != 1)
			return false;
		n = recv(fd, datagram, sizeof datagram, MSG_DONTWAIT);
		if (n == -1)
			return false; /* nobody is there */
		if (stun_response_parse(
			slice_of(datagram, (size_t)n), got, mapped) == 0 &&
		    memcmp(got, txid, STUN_TXID) == 0)
			return true;
	}
	return false;
}

static bool
ask(const struct netaddr *to, struct netaddr *mapped)
{
	uint8_t txid[STUN_TXID], request[STUN_REQUEST];
	struct writer w;
	struct sockaddr_storage sa;
	const socklen_t len = netaddr_to_sockaddr(to, &sa);
	const int fd =
	    socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool answered = false;

	if (fd == -1)
		return false;
	if (connect(fd, (const struct sockaddr *)&sa, len) == -1) {
		close(fd);
		return false;
	}
	for (int i = 0; i < TRIES && !answered; i++) {
		randombytes_buf(txid, sizeof txid);
		w = writer_of(request, sizeof request);
		stun_request_put(&w, txid);
		if (send(fd, request, w.n, 0) != -1)
			answered = take_answer(fd, txid, mapped);
	}
	close(fd);
	return answered;
}

/* Asks at one address; the level counts when nobody answers. */
static void
look_at(const struct doctor_subject *d, const struct netaddr *to,
    enum doctor_level level, const char *advice)
{
	char text[NETADDR_TEXT], seen[NETADDR_TEXT];
	struct netaddr mapped;

	netaddr_format(to, text);
	if (!ask(to, &mapped)) {
		doctor_report_add(d->report, name, level, advice,
		    "nobody answers on udp %s", text);
		return;
	}
	netaddr_format(&mapped, seen);
	doctor_report_add(d->report, name, DOCTOR_OK, NULL,
	    "udp %s answers, and sees this machine as %s", text, seen);
}

/* At the addresses that clients use. */
static void
look_at_name(const struct doctor_subject *d, uint16_t port)
{
	struct resolve_answer answer = { .n = 0 };

	if (!config_has_hostname(d->config) ||
	    resolve_name(d->config->hostname, clock_now_ms() + RESOLVE_MS,
		&answer, NULL) != RESOLVE_OK)
		return; /* the check of names has told */
	for (size_t i = 0; i < answer.n; i++) {
		answer.v[i].port = port;
		look_at(d, &answer.v[i], DOCTOR_WARNING,
		    "open and forward the UDP port; some routers refuse what "
		    "comes from inside: try from elsewhere, with derpmap "
		    "probe");
	}
}

void
doctor_stun(const struct doctor_subject *d)
{
	const struct netaddr to =
	    doctor_address_from_here(&d->found->setup.stun_addr);

	if (!d->config->stun || d->pid == 0) {
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL, "%s",
		    d->config->stun ? "no relay is running" : "-stun=false");
		return;
	}
	look_at(d, &to, DOCTOR_ERROR,
	    "see the relay's log, and firewall rules for the loopback "
	    "interface");
	look_at_name(d, to.port);
}
