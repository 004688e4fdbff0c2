/* report: see report.h. */
#include "report.h"

#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static const struct report_format formats[] = {
	{ "text", report_text, "for people, as compilers do" },
	{ "json", report_json, "for programs" },
};

const struct report_format *
report_formats(size_t *count)
{
	*count = sizeof formats / sizeof formats[0];
	return formats;
}

const struct report_format *
report_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

static void
put_count(FILE *to, const struct findings *list, enum severity severity,
    const char **separator)
{
	size_t count = 0;

	for (const struct finding *f = list->first; f != NULL; f = f->next)
		count += f->severity == severity;
	if (count == 0)
		return;
	fprintf(to, "%s%zu %s%s", *separator, count, severity_name(severity),
	    count == 1 ? "" : "s");
	*separator = ", ";
}

void
report_summary(FILE *to, const struct findings *list)
{
	const char *separator = "";

	put_count(to, list, SEVERITY_ERROR, &separator);
	put_count(to, list, SEVERITY_WARNING, &separator);
	put_count(to, list, SEVERITY_INFO, &separator);
	if (list->first == NULL)
		fputs("no findings", to);
}

/* C0, DEL and C1, among them what terminals take for commands. */
static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

char *
report_clean(const char *text, bool printable)
{
	struct slice rest = slice_str(text);
	/* the longest replacement is of 4 bytes, for one */
	char *out = reallocarray(NULL, rest.n + 1, 4);
	size_t used = 0, n;
	uint32_t code;

	if (out == NULL)
		return NULL;
	for (; rest.n > 0; rest = slice_of(rest.p + n, rest.n - n)) {
		n = utf8_next(rest, &code);
		if (n == 0) {
			n = 1;
			memcpy(out + used, "\xef\xbf\xbd", 3);
			used += 3;
		} else if (printable && is_control(code)) {
			snprintf(out + used, 5, "\\x%02x", code & 0xff);
			used += 4;
		} else {
			memcpy(out + used, rest.p, n);
			used += n;
		}
	}
	out[used] = '\0';
	return out;
}
