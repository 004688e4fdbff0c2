/* json_text: see json_text.h. */
#include "json_text.h"

#include "utf8.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

json_t *
json_text_of(struct slice text)
{
	struct slice rest = text;
	/* a replaced byte takes three */
	char *out = reallocarray(NULL, rest.n + 1, strlen(REPLACEMENT));
	size_t used = 0;
	json_t *made;

	if (out == NULL)
		return NULL;
	while (rest.n > 0) {
		size_t n = utf8_next(rest, NULL), take = n > 0 ? n : 1;

		memcpy(out + used, n > 0 ? (const char *)rest.p : REPLACEMENT,
		    n > 0 ? n : strlen(REPLACEMENT));
		used += n > 0 ? n : strlen(REPLACEMENT);
		rest = slice_of(rest.p + take, rest.n - take);
	}
	made = json_stringn(out, used);
	free(out);
	return made;
}

json_t *
json_text_new(const char *text)
{
	return json_text_of(slice_str(text));
}

int
json_text_set(json_t *object, const char *name, const char *text)
{
	return json_object_set_new(object, name, json_text_new(text));
}
