/* fetch: a name server that does not answer holds nobody up. */
#include "fetch.h"

#include "check.h"

#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

static sem_t asked, may_answer, answered;

/* libcurl's calls come here, too. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **res)
{
	(void)node, (void)service, (void)hints;
	sem_post(&asked);
	while (sem_wait(&may_answer) == -1)
		;
	*res = NULL;
	sem_post(&answered);
	return EAI_AGAIN;
}

static void *
stop_when_asked(void *ctx)
{
	while (sem_wait(&asked) == -1)
		;
	atomic_store((atomic_bool *)ctx, true);
	return NULL;
}

/* It returns although the name server has not answered, and never does before
 * that: where it waits for it, this test is ended by its alarm. */
static void
fetch_does_not_wait_for_a_resolver(void **state)
{
	atomic_bool stop = false;
	const struct fetch_request request = { .url = "http://derp.example/",
		.timeout_ms = 600000,
		.stop = &stop };
	struct fetch_client *c = fetch_client_new(1);
	struct fetch_response response;
	pthread_t thread;

	(void)state;
	unsetenv("http_proxy");
	unsetenv("HTTP_PROXY");
	check_int(pthread_create(&thread, NULL, stop_when_asked, &stop), 0);
	alarm(60);
	check_int(fetch(c, &request, &response, NULL), FETCH_UNREACHABLE);
	fetch_client_free(c);
	alarm(0);
	check_int(pthread_join(thread, NULL), 0);
	fetch_response_clear(&response);
	/* the thread that was left ends by itself */
	sem_post(&may_answer);
	while (sem_wait(&answered) == -1)
		;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_does_not_wait_for_a_resolver),
	};

	if (sem_init(&asked, 0, 0) == -1 || sem_init(&may_answer, 0, 0) == -1 ||
	    sem_init(&answered, 0, 0) == -1 || fetch_global_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
