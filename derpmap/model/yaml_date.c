/* yaml_date: see yaml_date.h. */
#include "yaml_date.h"

static bool
is_digit(struct slice s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static void
drop(struct slice *s, size_t n)
{
	*s = slice_of(s->p + n, s->n - n);
}

static bool
take_char(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != (uint8_t)c)
		return false;
	drop(s, 1);
	return true;
}

/* One or two digits, or exactly two. */
static bool
take_number(struct slice *s, bool two, int max, int *out)
{
	size_t n = is_digit(*s, 1) ? 2 : 1;

	if (!is_digit(*s, 0) || (two && n == 1))
		return false;
	*out = s->p[0] - '0';
	if (n == 2)
		*out = *out * 10 + (s->p[1] - '0');
	drop(s, n);
	return *out <= max;
}

static bool
take_day(struct slice *s)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int year = 0, month, day;
	bool leap;

	for (size_t i = 0; i < 4; i++) {
		if (!is_digit(*s, i))
			return false;
		year = year * 10 + (s->p[i] - '0');
	}
	drop(s, 4);
	if (!take_char(s, '-') || !take_number(s, false, 12, &month) ||
	    !take_char(s, '-') || !take_number(s, false, 31, &day) ||
	    month < 1 || day < 1)
		return false;
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool
take_time(struct slice *s)
{
	int n;

	if (!take_number(s, false, 23, &n) || !take_char(s, ':') ||
	    !take_number(s, false, 59, &n) || !take_char(s, ':') ||
	    !take_number(s, false, 59, &n))
		return false;
	if (s->n >= 2 && (s->p[0] == '.' || s->p[0] == ',') &&
	    is_digit(*s, 1)) {
		drop(s, 1);
		while (is_digit(*s, 0))
			drop(s, 1);
	}
	return true;
}

static bool
take_zone(struct slice *s)
{
	int n;

	if (take_char(s, 'Z'))
		return true;
	return (take_char(s, '+') || take_char(s, '-')) &&
	    take_number(s, true, 24, &n) && take_char(s, ':') &&
	    take_number(s, true, 60, &n);
}

bool
yaml_date_is(struct slice text)
{
	struct slice s = text;

	if (!take_day(&s))
		return false;
	if (s.n == 0)
		return true;
	if (take_char(&s, 'T') || take_char(&s, 't'))
		return take_time(&s) && take_zone(&s) && s.n == 0;
	if (!take_char(&s, ' '))
		return false;
	while (take_char(&s, ' '))
		;
	return take_time(&s) && s.n == 0;
}
