/* doctor_report: see doctor_report.h. */
#include "doctor_report.h"

#include "json_member.h"
#include "quote.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 2048
#define INDENT 23 /* columns before a text */

static const char *const words[DOCTOR_LEVELS] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_ERROR] = "error",
	[DOCTOR_SKIPPED] = "skipped",
};

void
doctor_report_init(struct doctor_report *r)
{
	*r = (struct doctor_report){ .checks = json_array() };
}

void
doctor_report_clear(struct doctor_report *r)
{
	json_decref(r->checks);
	r->checks = NULL;
}

static json_t *
text_json(const char *text)
{
	char clean[TEXT_MAX * QUOTE_PUT_GROWTH];
	struct writer w = writer_of(clean, sizeof clean);

	if (text == NULL)
		return json_null();
	quote_put(&w, slice_str(text));
	return json_stringn(clean, w.n);
}

void
doctor_report_add(struct doctor_report *r, const char *check,
    enum doctor_level level, const char *advice, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;
	json_t *one;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	r->counts[level]++;
	one = json_pack("{s:s, s:s, s:o, s:o}", "check", check, "level",
	    words[level], "text", text_json(text), "advice", text_json(advice));
	if (json_array_append_new(r->checks, one) == -1)
		r->is_short = true;
}

static void
print_text(const struct doctor_report *r)
{
	const json_t *one;
	const char *before = "";
	size_t i;

	json_array_foreach(r->checks, i, one)
	{
		const char *check = json_member_text(one, "check");
		const char *advice = json_member_text(one, "advice");

		printf("%-8s %-12s  %s\n", json_member_text(one, "level"),
		    strcmp(check, before) != 0 ? check : "",
		    json_member_text(one, "text"));
		if (advice[0] != '\0')
			printf("%*s-> %s\n", INDENT, "", advice);
		before = check;
	}
	printf("%u error%s, %u warning%s\n", r->counts[DOCTOR_ERROR],
	    r->counts[DOCTOR_ERROR] == 1 ? "" : "s", r->counts[DOCTOR_WARNING],
	    r->counts[DOCTOR_WARNING] == 1 ? "" : "s");
}

static int
print_json(const struct doctor_report *r, pid_t pid, struct fail *why)
{
	json_t *all =
	    json_pack("{s:s, s:o, s:i, s:i, s:O}", "version", DERPKIT_VERSION,
		"relay_pid", pid != 0 ? json_integer(pid) : json_null(),
		"errors", (int)r->counts[DOCTOR_ERROR], "warnings",
		(int)r->counts[DOCTOR_WARNING], "checks", r->checks);

	if (all == NULL)
		return fail_set(why, "out of memory");
	if (json_dumpf(all, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(all);
	return 0;
}

int
doctor_report_print(
    const struct doctor_report *r, bool as_json, pid_t pid, struct fail *why)
{
	if (r->is_short)
		return fail_set(why, "out of memory");
	if (!as_json)
		print_text(r);
	else if (print_json(r, pid, why) == -1)
		return -1;
	return 0;
}
