/* txt_record: see txt_record.h. */
#include "txt_record.h"

#include <arpa/nameser.h>
#include <limits.h>
#include <netinet/in.h>
#include <resolv.h>

#define ANSWER_MAX 4096 /* bytes */

/* Strings, each with its length before it. */
static int
put_strings(struct slice data, struct writer *text)
{
	struct reader r = { .rest = data };
	struct slice one;

	while (r.rest.n > 0 && !r.failed) {
		one = reader_take(&r, reader_u8(&r));
		writer_bytes(text, one.p, one.n);
	}
	return r.failed || text->failed ? -1 : 0;
}

int
txt_record_parse(struct slice answer, struct writer *text)
{
	ns_msg message;
	ns_rr record;

	if (answer.n > INT_MAX ||
	    ns_initparse(answer.p, (int)answer.n, &message) == -1)
		return -1;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) == -1)
			return -1;
		if (ns_rr_type(record) == ns_t_txt)
			return put_strings(
			    slice_of(ns_rr_rdata(record), ns_rr_rdlen(record)),
			    text);
	}
	return -1;
}

int
txt_record_lookup(const char *name, struct writer *text)
{
	struct __res_state state = { 0 };
	uint8_t answer[ANSWER_MAX];
	int n;

	if (res_ninit(&state) == -1)
		return -1;
	n = res_nquery(&state, name, ns_c_in, ns_t_txt, answer, sizeof answer);
	res_nclose(&state);
	if (n <= 0)
		return -1;
	return txt_record_parse(
	    slice_of(answer, n < ANSWER_MAX ? (size_t)n : ANSWER_MAX), text);
}
