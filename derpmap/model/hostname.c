/* hostname: see hostname.h. */
#include "hostname.h"

static void
add(struct hostname *h, enum hostname_fault fault)
{
	if (h->faults == 0)
		h->first = fault;
	h->faults |= (unsigned)fault;
}

static void
check_character(struct hostname *h, uint8_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')
		return;
	if (c >= 'A' && c <= 'Z') {
		add(h, HOSTNAME_UPPER);
	} else if (c >= 0x80) {
		add(h, HOSTNAME_NOT_ASCII);
	} else if (c == '_') {
		add(h, HOSTNAME_UNDERSCORE);
	} else {
		if ((h->faults & HOSTNAME_CHARACTER) == 0)
			h->character = c;
		add(h, HOSTNAME_CHARACTER);
	}
}

/* A label that is not empty. */
static void
check_label(struct hostname *h, struct slice label)
{
	if (label.n > HOSTNAME_LABEL_MAX)
		add(h, HOSTNAME_LABEL_LONG);
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		add(h, HOSTNAME_LABEL_DASH);
	for (size_t i = 0; i < label.n; i++)
		check_character(h, label.p[i]);
}

static bool
is_numeric(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && text.p[i] != '.')
			return false;
	return true;
}

void
hostname_check(struct hostname *h, struct slice text)
{
	struct slice rest = text, label;
	bool more;

	*h = (struct hostname){ .is_address = false };
	h->is_address = netaddr_parse_ip(&h->address, text) == 0;
	if (h->is_address)
		return;
	if (text.n == 0) {
		add(h, HOSTNAME_EMPTY);
		return;
	}
	if (text.n > HOSTNAME_MAX)
		add(h, HOSTNAME_LONG);
	do {
		more = slice_cut(rest, '.', &label, &rest);
		if (label.n > 0)
			check_label(h, label);
		else
			add(h,
			    more || text.n == 1 ? HOSTNAME_LABEL_EMPTY
						: HOSTNAME_LAST_DOT);
	} while (more);
	if (is_numeric(text))
		add(h, HOSTNAME_NUMERIC);
}
