/* interrupt: see interrupt.h. */
#include "interrupt.h"

#include "verify_program.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* As nohup and shells without job control have it, an ignored one stays so. */
static void
add(sigset_t *signals, int number)
{
	struct sigaction now;

	if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(signals, number);
}

static sigset_t
signals_that_end(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	add(&signals, SIGINT);
	add(&signals, SIGTERM);
	add(&signals, SIGHUP);
	return signals;
}

static void *
wait_for_end(void *ctx)
{
	const sigset_t signals = signals_that_end();
	int number;

	(void)ctx;
	while (sigwait(&signals, &number) != 0)
		continue;
	verify_program_end_all();
	/* whoever waits for us sees what ended us */
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	raise(number);
	/* the first process of a container is not ended by it */
	_exit(128 + number);
}

static bool
runs_programs(const struct verify_config *config)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (config->sources[i].kind->runs_programs)
			return true;
	return false;
}

int
interrupt_begin(const struct verify_config *config, struct fail *why)
{
	const sigset_t signals = signals_that_end();
	pthread_t thread;

	if (!runs_programs(config))
		return 0;
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0)
		return fail_set(why, "cannot start a thread");
	pthread_detach(thread);
	return 0;
}
