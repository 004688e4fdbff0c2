/* Unit tests of verify/engine/verify_headscale: a unix socket at which somebody
 * else listens. */
#include "unit/verify/engine.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HELD_MAX 16

/* Hangs up on who sends a request. To who waits for the other side to speak
 * first it sends a part of a frame, and no more. */
struct mute {
	pthread_t thread;
	int fd;
	atomic_bool stop;
};

static void *
serve(void *ctx)
{
	struct mute *m = ctx;
	int held[HELD_MAX];
	size_t count = 0;

	while (!m->stop) {
		struct pollfd p = { .fd = m->fd, .events = POLLIN };

		if (poll(&p, 1, 20) != 1)
			continue;
		p.fd = accept(m->fd, NULL, NULL);
		if (poll(&p, 1, 200) == 0 && count < HELD_MAX &&
		    send(p.fd, "\0\0", 2, MSG_NOSIGNAL) == 2)
			held[count++] = p.fd;
		else
			close(p.fd);
	}
	while (count > 0)
		close(held[--count]);
	return NULL;
}

static const char *
socket_path(void)
{
	static char path[108];

	snprintf(path, sizeof path, "%s/socket", engine_dir());
	return path;
}

static void
mute_open(struct mute *m)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path());
	m->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check_int(bind(m->fd, (struct sockaddr *)&at, sizeof at), 0);
	check_int(listen(m->fd, 8), 0);
	check_int(pthread_create(&m->thread, NULL, serve, m), 0);
}

static void
mute_close(struct mute *m)
{
	m->stop = true;
	pthread_join(m->thread, NULL);
	close(m->fd);
}

static void
headscale_waits_for_no_frame_that_does_not_come(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify_config config = { .context.notice = engine_notice,
		.context.notice_ctx = &notices };
	struct mute mute = { .fd = -1 };
	struct verify *v;

	(void)state;
	mute_open(&mute);
	engine_add(&config, "headscale", socket_path());
	v = engine_new(&config);
	engine_await_notice(&notices, socket_path());
	verify_free(v);
	mute_close(&mute);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "socket", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    headscale_waits_for_no_frame_that_does_not_come),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
