/*
 * verify_url: asks an admission controller, as the Go derper's
 * --verify-client-url does; headscale answers it on POST /verify.
 *
 * The controller is unreachable, and fail-open takes effect, only when there
 * was no response, and not for a shortage of ours, nor for a URL, roots or a
 * certificate that cannot be used (DIFFERS: the Go derper lets everybody in
 * then); every response counts, and all but a 200 with {"Allow":true}
 * mean no. The verdict then: an Allow that is false and a 403 deny the key; any
 * other response says nothing about the key (a wrong path, a broken controller)
 * and is unknown, which the relay treats as a denial too. Source: tailscale
 * derp/derpserver/derpserver.go (verifyClient), tailcfg/derpmap.go.
 */
#include "admit.h"
#include "fetch.h"
#include "fetch_config.h"
#include "url_text.h"
#include "verify_source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How long a server that is not trusted is not taken to be away when a question
 * gets no further than its socket. */
#define UNTRUSTED_MS 60000

struct url {
	struct verify_source source; /* first */
	/* immutable */
	char *url;                   /* owned */
	char *ca_file;               /* owned, or NULL */
	struct fetch_client *client; /* owned */
	/* atomic, by now_ms: when anybody last got through to it, 0: never;
	 * when it was last found not to be trusted, 0: it answered since; when
	 * somebody who had the time for it last found it away, 0: never */
	_Atomic uint64_t answered_ms, untrusted_ms, away_ms;
};

static void
judge_body(const struct fetch_response *response,
    const struct verify_question *q, struct verify_answer *answer)
{
	struct slice body = slice_of(response->body, response->body_len);
	char key[DERP_KEY_TEXT], ip[NETADDR_TEXT] = "";
	struct fail why = { 0 };
	bool allow;

	derp_key_format(q->key, key);
	/* DIFFERS: without an address Go says "/invalid IP", which reads as the
	 * reason */
	if (q->client != NULL)
		netaddr_format_ip(q->client, ip);
	if (admit_response_parse(body, &allow, &why) == -1)
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "admission controller: bad answer: %s", why.text);
	else if (!allow)
		verify_answer_set(answer, VERIFY_DENY,
		    "admission controller: %s%s%s not allowed", key,
		    ip[0] != '\0' ? "/" : "", ip);
	else
		verify_answer_set(answer, VERIFY_ALLOW,
		    "allowed by the admission controller");
}

/* What a status usually means that says nothing about the key. */
static const char *
hint_for(const struct url *u, unsigned status)
{
	switch (status) {
	case 400:
		return strncasecmp(u->url, "https:", 6) == 0
		    ? ""
		    : " (if it serves TLS on that port, its URL begins with "
		      "https://)";
	case 401:
		return " (it wants a token in the URL, "
		       "https://relay:TOKEN@HOST/verify)";
	case 404:
	case 405:
		return " (headscale 0.24 and newer answer on /verify: is the "
		       "path of the URL right?)";
	default:
		return "";
	}
}

static void
judge(const struct url *u, const struct fetch_response *response,
    const struct verify_question *q, struct verify_answer *answer)
{
	if (response->status == 200)
		judge_body(response, q, answer);
	else if (response->status == 403)
		verify_answer_set(answer, VERIFY_DENY,
		    "admission controller: %s", response->status_line);
	else
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "admission controller: %s%s", response->status_line,
		    hint_for(u, response->status));
}

/*
 * No answer in time. When the question had to wait for its turn while the
 * controller answered others, the time was lost here and the controller is
 * reachable: nobody may be admitted for that, or many connections at once could
 * get past a controller that denies them. When it answered nobody, it hangs.
 * But one that shows another certificate is there, however slowly: or a flood
 * of logins would turn broken trust into an outage.
 */
static bool
was_not_trusted(const struct url *u, uint64_t now_ms)
{
	const uint64_t since_ms = atomic_load(&u->untrusted_ms);

	/* another thread's question may have seen it after now_ms */
	return since_ms != 0 &&
	    (since_ms >= now_ms || now_ms - since_ms < UNTRUSTED_MS);
}

/* Whether most of the question's time was gone when it got here, spent in the
 * queue or by another source, and the rest of it ran out: that shows nothing
 * about the controller. A refusal of the network before that does. */
static bool
had_no_time(const struct verify_question *q, uint64_t left_ms)
{
	return left_ms < (q->deadline_ms - q->asked_ms) / 2 &&
	    verify_source_left_ms(q) <= left_ms / 10;
}

/* left_ms: what the question had left when it began to ask. */
static void
judge_unreachable(struct url *u, const struct verify_question *q,
    uint64_t left_ms, const char *why, struct verify_answer *answer)
{
	const uint64_t all_ms = q->deadline_ms - q->asked_ms;
	const bool waited = left_ms < all_ms - all_ms / 10;
	const bool no_time = had_no_time(q, left_ms);

	if (waited && atomic_load(&u->answered_ms) >= q->asked_ms) {
		verify_answer_set_fault(answer, VERIFY_FAULT_OURS,
		    "admission controller: too many questions at once: %s",
		    why);
		return;
	}
	if (was_not_trusted(u, q->now_ms())) {
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "admission controller: not trusted a moment ago: %s", why);
		return;
	}
	if (no_time && atomic_load(&u->away_ms) < q->asked_ms) {
		verify_answer_set_fault(answer, VERIFY_FAULT_OURS,
		    "admission controller: no time left to ask it: %s", why);
		return;
	}
	if (!no_time)
		atomic_store(&u->away_ms, q->now_ms());
	verify_answer_set_fault(answer, VERIFY_FAULT_AWAY,
	    "admission controller unreachable: %s", why);
}

static void
ask(struct verify_source *s, const struct verify_question *q,
    struct verify_answer *answer)
{
	/* upstream sends no type at all */
	static const char *const headers[] = { "Content-Type:", NULL };
	struct url *u = (struct url *)s;
	uint8_t bytes[ADMIT_REQUEST_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);
	const uint64_t left_ms = verify_source_left_ms(q);
	struct slice body;
	struct fetch_request request = {
		.url = u->url,
		.ca_file = u->ca_file,
		.headers = headers,
		.post = &body,
		.timeout_ms = left_ms,
		.body_max = ADMIT_BODY_MAX,
		.stop = q->stop,
	};
	struct fetch_response response;
	struct fail why = { 0 };

	admit_request_put(&w, q->key, q->client);
	body = writer_slice(&w);
	switch (fetch(u->client, &request, &response, &why)) {
	case FETCH_OK:
		atomic_store(&u->answered_ms, q->now_ms());
		atomic_store(&u->untrusted_ms, 0);
		judge(u, &response, q, answer);
		break;
	case FETCH_UNREACHABLE:
		judge_unreachable(u, q, left_ms, why.text, answer);
		break;
	case FETCH_BROKEN:
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "admission controller: incomplete response: %s", why.text);
		break;
	case FETCH_UNTRUSTED: /* a broken configuration is not an outage */
		atomic_store(&u->answered_ms, q->now_ms());
		atomic_store(&u->untrusted_ms, q->now_ms());
		verify_answer_set_fault(answer, VERIFY_FAULT_BAD,
		    "admission controller: not trusted: %s", why.text);
		break;
	case FETCH_SHORT:
		verify_answer_set_fault(answer, VERIFY_FAULT_OURS,
		    "cannot ask the admission controller: %s", why.text);
		break;
	}
	fetch_response_clear(&response);
}

static void
close_url(struct verify_source *s)
{
	struct url *u = (struct url *)s;

	fetch_client_free(u->client);
	free(u->ca_file);
	free(u->url);
	free(u);
}

static int
check_url(const char *argument, struct fail *why)
{
	bool has_path;

	return fetch_config_check_url(argument, &has_path, why);
}

static struct verify_source *
open_url(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	static const struct verify_source_ops ops = {
		.ask = ask,
		.close = close_url,
	};
	const char *ca_file = config->ca_file;
	const bool own_roots = ca_file != NULL && ca_file[0] != '\0';
	struct url *u;
	bool has_path;

	if (fetch_config_check_url(config->argument, &has_path, why) == -1 ||
	    (own_roots && fetch_config_check_roots(ca_file, why) == -1))
		return NULL;
	if (!has_path)
		verify_source_notify(context,
		    "admission controller %s: the URL has no path; headscale "
		    "answers on /verify",
		    url_text_origin(config->argument).text);
	u = calloc(1, sizeof *u);
	if (u == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	u->source = (struct verify_source){
		.ops = &ops,
		.blocks = true,
		.reads_client = true,
	};
	u->url = strdup(config->argument);
	u->ca_file = own_roots ? strdup(ca_file) : NULL;
	u->client = fetch_client_new(context->threads);
	if (u->url != NULL && u->client != NULL &&
	    (u->ca_file != NULL || !own_roots))
		return &u->source;
	close_url(&u->source);
	fail_set(why, "out of memory");
	return NULL;
}

const struct verify_source_kind verify_url_kind = {
	.name = "url",
	.tool_option = "url",
	.argument_name = "URL",
	.tool_help = "ask an admission controller: headscale's /verify",
	.needs_argument = true,
	.uses_ca_file = true,
	.can_fail_open = true,
	.check = check_url,
	.open = open_url,
};
