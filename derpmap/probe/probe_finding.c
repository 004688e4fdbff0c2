/* probe_finding: see probe_finding.h. The texts of the kinds are in
 * probe_kinds.c. */
#include "probe_finding.h"

#include "quote.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *
probe_severity_name(enum probe_severity severity)
{
	static const char *const names[] = {
		[PROBE_INFO] = "info",
		[PROBE_WARNING] = "warning",
		[PROBE_ERROR] = "error",
	};

	return names[severity];
}

/* Foreign text, escaped and cut to fit. */
static void
put(char *to, size_t cap, const char *text)
{
	struct writer w = writer_of(to, cap - 1);

	quote_put(&w, slice_str(text));
	to[w.n] = '\0';
}

static struct probe_finding *
append(struct probe_findings *list)
{
	struct probe_finding *v;

	if (list->n == PROBE_FINDINGS_MAX)
		return NULL;
	v = realloc(list->v, (list->n + 1) * sizeof *v);
	if (v == NULL) {
		list->is_short = true;
		return NULL;
	}
	list->v = v;
	return &v[list->n++];
}

struct probe_finding *
probe_finding_add(struct probe_findings *list, enum probe_kind kind,
    const char *tried, const char *fmt, ...)
{
	struct probe_finding *f = append(list);
	char text[PROBE_GOT_MAX];
	va_list ap;

	if (f == NULL)
		return NULL;
	f->kind = kind;
	f->hint[0] = '\0';
	put(f->tried, sizeof f->tried, tried);
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put(f->got, sizeof f->got, text);
	return f;
}

void
probe_finding_hint(struct probe_finding *f, const char *fmt, ...)
{
	char text[PROBE_HINT_MAX];
	va_list ap;

	if (f == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put(f->hint, sizeof f->hint, text);
}

bool
probe_finding_has(const struct probe_findings *list, enum probe_kind kind)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].kind == kind)
			return true;
	return false;
}

void
probe_findings_clear(struct probe_findings *list)
{
	free(list->v);
	*list = (struct probe_findings){ 0 };
}
