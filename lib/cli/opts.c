/* opts: see opts.h. */
#include "opts.h"

#include "bytes.h"
#include "num.h"
#include "spelling.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct opts_option *
find(const struct opts *o, struct slice name)
{
	for (size_t i = 0; i < o->count; i++)
		if (slice_is(name, o->table[i].name))
			return &o->table[i];
	return NULL;
}

static int
set_float(double *to, const char *value)
{
	char *end;
	double v = strtod(value, &end);

	/* strtod skips blanks, Go does not */
	if (isspace((unsigned char)value[0]) || end == value || *end != '\0' ||
	    isnan(v))
		return -1;
	*to = v;
	return 0;
}

static int
set_list(struct opts_list *list, const char *value)
{
	if (list->n == OPTS_LIST_MAX)
		return -1;
	list->v[list->n++] = value;
	return 0;
}

/* What people mean by a number: 0443 is neither 291 nor clearly 443. */
static int
set_decimal(int64_t *to, const char *value)
{
	bool negative = value[0] == '-';
	struct slice digits = slice_str(value + negative);
	uint64_t n;

	if ((digits.n > 1 && digits.p[0] == '0') ||
	    num_parse_decimal(digits, INT64_MAX, &n) == -1)
		return -1;
	*to = negative ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int
set_choice(struct opts_choice *choice, const char *value)
{
	const char *name;

	for (size_t n = 0; (name = choice->name(n)) != NULL; n++)
		if (strcmp(name, value) == 0) {
			choice->n = n;
			return 0;
		}
	if (choice->find == NULL)
		return -1;
	choice->n = choice->find(value);
	return choice->name(choice->n) != NULL ? 0 : -1;
}

struct choices {
	char text[200];
};

/* The names, as "a, b or c". */
static struct choices
join_choices(const struct opts_choice *choice)
{
	struct choices all = { "" };
	const char *name;
	size_t used = 0;

	for (size_t n = 0;
	     (name = choice->name(n)) != NULL && used < sizeof all.text; n++) {
		const char *before = n == 0 ? "" : ", ";

		if (n > 0 && choice->name(n + 1) == NULL)
			before = " or ";
		used += (size_t)snprintf(all.text + used,
		    sizeof all.text - used, "%s%s", before, name);
	}
	return all;
}

/* Stores the value; -1 when it does not fit the kind. */
static int
store(const struct opts_option *option, const char *value)
{
	switch (option->kind) {
	case OPTS_BOOL:
		return num_parse_bool(slice_str(value), option->to);
	case OPTS_TEXT:
		*(const char **)option->to = value;
		return 0;
	case OPTS_LIST:
		return set_list(option->to, value);
	case OPTS_INT:
		return num_parse_int(
		    slice_str(value), INT64_MIN, INT64_MAX, option->to);
	case OPTS_DECIMAL:
		return set_decimal(option->to, value);
	case OPTS_FLOAT:
		return set_float(option->to, value);
	case OPTS_DURATION:
		return num_parse_duration_ms(slice_str(value), option->to);
	case OPTS_CHOICE:
		return set_choice(option->to, value);
	}
	return -1;
}

static int
set(const struct opts_option *option, const char *value, struct fail *why)
{
	if (store(option, value) == 0)
		return 0;
	if (option->kind == OPTS_BOOL)
		return fail_set(why,
		    "invalid boolean value \"%s\" for -%s: parse error", value,
		    option->name);
	if (option->kind == OPTS_CHOICE)
		return fail_set(why, "--%s is %s, not %s", option->name,
		    join_choices(option->to).text, value);
	if (option->kind == OPTS_DECIMAL)
		return fail_set(why,
		    "--%s is a decimal number without leading zeros, not %s",
		    option->name, value);
	return fail_set(why, "invalid value \"%s\" for flag -%s: parse error",
	    value, option->name);
}

static void fail_unknown(
    const struct opts *o, struct slice name, struct fail *why);

int
opts_set(
    const struct opts *o, const char *name, const char *value, struct fail *why)
{
	const struct opts_option *option = find(o, slice_str(name));

	if (option == NULL) {
		fail_unknown(o, slice_str(name), why);
		return -1;
	}
	return set(option, value, why);
}

/* Says that there is no such option, in Go's words, and which may be meant. */
static void
fail_unknown(const struct opts *o, struct slice name, struct fail *why)
{
	struct spelling s = spelling_of(name);
	const char *meant;

	for (size_t i = 0; i < o->count; i++)
		spelling_consider(&s, o->table[i].name);
	meant = spelling_best(&s);
	fail_set(why, "flag provided but not defined: -%.*s%s%s%s",
	    (int)(name.n < 100 ? name.n : 100), (const char *)name.p,
	    meant != NULL ? " (did you mean -" : "", meant != NULL ? meant : "",
	    meant != NULL ? "?)" : "");
}

/* Handles the option word argv[*i], and argv[*i + 1] where that is its value;
 * *i is left on the last word used. */
static enum opts_result
parse_option(
    const struct opts *o, int argc, char **argv, int *i, struct fail *why)
{
	const char *word = argv[*i];
	const char *text = word + (word[1] == '-' ? 2 : 1);
	const struct opts_option *option;
	struct slice name, value;
	bool has_value = slice_cut(slice_str(text), '=', &name, &value);

	if (name.n == 0 || name.p[0] == '-') {
		fail_set(why, "bad flag syntax: %s", word);
		return OPTS_BAD;
	}
	option = find(o, name);
	if (option == NULL) {
		if (slice_is(name, "h") || slice_is(name, "help"))
			return OPTS_HELP;
		fail_unknown(o, name, why);
		return OPTS_BAD;
	}
	/* the value runs to the end of the word, so it is NUL-terminated */
	if (has_value)
		text = (const char *)value.p;
	else if (option->kind == OPTS_BOOL)
		text = "true";
	else if (*i + 1 < argc)
		text = argv[++*i];
	else {
		fail_set(why, "flag needs an argument: -%s", option->name);
		return OPTS_BAD;
	}
	return set(option, text, why) == 0 ? OPTS_OK : OPTS_BAD;
}

size_t
opts_bind(struct opts_option *table, size_t max, const struct opts_row *rows,
    size_t count, void *values)
{
	assert(count <= max);
	for (size_t i = 0; i < count && i < max; i++)
		table[i] = (struct opts_option){ rows[i].name, rows[i].kind,
			(char *)values + rows[i].at, rows[i].arg,
			rows[i].help };
	return count;
}

enum opts_result
opts_parse(struct opts *o, int argc, char **argv, struct fail *why)
{
	enum opts_result result;
	int words = 0, i;

	o->words = argv + 1;
	for (i = 1; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (!o->mixed)
				break;
			o->words[words++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		result = parse_option(o, argc, argv, &i, why);
		if (result != OPTS_OK)
			return result;
	}
	if (words == 0)
		o->words = argv + i;
	for (; i < argc; i++)
		o->words[words++] = argv[i];
	o->word_count = words;
	return OPTS_OK;
}

static void
print_default(const struct opts_option *option, FILE *to)
{
	const struct opts_choice *choice;
	const char *text;

	switch (option->kind) {
	case OPTS_BOOL:
		if (*(const bool *)option->to)
			fputs(" (default true)", to);
		return;
	case OPTS_TEXT:
		text = *(const char *const *)option->to;
		if (text != NULL && text[0] != '\0')
			fprintf(to, " (default \"%s\")", text);
		return;
	case OPTS_INT:
	case OPTS_DECIMAL:
		if (*(const int64_t *)option->to != 0)
			fprintf(to, " (default %lld)",
			    (long long)*(const int64_t *)option->to);
		return;
	case OPTS_FLOAT:
		fprintf(to, " (default %g)", *(const double *)option->to);
		return;
	case OPTS_DURATION:
		fprintf(to, " (default %gs)",
		    (double)*(const uint64_t *)option->to / 1000.0);
		return;
	case OPTS_CHOICE:
		choice = option->to;
		text = choice->name(choice->n);
		if (text != NULL)
			fprintf(to, " (default \"%s\")", text);
		return;
	case OPTS_LIST:
		return;
	}
}

void
opts_print(const struct opts *o, FILE *to)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct opts_option *option = &o->table[i];

		fprintf(to, "  -%s%s%s\n    \t%s", option->name,
		    option->arg != NULL ? " " : "",
		    option->arg != NULL ? option->arg : "", option->help);
		if (option->kind == OPTS_CHOICE)
			fprintf(to, "%s%s", option->help[0] != '\0' ? ": " : "",
			    join_choices(option->to).text);
		print_default(option, to);
		if (o->variables != NULL && o->variables[i] != NULL)
			fprintf(to, " [%s]", o->variables[i]);
		fputc('\n', to);
	}
}
