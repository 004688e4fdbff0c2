/* verify_kinds: see verify_kinds.h. A new source has its row here. */
#include "verify_kinds.h"

#include <assert.h>
#include <string.h>

#define KINDS(X)                  \
	X(verify_tailscaled_kind) \
	X(verify_url_kind)        \
	X(verify_file_kind)       \
	X(verify_headscale_kind)  \
	X(verify_api_kind)        \
	X(verify_command_kind)

#define DECLARE(kind) extern const struct verify_source_kind kind;
#define ROW(kind) &kind,

KINDS(DECLARE)

static const struct verify_source_kind *const kinds[] = { KINDS(ROW) };

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static_assert(KIND_COUNT <= VERIFY_KINDS_MAX, "programs have room for all");

const struct verify_source_kind *
verify_kinds_get(size_t n)
{
	return n < KIND_COUNT ? kinds[n] : NULL;
}

const struct verify_source_kind *
verify_kinds_find(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}
