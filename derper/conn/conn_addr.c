/* conn_addr: see conn_addr.h. */
#include "conn_addr.h"

bool
conn_addr_eq(struct conn_addr a, struct conn_addr b)
{
	return a.generation == b.generation && a.slot == b.slot &&
	    a.worker == b.worker;
}
