/* doctor_iptables: what is plain in rules as iptables-legacy -S prints them. */
#include "check.h"

#include "doctor_iptables.h"

enum outcome { PASSES, ACCEPTED, DROPPED, DROPPED_BY_DEFAULT };

static const struct {
	const char *rules;
	enum outcome tcp_443, udp_3478;
	bool is_unclear; /* of tcp 443 */
} rows[] = {
	{ "", PASSES, PASSES, false },
	{ "-P INPUT ACCEPT\n-P FORWARD DROP\n", PASSES, PASSES, false },
	{ "-P INPUT DROP\n", DROPPED_BY_DEFAULT, DROPPED_BY_DEFAULT, false },
	{ "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n",
	    ACCEPTED, DROPPED_BY_DEFAULT, false },
	{ "-P INPUT DROP\n"
	  "-A web -p tcp -m multiport --dports 80,440:443 -j ACCEPT\n"
	  "-A INPUT -j web\n",
	    ACCEPTED, DROPPED_BY_DEFAULT, true },
	{ "-A INPUT -p udp -m udp --dport 3000:4000 -j DROP\n", PASSES, DROPPED,
	    false },
	{ "-A FORWARD -p tcp -m tcp --dport 443 -j DROP\n", PASSES, PASSES,
	    false },
	{ "-A INPUT -p tcp -m tcp ! --dport 22 -j REJECT --reject-with "
	  "icmp-port-unreachable\n",
	    DROPPED, PASSES, false },
	{ "-A INPUT ! -p tcp -j DROP\n", PASSES, DROPPED, false },
	{ "-A INPUT -j DROP\n", DROPPED, DROPPED, false },
	/* an accept of more than the port */
	{ "-P INPUT DROP\n-A INPUT -p tcp -j ACCEPT\n", ACCEPTED,
	    DROPPED_BY_DEFAULT, false },
	{ "-P INPUT DROP\n-A INPUT -j ACCEPT\n", ACCEPTED, ACCEPTED, false },
	{ "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", DROPPED_BY_DEFAULT,
	    DROPPED_BY_DEFAULT, false },
	/* the first one decides */
	{ "-A INPUT -p tcp --dport 443 -j DROP\n-A INPUT -j ACCEPT\n", DROPPED,
	    ACCEPTED, false },
	{ "-A INPUT -p tcp --dport 443 -j ACCEPT\n-A INPUT -j DROP\n", ACCEPTED,
	    DROPPED, false },
	/* of packets that do not come in */
	{ "-P INPUT DROP\n-A OUTPUT -p tcp -m tcp --dport 443 -j ACCEPT\n"
	  "-A FORWARD -p udp -m udp --dport 3478 -j ACCEPT\n",
	    DROPPED_BY_DEFAULT, DROPPED_BY_DEFAULT, false },
	/* values of several words, of two, of none */
	{ "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 443 -m comment "
	  "--comment \"allow derp\" -j ACCEPT\n",
	    ACCEPTED, DROPPED_BY_DEFAULT, false },
	{ "-A INPUT -p tcp -m tcp --dport 443 -m comment --comment "
	  "\"allow derp\" -j DROP\n",
	    DROPPED, PASSES, false },
	{ "-A INPUT -p udp -m comment --comment \"not \\\"-j ACCEPT\\\" any \" "
	  "-m udp --dport 3478 -j DROP\n",
	    PASSES, DROPPED, false },
	{ "-A INPUT -p udp -m comment --comment derp -j DROP\n", PASSES,
	    DROPPED, false },
	{ "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 443 --tcp-flags "
	  "FIN,SYN,RST,ACK SYN -j ACCEPT\n",
	    ACCEPTED, DROPPED_BY_DEFAULT, false },
	{ "-P INPUT DROP\n-A INPUT -f -p tcp --dport 443 -j ACCEPT\n", ACCEPTED,
	    DROPPED_BY_DEFAULT, false },
	/* for some packets only */
	{ "-A INPUT -p tcp -m tcp --dport 443 -m connlimit --connlimit-above "
	  "100 --connlimit-mask 32 --connlimit-saddr -j REJECT\n",
	    PASSES, PASSES, false },
	{ "-A INPUT -s 192.0.2.66/32 -p tcp -m tcp --dport 443 -j DROP\n",
	    PASSES, PASSES, false },
	{ "-A INPUT -s 192.0.2.0/24 -j DROP\n", PASSES, PASSES, false },
	{ "-A INPUT -i eth1 -p tcp -j DROP\n", PASSES, PASSES, false },
	{ "-A INPUT -j LOG --log-prefix \"-j DROP\"\n", PASSES, PASSES, false },
	/* what is not a rule */
	{ "-A INPUT -p tcp --dport\n-A\n-A INPUT\n\n! ! !\n"
	  "-A INPUT --comment \"x\n-A INPUT --comment \"x\\\n-A INPUT \"\n"
	  "-A INPUT --dport 99999999999999999999 -j DROP\n",
	    PASSES, PASSES, false },
};

static void
check_outcome(const struct doctor_iptables_verdict *v, enum outcome wanted)
{
	check_int(v->accepts, wanted == ACCEPTED);
	check_int(v->drops, wanted == DROPPED);
	if (wanted == DROPPED_BY_DEFAULT || wanted == PASSES)
		check_int(v->drops_by_default, wanted == DROPPED_BY_DEFAULT);
}

static void
doctor_iptables_judges_what_is_plain(void **state)
{
	struct doctor_iptables_verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		print_message("%s", rows[i].rules);
		doctor_iptables_judge(&v, slice_str(rows[i].rules), "tcp", 443);
		check_outcome(&v, rows[i].tcp_443);
		check_int(v.is_unclear, rows[i].is_unclear);
		doctor_iptables_judge(
		    &v, slice_str(rows[i].rules), "udp", 3478);
		check_outcome(&v, rows[i].udp_3478);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doctor_iptables_judges_what_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
