/* decode: see decode.h. */
#include "decode.h"

#include "decode_json.h"
#include "decode_yaml.h"
#include "split_nodes.h"

int
decode_map(struct derpmap *m, struct arena *a, const struct doc *d,
    enum dialect dialect, struct fail *why)
{
	return decode_map_at(m, a, d->root, dialect, false, why);
}

int
decode_map_at(struct derpmap *m, struct arena *a, const struct doc_node *root,
    enum dialect dialect, bool as_meant, struct fail *why)
{
	struct decoder decoder;

	decoder_init(&decoder, a, m);
	decoder.as_meant = as_meant;
	/* no document at all is an empty map */
	if (root != NULL && dialect == DIALECT_HEADSCALE)
		decode_yaml(&decoder, root);
	else if (root != NULL)
		decode_json(&decoder, root);
	if (as_meant && !decoder.no_memory)
		split_nodes_join(&decoder,
		    dialect == DIALECT_JSON ? "Go's JSON decoder"
					    : "headscale");
	return decoder_finish(&decoder, why);
}
