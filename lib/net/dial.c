/* dial: see dial.h. */
#include "dial.h"

#include "dial_cert.h"
#include "fd_wait.h"
#include "quote.h"
#include "tcp_connect.h"
#include "tls.h"
#include "tls_answer.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dial {
	int fd;
	SSL_CTX *ctx; /* owned; NULL without TLS */
	SSL *ssl;     /* owned; likewise */
	struct tls_answer answer;
	bool eof; /* TCP has ended, with TLS's close_notify or without */
};

static int connect_to(struct dial *d, const struct dial_config *config,
    uint64_t deadline_ms, struct fail *why);
static int start_tls(struct dial *d, const struct dial_config *config,
    uint64_t deadline_ms, struct fail *why);

static int
fail_ssl(struct fail *why, const char *what)
{
	const unsigned long code = ERR_get_error();
	const char *text = ERR_reason_error_string(code);

	ERR_clear_error();
	if (code == 0)
		return fail_errno(why, "%s", what);
	return fail_set(
	    why, "%s: %s", what, text != NULL ? text : "unknown error");
}

/* Made with the first connection, immutable then. */
static _Atomic(BIO_METHOD *) shared_method;

/* A BIO of our own: OpenSSL's socket BIO raises SIGPIPE, and a library must
 * not touch its program's signals. */
static int
bio_read(BIO *bio, char *to, int cap)
{
	struct dial *d = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do
		n = recv(d->fd, to, (size_t)cap, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		tls_answer_keep(&d->answer, slice_of(to, (size_t)n));
	d->eof |= n == 0;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_read(bio);
	return (int)n;
}

static int
bio_write(BIO *bio, const char *from, int n)
{
	const struct dial *d = BIO_get_data(bio);
	ssize_t sent;

	BIO_clear_retry_flags(bio);
	do
		sent = send(d->fd, from, (size_t)n, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	if (sent == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

/* One for all connections: each takes a number, of which a process has 127.
 * NULL when memory is short. */
static const BIO_METHOD *
bio_method(void)
{
	BIO_METHOD *made = NULL, *m = atomic_load(&shared_method);

	if (m != NULL)
		return m;
	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "derp");
	if (m == NULL || BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
		BIO_meth_free(m);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&shared_method, &made, m))
		return m;
	BIO_meth_free(m); /* another thread has made it */
	return made;
}

static enum dial_io
ssl_result(const struct dial *d, int ret, struct fail *why, const char *what)
{
	switch (SSL_get_error(d->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return DIAL_READ;
	case SSL_ERROR_WANT_WRITE:
		return DIAL_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return DIAL_EOF;
	default:
		break;
	}
	/* without close_notify; what is carried here has its own lengths */
	if (d->eof) {
		ERR_clear_error();
		return DIAL_EOF;
	}
	fail_ssl(why, what);
	return DIAL_FAILED;
}

static enum dial_io
plain_result(ssize_t n, enum dial_io again, struct fail *why, const char *what)
{
	if (n > 0)
		return DIAL_DONE;
	if (n == 0)
		return DIAL_EOF;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return again;
	fail_errno(why, "%s", what);
	return DIAL_FAILED;
}

enum dial_io
dial_read(
    struct dial *d, uint8_t *to, size_t cap, size_t *got, struct fail *why)
{
	ssize_t n;
	int ret;

	*got = 0;
	if (d->ssl == NULL) {
		n = recv(d->fd, to, cap, 0);
		if (n > 0)
			*got = (size_t)n;
		return plain_result(n, DIAL_READ, why, "receive");
	}
	ERR_clear_error();
	ret = SSL_read_ex(d->ssl, to, cap, got);
	return ret == 1 ? DIAL_DONE : ssl_result(d, ret, why, "receive");
}

enum dial_io
dial_write(struct dial *d, struct slice bytes, size_t *put, struct fail *why)
{
	ssize_t n;
	int ret;

	*put = 0;
	if (d->ssl == NULL) {
		n = send(d->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n > 0)
			*put = (size_t)n;
		return plain_result(n, DIAL_WRITE, why, "send");
	}
	ERR_clear_error();
	ret = SSL_write_ex(d->ssl, bytes.p, bytes.n, put);
	return ret == 1 ? DIAL_DONE : ssl_result(d, ret, why, "send");
}

struct dial *
dial_open(
    const struct dial_config *config, uint64_t deadline_ms, struct fail *why)
{
	struct dial *d = calloc(1, sizeof *d);

	if (config->fault != NULL)
		*config->fault = DIAL_FAULT_OTHER;
	if (d == NULL) {
		fail_set(why, "out of memory");
		if (config->socket != NULL)
			close(*config->socket);
		return NULL;
	}
	d->fd = config->socket != NULL ? *config->socket : -1;
	if ((d->fd == -1 && connect_to(d, config, deadline_ms, why) == -1) ||
	    (config->tls && start_tls(d, config, deadline_ms, why) == -1)) {
		dial_free(d);
		return NULL;
	}
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	SSL_free(d->ssl);
	SSL_CTX_free(d->ctx);
	if (d->fd != -1)
		close(d->fd);
	free(d);
}

bool
dial_wait(const struct dial *d, enum dial_io io, uint64_t deadline_ms)
{
	const short events = io == DIAL_WRITE ? POLLOUT : POLLIN;

	return fd_wait(d->fd, events, deadline_ms) == 1;
}

void
dial_end(struct dial *d)
{
	if (d->ssl != NULL)
		SSL_shutdown(d->ssl);
	ERR_clear_error();
	shutdown(d->fd, SHUT_WR);
}

int
dial_fd(const struct dial *d)
{
	return d->fd;
}

int
dial_take_fd(struct dial *d)
{
	const int fd = d->fd;

	d->fd = -1;
	return fd;
}

int
dial_take(struct dial *d, int *fd, struct tls **tls, struct fail *why)
{
	if (d->ssl != NULL && SSL_has_pending(d->ssl))
		return fail_set(why, "TLS: part of a record waits");
	*tls = d->ssl != NULL ? tls_adopt(d->ssl) : NULL;
	if (d->ssl != NULL && *tls == NULL)
		return fail_set(why, "out of memory");
	d->ssl = NULL;
	*fd = dial_take_fd(d);
	return 0;
}

const char *
dial_tls_version(const struct dial *d)
{
	return d->ssl != NULL ? SSL_get_version(d->ssl) : "";
}

struct stack_st_X509 *
dial_chain(const struct dial *d)
{
	return d->ssl != NULL ? SSL_get_peer_cert_chain(d->ssl) : NULL;
}

int
dial_connect(const struct netaddr *to, uint64_t deadline_ms, int *error,
    struct fail *why)
{
	struct sockaddr_storage s;
	const socklen_t len = netaddr_to_sockaddr(to, &s);
	const int fd = tcp_connect_until(
	    (const struct sockaddr *)&s, len, 0, deadline_ms, why);

	*error = fd == -1 ? errno : 0;
	return fd;
}

static int
connect_to(struct dial *d, const struct dial_config *config,
    uint64_t deadline_ms, struct fail *why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct fail last = { 0 };
	char port[8];
	int error;

	snprintf(port, sizeof port, "%u", config->port);
	error = getaddrinfo(config->address, port, &hints, &list);
	if (error != 0)
		return fail_set(
		    why, "%s: %s", config->address, gai_strerror(error));
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		last = (struct fail){ 0 };
		d->fd = tcp_connect_until(a->ai_addr, a->ai_addrlen,
		    config->receive_buffer, deadline_ms, &last);
		if (d->fd != -1)
			break;
	}
	freeaddrinfo(list);
	return d->fd != -1 ? 0 : fail_set(why, "%s", last.text);
}

static const char *
hostname_of(const struct dial_config *config)
{
	return config->hostname != NULL ? config->hostname : config->address;
}

static const char *
checked_name(const struct dial_config *config)
{
	if (config->cert_name != NULL)
		return config->cert_name;
	return hostname_of(config);
}

/* Hands the name to OpenSSL's own check of chain and name. */
static int
set_verify_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct netaddr ip;

	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (netaddr_parse_ip(&ip, slice_str(name)) == 0)
		return X509_VERIFY_PARAM_set1_ip_asc(param, name);
	return X509_VERIFY_PARAM_set1_host(param, name, 0);
}

static const char *
variable_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* The roots of a file, or else those that OpenSSL's variables name, or the
 * system's. OpenSSL itself does not read the variables in a program file with
 * capabilities, as in a container. */
static int
load_roots(SSL_CTX *ctx, const char *ca_file, struct fail *why)
{
	if (ca_file != NULL)
		return SSL_CTX_load_verify_file(ctx, ca_file) == 1
		    ? 0
		    : fail_ssl(why, ca_file);
	/* one that is missing has no roots */
	(void)SSL_CTX_load_verify_file(ctx,
	    variable_or(X509_get_default_cert_file_env(),
		X509_get_default_cert_file()));
	(void)SSL_CTX_load_verify_dir(ctx,
	    variable_or(
		X509_get_default_cert_dir_env(), X509_get_default_cert_dir()));
	ERR_clear_error();
	return 0;
}

static int
make_ssl(struct dial *d, const struct dial_config *config, struct fail *why)
{
	const bool roots = config->trust == DIAL_ROOTS;
	struct netaddr ip;
	const char *sni = config->sni;
	const BIO_METHOD *method;
	BIO *bio;

	if (sni == NULL &&
	    netaddr_parse_ip(&ip, slice_str(hostname_of(config))) == -1)
		sni = hostname_of(config);
	d->ctx = SSL_CTX_new(TLS_client_method());
	if (d->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(d->ctx, TLS1_2_VERSION) != 1)
		return fail_ssl(why, "TLS");
	if (roots && load_roots(d->ctx, config->ca_file, why) == -1)
		return -1;
	SSL_CTX_set_verify(
	    d->ctx, roots ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(d->ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	d->ssl = SSL_new(d->ctx);
	method = bio_method();
	bio = method != NULL ? BIO_new(method) : NULL;
	if (d->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return fail_ssl(why, "TLS");
	}
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	SSL_set_bio(d->ssl, bio, bio);
	if ((roots && set_verify_name(d->ssl, checked_name(config)) != 1) ||
	    (sni != NULL && sni[0] != '\0' &&
		SSL_set_tlsext_host_name(d->ssl, sni) != 1))
		return fail_ssl(why, "TLS");
	return 0;
}

/* Tells what came instead of TLS; false: nothing, or it is TLS. */
static bool
explain_answer(struct dial *d, enum dial_fault *fault, struct fail *why)
{
	struct tls_answer *a = &d->answer;
	const enum tls_answer_kind kind = tls_answer_kind(a);
	uint8_t more[TLS_ANSWER_BYTES];
	char shown[QUOTE_TEXT];
	ssize_t n;

	if (kind == TLS_ANSWER_NONE || kind == TLS_ANSWER_TLS)
		return false;
	/* OpenSSL stops after five bytes */
	n = recv(d->fd, more, sizeof more, MSG_DONTWAIT);
	if (n > 0)
		tls_answer_keep(a, slice_of(more, (size_t)n));
	*fault = tls_answer_kind(a) == TLS_ANSWER_HTTP ? DIAL_FAULT_PLAIN_HTTP
						       : DIAL_FAULT_NOT_TLS;
	fail_set(why, "TLS handshake: the answer is %s, it begins with %s",
	    *fault == DIAL_FAULT_PLAIN_HTTP ? "plain HTTP" : "not TLS",
	    quote_text(shown, slice_of(a->first, a->n)));
	return true;
}

/* Whether the server chose a version that we do not speak, or refused all that
 * we do. We speak the newer ones, so that its own are older than TLS 1.2. */
static bool
is_old_tls(unsigned long code)
{
	const int reason = ERR_GET_REASON(code);

	return ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    (reason == SSL_R_UNSUPPORTED_PROTOCOL ||
		reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

/* What ended the handshake: the reason that TLS gives, or what is clearer. */
static int
fail_handshake(struct dial *d, enum dial_io io, const struct fail *reason,
    enum dial_fault *fault, struct fail *why)
{
	if (explain_answer(d, fault, why))
		return -1;
	if (*fault == DIAL_FAULT_OLD_TLS)
		return fail_set(
		    why, "TLS handshake: the server has no TLS 1.2 or newer");
	if (io != DIAL_EOF)
		return fail_set(why, "%s", reason->text);
	return fail_set(why,
	    "TLS handshake: the other side closed the connection%s",
	    d->answer.n == 0 ? " without an answer" : "");
}

static int
handshake(struct dial *d, enum dial_trust trust, uint64_t deadline_ms,
    enum dial_fault *fault, struct fail *why)
{
	struct fail reason;
	enum dial_io io;
	long verdict;
	int ret;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_connect(d->ssl);
		if (ret == 1)
			return 0;
		verdict = SSL_get_verify_result(d->ssl);
		if (verdict != X509_V_OK && trust == DIAL_ROOTS)
			return fail_set(why, "certificate: %s",
			    X509_verify_cert_error_string(verdict));
		if (is_old_tls(ERR_peek_error()))
			*fault = DIAL_FAULT_OLD_TLS;
		reason = (struct fail){ 0 };
		io = ssl_result(d, ret, &reason, "TLS handshake");
		if (io != DIAL_READ && io != DIAL_WRITE)
			return fail_handshake(d, io, &reason, fault, why);
		if (!dial_wait(d, io, deadline_ms)) {
			*fault = DIAL_FAULT_SILENT;
			return fail_set(why, "TLS handshake: timed out");
		}
	}
}

static int
start_tls(struct dial *d, const struct dial_config *config,
    uint64_t deadline_ms, struct fail *why)
{
	enum dial_fault ignored = DIAL_FAULT_OTHER;
	enum dial_fault *fault =
	    config->fault != NULL ? config->fault : &ignored;
	STACK_OF(X509) * chain;

	if (make_ssl(d, config, why) == -1 ||
	    handshake(d, config->trust, deadline_ms, fault, why) == -1)
		return -1;
	chain = dial_chain(d);
	if (chain == NULL)
		return fail_set(why, "certificate: none was sent");
	if (config->trust == DIAL_PIN)
		return dial_cert_judge_pin(
		    chain, config->pin, checked_name(config), why);
	return 0;
}
