/* outfile: see outfile.h. */
#include "outfile.h"

#include <sys/stat.h>

#include "newfile.h"

/* What the umask would make of 0644; the temporary file does not ask it. */
static mode_t
wanted_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return (mode_t)0644 & ~mask;
}

int
outfile_write(const char *path, struct slice bytes, struct fail *why)
{
	return newfile_replace(path, bytes, wanted_mode(), why);
}
