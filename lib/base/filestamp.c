/* filestamp: see filestamp.h. */
#include "filestamp.h"

#include <sys/stat.h>

struct filestamp
filestamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (struct filestamp){ 0 };
	return (struct filestamp){ st.st_ino, st.st_size, st.st_mtim };
}

bool
filestamp_eq(const struct filestamp *a, const struct filestamp *b)
{
	return a->inode == b->inode && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}
