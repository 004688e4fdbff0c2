/* server_key: see server_key.h. */
#include "server_key.h"

#include "keyfile.h"
#include "log.h"

#include <unistd.h>

#define KEY_PATH_ROOT "/var/lib/derper/derper.key"

int
server_key_load(const struct config *config,
    struct derp_private_key *private_key, struct derp_key *public_key,
    struct fail *why)
{
	const char *path = config->key_path;

	if (config->dev) {
		log_info("Running in dev mode.");
		derp_private_key_generate(private_key);
	} else {
		if (path[0] == '\0' && geteuid() != 0)
			return fail_set(why, "-c <config path> not specified");
		if (path[0] == '\0') {
			path = KEY_PATH_ROOT;
			log_info("no config path specified; using %s", path);
		}
		if (keyfile_load(path, private_key, why) == -1)
			return -1;
		keyfile_warn_readable(path);
	}
	if (derp_private_key_public(private_key, public_key) == -1)
		return fail_set(why, "config: the private key is unusable");
	return 0;
}
