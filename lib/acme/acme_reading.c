/* acme_reading: see acme_reading.h. */
#include "acme_reading.h"

#include <openssl/err.h>
#include <stdbool.h>

/* A BIO over a text has nothing to fail by but memory. */
static bool
is_shortage(unsigned long e)
{
	return ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE ||
	    (ERR_GET_LIB(e) == ERR_LIB_BIO &&
		ERR_GET_REASON(e) == ERR_R_INIT_FAIL);
}

enum acme_reading
acme_reading_of_ssl(enum acme_reading unsaid)
{
	enum acme_reading reading =
	    ERR_peek_error() == 0 ? unsaid : ACME_READ_BAD;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (is_shortage(e))
			reading = ACME_READ_SHORT;
	return reading;
}
