/* fixer: how many texts it judges, whatever there is to fix. Time would tell
 * the same on a quiet machine only. */
#include "check.h"

#include "fixer.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)16 << 20)

/* Leaves all as it is. */
static void
all(void *ctx, const struct load *load, struct findings *list)
{
	(void)ctx, (void)load, (void)list;
}

static void
put_head(struct buf *text)
{
	check_int(buf_printf(text, "regions:\n"), 0);
}

/* A region whose host name has capitals, which is a finding that is fixed. */
static void
put_region(struct buf *text, size_t i, const char *more)
{
	check_int(buf_printf(text,
		      "  %zu:\n    regionid: %zu\n    nodes:\n"
		      "      - name: %zua\n        regionid: %zu\n"
		      "        hostname: DERP%zu.relays.net\n%s",
		      i, i, i, i, i, more),
	    0);
}

/* Fixes the text, which is freed; the new one is put into out. */
static struct fixer_result
fix(struct buf *text, struct buf *out)
{
	const struct load_how how = { .form = LOAD_HEADSCALE,
		.as_meant = true };
	const struct fixer_config config = {
		.file = "f", .how = &how, .choose = all
	};
	struct fail why = { .text = "" };
	struct fixer_result result;

	buf_init(out, TEXT_MAX);
	if (fixer_run(out, &result, buf_slice(text), &config, &why) == -1)
		fail_msg("%s", why.text);
	buf_clear(text);
	return result;
}

static bool
holds(const struct buf *b, const char *text)
{
	struct slice s = buf_slice(b);

	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static void
fixer_fixes_all_at_once(void **state)
{
	(void)state;
	for (size_t n = 100; n <= 10000; n *= 10) {
		struct buf text, out;
		struct fixer_result r;

		buf_init(&text, TEXT_MAX);
		put_head(&text);
		for (size_t i = 1; i <= n; i++)
			put_region(&text, i, "");
		r = fix(&text, &out);
		check_size(r.count, n);
		/* the text, the fixed one */
		check_size(r.trials, 2);
		check(!holds(&out, "DERP"));
		buf_clear(&out);
	}
}

/* Every tenth node has an edit that would make a key a second one. */
static void
fixer_leaves_out_what_does_harm(void **state)
{
	(void)state;
	for (size_t n = 400; n <= 4000; n *= 10) {
		struct buf text, out;
		struct fixer_result r;

		buf_init(&text, TEXT_MAX);
		put_head(&text);
		for (size_t i = 1; i <= n; i++)
			put_region(&text, i,
			    i % 10 == 0 ? "        ipv4: 8.8.4.4\n"
					  "        ipv6: 8.8.8.8\n"
					: "");
		r = fix(&text, &out);
		check_size(r.count, n);
		check(r.trials <= 8);
		check(!holds(&out, "DERP"));
		check(holds(&out, "ipv6: 8.8.8.8"));
		buf_clear(&out);
	}
}

/* Two findings about the same text: one edit in each pass. */
static void
fixer_makes_edits_of_one_place_one_after_the_other(void **state)
{
	(void)state;
	for (size_t n = 300; n <= 3000; n *= 10) {
		struct buf text, out;
		struct fixer_result r;

		buf_init(&text, TEXT_MAX);
		put_head(&text);
		for (size_t i = 1; i <= n; i++)
			check_int(
			    buf_printf(&text,
				"  %zu:\n    nodes:\n      - name: %zua\n"
				"        hostname: HTTPS://D%zu.relays.net:8443"
				"\n",
				i, i, i),
			    0);
		r = fix(&text, &out);
		check(r.count >= 3 * n);
		check(r.trials <= 12);
		check(!holds(&out, "://"));
		check(holds(&out, "regionid: 1\n"));
		buf_clear(&out);
	}
}

/* A slip of syntax hides the next one: a pass for each, and a trial. */
static void
fixer_needs_a_trial_for_each_slip_of_syntax(void **state)
{
	const size_t slips = 10;
	struct buf text, out;
	struct fixer_result r;

	(void)state;
	buf_init(&text, TEXT_MAX);
	put_head(&text);
	for (size_t i = 1; i <= 1000; i++)
		put_region(
		    &text, i, i <= slips ? "        derpport:8443\n" : "");
	r = fix(&text, &out);
	check(!holds(&out, "derpport:8443"));
	check(holds(&out, "derpport: 8443"));
	check(r.trials <= slips + 6);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixer_fixes_all_at_once),
		cmocka_unit_test(fixer_leaves_out_what_does_harm),
		cmocka_unit_test(
		    fixer_makes_edits_of_one_place_one_after_the_other),
		cmocka_unit_test(fixer_needs_a_trial_for_each_slip_of_syntax),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
