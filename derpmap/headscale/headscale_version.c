/* headscale_version: see headscale_version.h. */
#include "headscale_version.h"

#include <stdint.h>
#include <string.h>

static const struct headscale_version versions[] = {
	[HEADSCALE_0_26] = { .name = "0.26",
	    .null_region = HEADSCALE_NULL_SENT,
	    .paths_first = true,
	    .skips_broken = true,
	    .load_error = "",
	    .checks_region = true,
	    .default_update = "" },
	[HEADSCALE_0_27] = { .name = "0.27",
	    .null_region = HEADSCALE_NULL_REMOVES,
	    .load_error = "failed to get DERPMap",
	    .default_update = "3h" },
	[HEADSCALE_0_28] = { .name = "0.28",
	    .null_region = HEADSCALE_NULL_REMOVES,
	    .load_error = "failed to get DERPMap",
	    .default_update = "3h" },
	[HEADSCALE_0_29] = { .name = "0.29",
	    .null_region = HEADSCALE_NULL_REMOVES,
	    .load_error = "getting DERPMap",
	    .skips_bad_url = true,
	    .default_update = "3h" },
	[HEADSCALE_HEAD] = { .name = "head",
	    .null_region = HEADSCALE_NULL_IGNORED,
	    .load_error = "getting DERPMap",
	    .skips_bad_url = true,
	    .default_update = "3h" },
};

const struct headscale_version *
headscale_version_at(size_t n)
{
	return n < sizeof versions / sizeof versions[0] ? &versions[n] : NULL;
}

const char *
headscale_version_name(size_t n)
{
	const struct headscale_version *version = headscale_version_at(n);

	return version != NULL ? version->name : NULL;
}

/* Whether that is what comes after the name in 0.28.1 or 0.28.0-beta.1. */
static bool
is_patch(const char *rest)
{
	size_t digits;

	if (rest[0] == '\0')
		return true;
	if (rest[0] != '.')
		return false;
	digits = strspn(rest + 1, "0123456789");
	return digits > 0 &&
	    (rest[1 + digits] == '\0' || rest[1 + digits] == '-');
}

size_t
headscale_version_find(const char *text)
{
	const char *name;

	if (text[0] == 'v')
		text++;
	for (size_t n = 0; (name = headscale_version_name(n)) != NULL; n++)
		if (strncmp(text, name, strlen(name)) == 0 &&
		    is_patch(text + strlen(name)))
			return n;
	return SIZE_MAX;
}
