/* verify_id: see verify_id.h. */
#include "verify_id.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

void
verify_id_make(bool reads_client, const struct derp_key *key,
    const struct netaddr *client, uint8_t id[static KEYTABLE_KEY])
{
	crypto_generichash_state state;

	static_assert(KEYTABLE_KEY == DERP_KEY, "the key itself may be the id");
	if (!reads_client || client == NULL || !client->is_set) {
		memcpy(id, key->b, KEYTABLE_KEY);
		return;
	}
	crypto_generichash_init(&state, NULL, 0, KEYTABLE_KEY);
	crypto_generichash_update(&state, key->b, sizeof key->b);
	crypto_generichash_update(&state, client->ip, sizeof client->ip);
	crypto_generichash_final(&state, id, KEYTABLE_KEY);
}
