/* doctor_iptables: see doctor_iptables.h. */
#include "doctor_iptables.h"

#include "doctor_program.h"
#include "num.h"

#include <stdio.h>
#include <string.h>

#define LIST_MS 5000

/* ---- reading */

/* Whether there are legacy rules. Asked first, as iptables-legacy would make
 * their tables. */
static bool
is_in_use(const char *names)
{
	FILE *f = fopen(names, "re");
	char line[64];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = strcmp(line, "filter\n") == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

/* Leaves an empty list where there are none. */
static bool
read_rules(struct buf *rules, const char *names, const char *program)
{
	const char *const words[] = { program, "-S", NULL };

	buf_init(rules, 0);
	if (is_in_use(names) &&
	    doctor_program_run(words, LIST_MS, rules, NULL) == 0)
		return true;
	buf_clear(rules); /* it may have printed a part */
	return false;
}

bool
doctor_iptables_read(struct doctor_iptables *t)
{
	const bool has_v4 =
	    read_rules(&t->v4, "/proc/net/ip_tables_names", "iptables-legacy");
	const bool has_v6 = read_rules(
	    &t->v6, "/proc/net/ip6_tables_names", "ip6tables-legacy");

	if (has_v4 || has_v6)
		return true;
	doctor_iptables_clear(t);
	return false;
}

void
doctor_iptables_clear(struct doctor_iptables *t)
{
	buf_clear(&t->v4);
	buf_clear(&t->v6);
}

/* ---- judging */

struct rule {
	bool has_port, is_ours; /* it is about a port; about this one */
	bool is_of_other;       /* it is about another protocol */
	bool has_other;         /* it has other conditions */
	struct slice target;    /* empty: none */
};

/* Whether the port is in "443", "440:450" or a list of these. */
static bool
names_port(struct slice list, uint16_t port)
{
	struct slice one, from, to;
	uint64_t low, high;

	while (list.n > 0) {
		slice_cut(list, ',', &one, &list);
		if (!slice_cut(one, ':', &from, &to))
			to = from;
		if (num_parse_decimal(from, UINT16_MAX, &low) == 0 &&
		    num_parse_decimal(to, UINT16_MAX, &high) == 0 &&
		    low <= port && port <= high)
			return true;
	}
	return false;
}

/* The next word; one in quotes, as comments and prefixes of logs are printed,
 * is kept whole. "": none is left. */
static struct slice
next_word(struct slice *rest)
{
	struct slice word = slice_trim(*rest);
	const bool is_quoted = slice_starts(word, "\"");
	size_t n = is_quoted ? 1 : 0;

	while (n < word.n && word.p[n] != (is_quoted ? '"' : ' '))
		n += word.p[n] == '\\' && is_quoted && n + 1 < word.n ? 2 : 1;
	if (is_quoted && n < word.n)
		n++; /* the quote at its end */
	*rest = slice_of(word.p + n, word.n - n);
	return slice_of(word.p, n);
}

/* The value of an option: it may have none. */
static struct slice
next_value(struct slice *rest)
{
	struct slice after = *rest;
	const struct slice word = next_word(&after);

	if (slice_starts(word, "-") || slice_is(word, "!"))
		return slice_str("");
	*rest = after;
	return word;
}

/* Words after the chain's name: options, which have a value, none, or two. */
static void
read_rule(
    struct rule *r, struct slice words, const char *protocol, uint16_t port)
{
	struct slice word, value;
	bool is_not = false;

	*r = (struct rule){ .has_port = false };
	while (words.n > 0) {
		word = next_word(&words);
		if (!slice_starts(word, "-")) {
			is_not = slice_is(word, "!");
			continue;
		}
		value = next_value(&words);
		if (slice_is(word, "--dport") || slice_is(word, "--dports")) {
			r->has_port = true;
			r->is_ours = names_port(value, port) != is_not;
		} else if (slice_is(word, "-p")) {
			r->is_of_other = slice_is(value, protocol) == is_not;
		} else if (slice_is(word, "-j") || slice_is(word, "-g")) {
			r->target = value;
			break; /* what follows is the target's */
		} else if (!slice_is(word, "-m") &&
		    !slice_is(word, "--comment")) {
			r->has_other = true;
		}
		is_not = false;
	}
}

static bool
is_one_of(struct slice word, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(word, words[i]))
			return true;
	return false;
}

/* Of rules of the input chain, the first that is for all packets decides; a
 * drop of some packets, as of one sender's, says nothing of the others. */
static void
judge_rule(
    struct doctor_iptables_verdict *v, const struct rule *r, bool is_input)
{
	static const char *const drops[] = { "DROP", "REJECT" };
	static const char *const notes[] = { "", "LOG", "NFLOG", "RETURN" };

	if (r->is_of_other || (r->has_port && !r->is_ours))
		return;
	if (slice_is(r->target, "ACCEPT")) {
		if (is_input ? !v->drops && (r->has_port || !r->has_other)
			     : r->has_port)
			v->accepts = true;
	} else if (is_one_of(r->target, drops, 2)) {
		if (is_input && !r->has_other && !v->accepts)
			v->drops = true;
	} else if (is_input && !is_one_of(r->target, notes, 4)) {
		v->is_unclear = true;
	}
}

void
doctor_iptables_judge(struct doctor_iptables_verdict *v, struct slice rules,
    const char *protocol, uint16_t port)
{
	/* of packets that do not come to this machine */
	static const char *const others[] = { "FORWARD", "OUTPUT" };
	struct slice line, kind, chain;
	struct rule r;

	*v = (struct doctor_iptables_verdict){ .accepts = false };
	while (rules.n > 0) {
		slice_cut(rules, '\n', &line, &rules);
		slice_cut(line, ' ', &kind, &line);
		slice_cut(line, ' ', &chain, &line);
		if (slice_is(kind, "-P") && slice_is(chain, "INPUT"))
			v->drops_by_default = slice_is(line, "DROP");
		if (!slice_is(kind, "-A") || is_one_of(chain, others, 2))
			continue;
		read_rule(&r, line, protocol, port);
		judge_rule(v, &r, slice_is(chain, "INPUT"));
	}
}
