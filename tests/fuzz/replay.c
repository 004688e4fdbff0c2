/*
 * replay: the main of a harness where libFuzzer is not there.
 *
 * Runs every file named on the command line, and every file of every folder
 * named there. Fails when there was none, so that a lost corpus is noticed.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* Runs one file from memory of exactly its size, so that the sanitizer sees
 * a read past its end. */
static bool
replay_file(const char *path, long size)
{
	uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
	FILE *f = fopen(path, "rb");
	bool ok = data != NULL && f != NULL &&
	    fread(data, 1, (size_t)size, f) == (size_t)size;

	if (ok)
		LLVMFuzzerTestOneInput(data, (size_t)size);
	else
		perror(path);
	if (f != NULL)
		fclose(f);
	free(data);
	return ok;
}

/* How many inputs were run; -1 when one could not be read. */
static long
replay(const char *path)
{
	struct stat st;
	struct dirent *entry;
	char child[4096];
	long count = 0, got;
	DIR *dir;

	if (stat(path, &st) == -1) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, (long)st.st_size) ? 1 : -1;
	dir = opendir(path);
	if (dir == NULL) {
		perror(path);
		return -1;
	}
	while (count != -1 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		got = replay(child);
		count = got == -1 ? -1 : count + got;
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	long count = 0;

	for (int i = 1; i < argc; i++) {
		long got = replay(argv[i]);

		if (got == -1)
			return 1;
		count += got;
	}
	printf("%ld inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
