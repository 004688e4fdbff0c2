/* session: see session.h. */
#include "session.h"

#include "admission.h"
#include "client.h"
#include "client_events.h"
#include "conn.h"
#include "conn_input.h"
#include "derp_handshake.h"
#include "derp_msg.h"
#include "frames.h"
#include "relay.h"
#include "worker.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/* What is kept of a connection from the upgrade until it is a client. */
struct login {
	struct relay *relay;         /* borrowed */
	struct derp_session session; /* from ClientInfo on */
	uint8_t flags;               /* enum derp_present_flags; likewise */
	bool not_ideal;
};

static const struct conn_protocol login_phase, admission_phase, running_phase;

void
session_begin(
    struct conn *conn, struct relay *relay, struct slice head, bool not_ideal)
{
	struct login *login = calloc(1, sizeof *login);
	uint8_t bytes[512];
	struct writer w = writer_of(bytes, sizeof bytes);

	if (login == NULL) {
		conn_end(conn, "out of memory");
		return;
	}
	login->relay = relay;
	login->not_ideal = not_ideal;
	conn_become(conn, &login_phase, login);
	writer_bytes(&w, head.p, head.n);
	derp_server_key_put(&w, relay->shared->public_key);
	assert(!w.failed);
	conn_deadline(conn, SESSION_LOGIN_MS);
	/* a frame alone can wait for ServerInfo, which under fast start is due
	 * in the same turn: one send less per login */
	if (head.n == 0 && !stream_blocked(&conn->stream))
		conn_send_control(conn, writer_slice(&w), false);
	else
		conn_write(conn, writer_slice(&w));
}

static void
login_free(void *session)
{
	struct login *login = session;

	derp_session_clear(&login->session);
	free(login);
}

static void
login_failed(struct conn *conn, const char *why)
{
	counters_add(&conn->worker->counters->login_failed, 1);
	conn_log(conn, "derp:", why);
}

static void
login_timed_out(struct conn *conn)
{
	conn_fail(conn, "receive client key: i/o timeout");
}

static void
login_read_ended(struct conn *conn, const char *why)
{
	conn_fail(conn, "receive client key: %s", why[0] != '\0' ? why : "EOF");
}

/* ServerKey waits for ServerInfo: nothing else will send it. */
static void
login_ended(struct conn *conn, const char *why)
{
	(void)why;
	conn_flush(conn);
}

/* Registers the client and sends ServerInfo, which must be the first frame
 * after ServerKey: others may address it from here on, but nothing of theirs is
 * handled before this turn's memory holds the frame. */
static void
start_running(struct conn *conn)
{
	struct login *login = conn->session;
	uint8_t frame[256];
	struct writer w = writer_of(frame, sizeof frame);
	struct client *client;

	if (derp_server_info_put(&w, &login->session) == -1) {
		conn_end(conn, "cannot seal ServerInfo");
		return;
	}
	client = client_join(
	    conn, login->relay, &login->session.client, login->flags);
	if (client == NULL)
		return;
	if (client->is_mesh)
		conn_be_patient(conn);
	conn_become(conn, &running_phase, client);
	client_events_connected(client);
	conn_deadline(conn, client_keep_alive_ms(client));
	/* a backlog goes out disco first: before a full socket it would let
	 * packets overtake */
	if (stream_blocked(&conn->stream))
		conn_write(conn, writer_slice(&w));
	else
		conn_send_control(conn, writer_slice(&w), false);
}

static void
log_rejected(struct conn *conn, const struct derp_key *key, const char *reason)
{
	char remote[NETADDR_TEXT], text[DERP_KEY_TEXT];

	if (!log_allowed(
		&conn->worker->log_login, loop_now_ms(conn->worker->loop)))
		return;
	netaddr_format(&conn->remote, remote);
	derp_key_format(key, text);
	log_warn("derp: %s: client %s rejected: %s", remote, text, reason);
}

static void
log_fail_open(
    struct conn *conn, struct login *login, const struct verify_answer *answer)
{
	char text[DERP_KEY_TEXT];

	if (!log_allowed(
		&login->relay->log_fail_open, loop_now_ms(conn->worker->loop)))
		return;
	derp_key_format(&login->session.client, text);
	log_warn("admission controller unreachable; allowing client %s (%s)",
	    text, answer->reason);
}

/* What a client is told whose answer was overtaken by a change. */
static void
rechecked(struct conn *conn, const struct verify_answer *answer)
{
	if (conn->protocol == &running_phase && !conn->ended &&
	    answer->verdict != VERIFY_ALLOW)
		admission_end(conn, answer->reason);
}

/* Keys lost their right between the answer and the registration: the change did
 * not find this client, and later ones will. */
static void
recheck(struct conn *conn, uint64_t epoch)
{
	const struct client *client = conn->session;
	const struct relay_shared *shared = client->relay->shared;
	struct verify_answer answer = { 0 };

	if (shared->verify == NULL || client->is_mesh ||
	    verify_current_epoch(shared->verify) == epoch)
		return;
	switch (admission_ask(
	    shared, conn, client_key(client), rechecked, &answer)) {
	case ADMISSION_DECIDED:
		rechecked(conn, &answer);
		return;
	case ADMISSION_PENDING:
		return;
	case ADMISSION_NO_MEMORY:
		conn_end(conn, "out of memory");
		return;
	}
}

/* The answer of admission: it runs from here on, or ends. */
static void
decide(struct conn *conn, const struct verify_answer *answer)
{
	struct login *login = conn->session;

	if (answer->verdict != VERIFY_ALLOW) {
		counters_add(&conn->worker->counters->rejected, 1);
		log_rejected(conn, &login->session.client, answer->reason);
		conn_end(conn, NULL);
		return;
	}
	if (answer->fail_open) {
		counters_add(&conn->worker->counters->admitted_fail_open, 1);
		log_fail_open(conn, login, answer);
	}
	start_running(conn);
	if (!conn->ended)
		recheck(conn, answer->epoch);
}

/* The same when the answer comes later. One that timed out meanwhile has ended,
 * and its address leads nowhere. */
static void
answered(struct conn *conn, const struct verify_answer *answer)
{
	if (conn->protocol != &admission_phase)
		return;
	decide(conn, answer);
	if (conn->ended)
		return;
	conn_resume(conn, CONN_PAUSE_ADMISSION);
	conn_input_saved(conn); /* what came after ClientInfo */
}

/* What the client is. The key that all nodes of a mesh know is compared in
 * constant time; one that is wrong, or not wanted, makes an ordinary client. */
static uint8_t
flags_of(const struct login *login, const struct derp_client_info *info)
{
	const struct relay_mesh_key *mesh = &login->relay->shared->mesh_key;
	unsigned flags = 0;

	if (mesh->is_set &&
	    sodium_memcmp(info->mesh_key, mesh->b, sizeof mesh->b) == 0)
		flags |= DERP_PRESENT_MESH;
	if (info->is_prober)
		flags |= DERP_PRESENT_PROBER;
	if (login->not_ideal)
		flags |= DERP_PRESENT_NOT_IDEAL;
	return flags != 0 ? (uint8_t)flags : DERP_PRESENT_REGULAR;
}

/* A mesh peer is admitted whatever verification says. */
static void
ask_admission(struct conn *conn)
{
	struct login *login = conn->session;
	struct verify_answer answer = { 0 };

	if ((login->flags & DERP_PRESENT_MESH) != 0) {
		answer.verdict = VERIFY_ALLOW;
		decide(conn, &answer);
		return;
	}
	switch (admission_ask(login->relay->shared, conn,
	    &login->session.client, answered, &answer)) {
	case ADMISSION_DECIDED:
		decide(conn, &answer);
		return;
	case ADMISSION_PENDING:
		conn_become(conn, &admission_phase, login);
		conn_pause(conn, CONN_PAUSE_ADMISSION);
		conn_deadline(conn, SESSION_ADMISSION_MS);
		return;
	case ADMISSION_NO_MEMORY:
		conn_end(conn, "out of memory");
		return;
	}
}

/* What is wrong with the first frame. */
static void
describe_bad_login(const struct derp_frame *f, struct fail *why)
{
	if (f->type != DERP_CLIENT_INFO)
		fail_set(why, "bad frame type 0x%x, want 0x%x", f->type,
		    DERP_CLIENT_INFO);
	else
		fail_set(why,
		    f->len < DERP_MIN_CLIENT_INFO ? "short client info"
						  : "long client info");
}

static size_t
login_input(struct conn *conn, uint8_t *p, size_t n)
{
	struct login *login = conn->session;
	struct derp_client_info info;
	struct fail why = { 0 };
	struct derp_frame f;
	size_t used;

	switch (derp_frame_cut_login(p, n, &f, &used)) {
	case DERP_CUT_FRAME:
		if (derp_client_info_open(f.body,
			login->relay->shared->private_key, &login->session,
			&info, &why) == 0) {
			login->flags = flags_of(login, &info);
			sodium_memzero(&info, sizeof info);
			ask_admission(conn);
			return used;
		}
		break;
	case DERP_CUT_MORE:
		return 0;
	case DERP_CUT_SKIP:
	case DERP_CUT_BAD:
		describe_bad_login(&f, &why);
		break;
	}
	conn_fail(conn, "receive client key: %s", why.text);
	return 0;
}

/* Nothing is handled before the answer. */
static size_t
admission_input(struct conn *conn, uint8_t *p, size_t n)
{
	(void)conn;
	(void)p;
	(void)n;
	return 0;
}

static void
admission_failed(struct conn *conn, const char *why)
{
	struct login *login = conn->session;

	client_log(login->relay, conn, &login->session.client, why);
}

static void
admission_timed_out(struct conn *conn)
{
	const struct verify_answer too_long = { .verdict = VERIFY_DENY,
		.reason = "admission took too long" };

	decide(conn, &too_long);
}

static void
admission_ended(struct conn *conn, const char *why)
{
	const struct login *login = conn->session;

	(void)why;
	admission_cancel(login->relay->shared, conn, &login->session.client);
}

static void
running_failed(struct conn *conn, const char *why)
{
	struct client *client = conn->session;

	client_log(client->relay, conn, client_key(client), why);
}

static void
running_timed_out(struct conn *conn)
{
	const uint64_t after_ms = client_keep_alive_ms(conn->session);
	uint8_t frame[DERP_HEADER];
	struct writer w = writer_of(frame, sizeof frame);

	/* for as long as from one keep-alive to the next */
	if (stream_stalled(&conn->stream)) {
		conn_fail(conn, "part of a TLS record, and no end of it");
		return;
	}
	derp_keep_alive_put(&w);
	conn_send_control(conn, writer_slice(&w), false);
	conn_deadline(conn, after_ms);
}

/* An ordinary end or reset is not worth a line. */
static void
running_read_ended(struct conn *conn, const char *why)
{
	if (!conn->broken || why[0] == '\0')
		return;
	counters_add(&conn->worker->counters->read_failed, 1);
	conn_fail(conn, "%s", why);
}

static void
running_shut_down(struct conn *conn)
{
	const struct client *client = conn->session;
	uint64_t timeout_ms = client->relay->shared->drain_timeout_ms;
	uint8_t frame[DERP_HEADER + 8];
	struct writer w = writer_of(frame, sizeof frame);

	derp_restarting_put(&w, 0, (uint32_t)timeout_ms);
	conn_send_control(conn, writer_slice(&w), false);
}

static void
running_ended(struct conn *conn, const char *why)
{
	client_events_disconnected(conn->session, why);
	client_leave(conn->session);
}

static void
running_free(void *session)
{
	client_free(session);
}

static const struct conn_protocol login_phase = {
	.max_reads = SESSION_LOGIN_READS,
	.awaits = "receive client key",
	.input = login_input,
	.timed_out = login_timed_out,
	.read_ended = login_read_ended,
	.failed = login_failed,
	.ended = login_ended,
	.free_session = login_free,
};

static const struct conn_protocol admission_phase = {
	.input = admission_input,
	.timed_out = admission_timed_out,
	.failed = admission_failed,
	.ended = admission_ended,
	.free_session = login_free,
};

static const struct conn_protocol running_phase = {
	.logged_in = true,
	.input = frames_input,
	.room = frames_room,
	.framing = frames_framing,
	.timed_out = running_timed_out,
	.read_ended = running_read_ended,
	.failed = running_failed,
	.shut_down = running_shut_down,
	.ended = running_ended,
	.free_session = running_free,
};

const struct client *
session_client(const struct conn *conn)
{
	return conn->protocol == &running_phase && !conn->ended ? conn->session
								: NULL;
}
