/* fake_env: an environment of a test, for functions that take getenv. */
#ifndef DERPKIT_FAKE_ENV_H
#define DERPKIT_FAKE_ENV_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAKE_ENV_MAX 8

static struct {
	const char *names[FAKE_ENV_MAX];
	char values[FAKE_ENV_MAX][128];
	size_t count;
} fake_env;

static inline void
fake_env_clear(void)
{
	fake_env.count = 0;
}

/* The name is borrowed. */
static inline void
fake_env_set(const char *name, const char *value)
{
	size_t i = 0;

	while (i < fake_env.count && strcmp(fake_env.names[i], name) != 0)
		i++;
	fake_env.names[i] = name;
	snprintf(fake_env.values[i], sizeof fake_env.values[i], "%s", value);
	fake_env.count += i == fake_env.count;
}

/* The id of this process, and some more. */
static inline void
fake_env_set_pid(const char *name, int more)
{
	char text[32];

	snprintf(text, sizeof text, "%d", (int)getpid() + more);
	fake_env_set(name, text);
}

static inline char *
fake_env_get(const char *name)
{
	for (size_t i = 0; i < fake_env.count; i++)
		if (strcmp(fake_env.names[i], name) == 0)
			return fake_env.values[i];
	return NULL;
}

#endif
