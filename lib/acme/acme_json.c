/* acme_json: see acme_json.h. */
#include "acme_json.h"

#include <stdlib.h>

#include "json_memory.h"

enum acme_reading
acme_json_load(struct slice text, json_t **value)
{
	enum acme_reading reading;

	json_memory_begin();
	*value = json_loadb((const char *)text.p, text.n, 0, NULL);
	reading = json_memory_end() ? ACME_READ_SHORT
	    : *value == NULL        ? ACME_READ_BAD
				    : ACME_READ;
	if (reading != ACME_READ) {
		json_decref(*value);
		*value = NULL;
	}
	return reading;
}

char *
acme_json_dump(json_t *value)
{
	char *text;

	json_memory_begin();
	text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	if (json_memory_end()) {
		free(text);
		text = NULL;
	}
	json_decref(value);
	return text;
}
