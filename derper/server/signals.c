/* signals: see signals.h. */
#include "signals.h"

void
signals_block(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	/* upstream dies when the reader of its standard error goes away */
	signal(SIGPIPE, SIG_IGN);
}
