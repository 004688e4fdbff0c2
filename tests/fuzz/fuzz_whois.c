/* A tailscaled's answer about one key: the first byte says its status, and
 * whether expired keys are denied; then comes the body. */
#include "fuzz.h"
#include "verify_whois.h"

#include <stdio.h>
#include <string.h>

#define KEY                                                                \
	"nodekey:11000000000000000000000000000000000000000000000000000000" \
	"00000009"

static const unsigned statuses[] = { 200, 404, 400, 500 };

static void
check_answer(const struct verify_answer *answer, unsigned status)
{
	FUZZ_CHECK(answer->reason[0] != '\0');
	FUZZ_CHECK(strpbrk(answer->reason, "\r\n\x1b") == NULL);
	FUZZ_CHECK(!answer->fail_open);
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		FUZZ_CHECK(status == 200 && answer->fault == VERIFY_FAULT_NONE);
		break;
	case VERIFY_DENY:
		FUZZ_CHECK(status == 200 || status == 404);
		break;
	case VERIFY_UNKNOWN:
		/* it was there: nobody gets in for its absence */
		FUZZ_CHECK(answer->fault == VERIFY_FAULT_BAD);
		break;
	case VERIFY_NO_OPINION:
		FUZZ_CHECK(answer->verdict != VERIFY_NO_OPINION);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct verify_whois whois = { .now_s = 1700000000 };
	struct fetch_response response = { .status = 0 };
	struct verify_answer answer = { 0 };
	uint8_t *body;

	if (n == 0)
		return 0;
	whois.denies_expired = (data[0] & 4) != 0;
	response.status = statuses[data[0] & 3];
	snprintf(response.status_line, sizeof response.status_line, "%u X",
	    (unsigned)response.status);
	body = malloc(n > 1 ? n - 1 : 1);
	FUZZ_CHECK(body != NULL);
	memcpy(body, data + 1, n - 1);
	response.body = body;
	response.body_len = n - 1;
	verify_whois_judge(&whois, &response, KEY, &answer);
	check_answer(&answer, (unsigned)response.status);
	free(body);
	return 0;
}
