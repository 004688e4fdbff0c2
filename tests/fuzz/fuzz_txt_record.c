/* DNS answers with TXT records: what is found fits, and is found again. */
#include "fuzz.h"
#include "txt_record.h"

#include <string.h>

#define ROOM 64

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t text[ROOM], again[ROOM];
	struct writer w = writer_of(text, sizeof text);
	struct writer v = writer_of(again, sizeof again);

	if (txt_record_parse(slice_of(data, n), &w) == -1)
		return 0;
	FUZZ_CHECK(w.n <= ROOM && !w.failed && n > w.n);
	FUZZ_CHECK(txt_record_parse(slice_of(data, n), &v) == 0);
	FUZZ_CHECK(v.n == w.n && memcmp(text, again, w.n) == 0);
	return 0;
}
