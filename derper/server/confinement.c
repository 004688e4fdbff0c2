/* confinement: see confinement.h. */
#include "confinement.h"

#include "admission_config.h"
#include "certs.h"
#include "log.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Node lists of all kinds, certificate, key, roots: two folders for each. */
#define FILES_MAX (VERIFY_SOURCES_MAX * (VERIFY_OPTIONS_MAX + 2) + 8)
#define PATHS_MAX (2 * FILES_MAX)
#define WRITTEN_MAX 2 /* last-good-folder, -certdir */

struct files {
	const char *v[FILES_MAX]; /* borrowed */
	size_t n;
	const char *written[WRITTEN_MAX]; /* folders; borrowed */
	size_t written_count;
};

struct paths {
	char *v[PATHS_MAX]; /* owned */
	size_t n;
};

static void
add_file(struct files *files, const char *file)
{
	if (file != NULL && file[0] != '\0' && files->n < FILES_MAX)
		files->v[files->n++] = file;
}

static void
add_admission_file(void *ctx, const char *path)
{
	add_file(ctx, path);
}

static void
add_written(void *ctx, const char *path)
{
	struct files *files = ctx;

	if (files->written_count < WRITTEN_MAX)
		files->written[files->written_count++] = path;
}

/* What serving reads again. */
static void
collect_files(struct files *files, const struct config *c,
    const struct verify_config *admission, const struct certs *certs)
{
	if (certs != NULL) {
		add_file(files, certs_cert_file(certs));
		add_file(files, certs_key_file(certs));
	}
	admission_config_each_path(
	    admission, add_admission_file, add_written, files);
	if (c->acme.used)
		add_written(files, c->cert_dir);
	add_file(files, c->acme.ca_file);
	add_file(files, c->verify_config);
	add_file(files, c->rate_config);
	add_file(files, getenv("TS_DEBUG_KEY_PATH"));
	/* OpenSSL's own variables */
	add_file(files, getenv("SSL_CERT_FILE"));
}

/* Adds the folder of a path. */
static int
add_folder(struct paths *paths, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (paths->n == PATHS_MAX)
		return -1;
	if (slash == NULL)
		folder = strdup(".");
	else
		folder =
		    strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return -1;
	paths->v[paths->n++] = folder;
	return 0;
}

/* Adds the folders of a file: the one it is in by its name and, where links
 * lead elsewhere, the one it really is in. */
static int
add_folders(struct paths *paths, const char *file)
{
	char real[PATH_MAX];

	if (add_folder(paths, file) == -1)
		return -1;
	return realpath(file, real) == NULL ? 0 : add_folder(paths, real);
}

static void
clear_paths(struct paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->v[i]);
	paths->n = 0;
}

static int
collect_paths(struct paths *paths, const struct files *files)
{
	const char *roots = getenv("SSL_CERT_DIR");

	for (size_t i = 0; i < files->n; i++)
		if (add_folders(paths, files->v[i]) == -1)
			return -1;
	if (roots != NULL && roots[0] != '\0' && paths->n < PATHS_MAX) {
		paths->v[paths->n] = strdup(roots);
		if (paths->v[paths->n] == NULL)
			return -1;
		paths->n++;
	}
	return 0;
}

/* Better now than when the certificate is to be renewed. */
static void
warn_unreadable(const struct files *files)
{
	struct fail why;
	int fd;

	for (size_t i = 0; i < files->n; i++) {
		fd = open(files->v[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd != -1)
			close(fd);
		/* that one is missing is not a matter of rights, and said
		 * where it is missed */
		if (fd != -1 || errno == ENOENT || errno == ENOTDIR)
			continue;
		why = (struct fail){ 0 };
		fail_errno(&why, "%s", files->v[i]);
		log_warn("%s: it cannot be read again while the relay runs; "
			 "make it readable for this user, or start with "
			 "-keep-capabilities or -landlock=false",
		    why.text);
	}
}

/* Why it cannot be opened is a matter of rights. */
static bool
is_forbidden(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd != -1)
		close(fd);
	return fd == -1 && errno == EACCES;
}

static void
ignore_folder(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
}

int
confinement_check(const struct verify_config *admission, struct fail *why)
{
	struct files files = { .n = 0 };

	admission_config_each_path(
	    admission, add_admission_file, ignore_folder, &files);
	for (size_t i = 0; i < files.n; i++)
		if (is_forbidden(files.v[i]))
			return fail_set(why,
			    "%s cannot be read: the relay may read only the "
			    "folders of the files that it was started with; "
			    "restart it, or move the file",
			    files.v[i]);
	return 0;
}

int
confinement_enter(const struct config *config,
    const struct verify_config *admission, const struct certs *certs,
    struct fail *why)
{
	struct sandbox_config sandbox = {
		.core_dumps = config->core_dumps,
		.capabilities = config->keep_capabilities,
		.landlock = config->landlock,
		.seccomp = config->seccomp,
	};
	char report[SANDBOX_TEXT];
	struct paths paths = { .n = 0 };
	struct files files = { .n = 0 };

	collect_files(&files, config, admission, certs);
	if (collect_paths(&paths, &files) == -1) {
		clear_paths(&paths);
		return fail_set(why, "out of memory");
	}
	sandbox.read_paths = (const char *const *)paths.v;
	sandbox.read_count = paths.n;
	sandbox.write_paths = files.written;
	sandbox.write_count = files.written_count;
	sandbox_enter(&sandbox, report);
	log_info("hardening: %s", report);
	warn_unreadable(&files);
	clear_paths(&paths);
	return 0;
}
