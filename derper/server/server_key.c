/* server_key: see server_key.h. */
#include "server_key.h"

#include "keyfile.h"
#include "log.h"

#include <unistd.h>

#define KEY_PATH_ROOT "/var/lib/derper/derper.key"

static int
find_path(struct server_key *k, const struct config *config, struct fail *why)
{
	k->path = config->key_path;
	if (k->path[0] != '\0')
		return 0;
	if (geteuid() != 0)
		return fail_set(why, "-c <config path> not specified");
	k->path = KEY_PATH_ROOT;
	log_info("no config path specified; using %s", k->path);
	return 0;
}

static int
read_file(struct server_key *k, bool try, struct fail *why)
{
	const int rc = try
	    ? keyfile_try(k->path, &k->private_key, &k->would_make, why)
	    : keyfile_load(k->path, &k->private_key, why);

	if (rc == 0)
		keyfile_warn_readable(k->path);
	return rc;
}

int
server_key_load(struct server_key *k, const struct config *config, bool try,
    struct fail *why)
{
	*k = (struct server_key){ .path = "" };
	if (config->dev) {
		log_info("Running in dev mode.");
		derp_private_key_generate(&k->private_key);
	} else if (find_path(k, config, why) == -1 ||
	    read_file(k, try, why) == -1) {
		return -1;
	}
	if (derp_private_key_public(&k->private_key, &k->public_key) == -1)
		return fail_set(why, "config: the private key is unusable");
	return 0;
}

void
server_key_clear(struct server_key *k)
{
	derp_private_key_clear(&k->private_key);
}
