/* headscale_version: see headscale_version.h. */
#include "headscale_version.h"

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
