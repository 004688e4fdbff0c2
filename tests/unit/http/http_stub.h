/*
 * http_stub: an HTTP server for tests that says exactly the bytes it is told,
 * and may then close, wait for another request, or hang.
 *
 * Header only, because every test is one source file. Life: http_stub_open or
 * http_stub_open_unix -> http_stub_close. Threads: answer runs on one thread
 * per connection.
 */
#ifndef DERPKIT_HTTP_STUB_H
#define DERPKIT_HTTP_STUB_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HTTP_STUB_REQUEST 8192
#define HTTP_STUB_CONNECTIONS 2048

enum http_stub_then {
	STUB_CLOSE, /* the connection is closed */
	STUB_KEEP,  /* another request may come */
	STUB_HANG,  /* nothing more until the other side goes */
};

struct http_stub_reply {
	const char *bytes; /* what is sent */
	size_t n;          /* how many; 0: strlen(bytes) */
	enum http_stub_then then;
};

struct http_stub_connection {
	struct http_stub *stub;
	int fd; /* locked by stub->lock; -1: closed */
	pthread_t thread;
};

struct http_stub {
	/* set by the test before it opens the stub */
	struct http_stub_reply reply;
	/* or: decides by the request (head and body), may block */
	void (*answer)(struct http_stub *s, const char *request,
	    struct http_stub_reply *reply);
	void *ctx;
	/* read by the test */
	char url[64]; /* "http://127.0.0.1:PORT" */
	atomic_int requests, connections;
	char last[HTTP_STUB_REQUEST]; /* the last request; locked by lock */
	/* its own */
	pthread_mutex_t lock;
	int fd;
	char path[108];
	pthread_t acceptor;
	struct http_stub_connection served[HTTP_STUB_CONNECTIONS];
};

/* Bytes of body that the head announces. */
static inline size_t
http_stub_body_len(const char *head)
{
	const char *field = strstr(head, "Content-Length: ");

	return field != NULL
	    ? (size_t)strtoul(field + strlen("Content-Length: "), NULL, 10)
	    : 0;
}

/* Reads one request; false when the peer went. */
static inline bool
http_stub_read(int fd, char request[HTTP_STUB_REQUEST])
{
	size_t n = 0, want = 0;

	memset(request, 0, HTTP_STUB_REQUEST);
	while (want == 0 || n < want) {
		ssize_t got =
		    recv(fd, request + n, HTTP_STUB_REQUEST - 1 - n, 0);
		const char *end;

		if (got <= 0)
			return false;
		n += (size_t)got;
		end = strstr(request, "\r\n\r\n");
		if (end != NULL)
			want = (size_t)(end + 4 - request) +
			    http_stub_body_len(request);
	}
	return true;
}

static inline bool
http_stub_turn(struct http_stub *s, int fd)
{
	char request[HTTP_STUB_REQUEST];
	struct http_stub_reply reply = s->reply;
	char byte;

	if (!http_stub_read(fd, request))
		return false;
	pthread_mutex_lock(&s->lock);
	memcpy(s->last, request, sizeof s->last);
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->requests, 1);
	if (s->answer != NULL)
		s->answer(s, request, &reply);
	if (reply.bytes != NULL)
		send(fd, reply.bytes,
		    reply.n != 0 ? reply.n : strlen(reply.bytes), MSG_NOSIGNAL);
	if (reply.then == STUB_HANG)
		while (recv(fd, &byte, 1, 0) > 0)
			;
	return reply.then == STUB_KEEP;
}

static inline void *
http_stub_serve(void *arg)
{
	struct http_stub_connection *c = arg;
	int fd;

	pthread_mutex_lock(&c->stub->lock);
	fd = c->fd;
	pthread_mutex_unlock(&c->stub->lock);
	while (http_stub_turn(c->stub, fd))
		;
	pthread_mutex_lock(&c->stub->lock);
	close(fd);
	c->fd = -1;
	pthread_mutex_unlock(&c->stub->lock);
	return NULL;
}

/* Allocates nothing: tests let allocations fail meanwhile. */
static inline void *
http_stub_accept(void *arg)
{
	struct http_stub *s = arg;

	for (;;) {
		struct http_stub_connection *c;
		int fd = accept(s->fd, NULL, NULL);

		if (fd == -1)
			return NULL;
		pthread_mutex_lock(&s->lock);
		assert(atomic_load(&s->connections) < HTTP_STUB_CONNECTIONS);
		c = &s->served[atomic_fetch_add(&s->connections, 1)];
		c->stub = s;
		c->fd = fd;
		assert(
		    pthread_create(&c->thread, NULL, http_stub_serve, c) == 0);
		pthread_mutex_unlock(&s->lock);
	}
}

static inline void
http_stub_start(struct http_stub *s)
{
	pthread_mutex_init(&s->lock, NULL);
	assert(listen(s->fd, 64) == 0);
	assert(pthread_create(&s->acceptor, NULL, http_stub_accept, s) == 0);
}

static inline void
http_stub_open(struct http_stub *s)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t n = sizeof a;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(s->fd, (struct sockaddr *)&a, n) == 0);
	assert(getsockname(s->fd, (struct sockaddr *)&a, &n) == 0);
	snprintf(
	    s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(a.sin_port));
	http_stub_start(s);
}

static inline void
http_stub_open_unix(struct http_stub *s, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	const size_t n = strlen(path);

	assert(n < sizeof a.sun_path && n < sizeof s->path);
	memcpy(a.sun_path, path, n);
	memcpy(s->path, path, n);
	unlink(path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(s->fd, (struct sockaddr *)&a, sizeof a) == 0);
	http_stub_start(s);
}

/* Breaks every connection off and waits for the threads. */
static inline void
http_stub_close(struct http_stub *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	close(s->fd);
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < atomic_load(&s->connections); i++)
		if (s->served[i].fd != -1)
			shutdown(s->served[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < atomic_load(&s->connections); i++)
		pthread_join(s->served[i].thread, NULL);
	pthread_mutex_destroy(&s->lock);
	if (s->path[0] != '\0')
		unlink(s->path);
}

/* A port on loopback where nobody listens, nor will: it stays bound until the
 * process ends. */
static inline int
http_stub_dead_port(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t n = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(bind(fd, (struct sockaddr *)&a, n) == 0);
	assert(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	return ntohs(a.sin_port);
}

#endif
