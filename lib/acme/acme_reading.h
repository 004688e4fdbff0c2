/*
 * acme_reading: how reading a text of others ended.
 *
 * Where memory was short nothing is known of the text: it is not to be given
 * up, nor its sender to be blamed. Threads: pure functions, but for OpenSSL's
 * error queue, which is the thread's.
 */
#ifndef DERPKIT_ACME_READING_H
#define DERPKIT_ACME_READING_H

enum acme_reading {
	ACME_READ = 0,
	ACME_READ_BAD = -1,   /* it cannot be used */
	ACME_READ_SHORT = -2, /* memory was short, or OpenSSL failed by it */
};

/* Which of the two OpenSSL's errors since the queue was empty tell of, `unsaid`
 * when there are none; empties it. */
enum acme_reading acme_reading_of_ssl(enum acme_reading unsaid);

#endif
