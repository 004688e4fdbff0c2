/* decode: see decode.h. */
#include "decode.h"

#include "decode_json.h"
#include "decode_yaml.h"

int
decode_map(struct derpmap *m, struct arena *a, const struct doc *d,
    enum dialect dialect, struct fail *why)
{
	struct decoder decoder;

	decoder_init(&decoder, a, m);
	/* no document at all is an empty map */
	if (d->root != NULL && dialect == DIALECT_HEADSCALE)
		decode_yaml(&decoder, d->root);
	else if (d->root != NULL)
		decode_json(&decoder, d->root);
	return decoder_finish(&decoder, why);
}
