/* admit: see admit.h. */
#include "admit.h"

#include "gojson.h"

void
admit_request_put(
    struct writer *w, const struct derp_key *key, const struct netaddr *source)
{
	char name[DERP_KEY_TEXT], ip[NETADDR_TEXT] = "";

	derp_key_format(key, name);
	if (source != NULL)
		netaddr_format_ip(source, ip);
	writer_printf(w, "{\"NodePublic\":\"%s\",\"Source\":\"%s\"}", name, ip);
}

static int
read_key(const struct gojson *value, struct derp_key *key, struct fail *why)
{
	uint8_t text[DERP_KEY_TEXT];
	struct writer w = writer_of(text, sizeof text);

	if (gojson_string(value, &w) == -1 ||
	    derp_key_parse(key, writer_slice(&w)) == -1)
		return fail_set(why, "NodePublic is not a node key");
	return 0;
}

/* Go's netip.Addr: "" means no address. IPv6 may have a zone, which is not
 * used: it is dropped. */
static int
read_source(
    const struct gojson *value, struct netaddr *source, struct fail *why)
{
	uint8_t text[ADMIT_REQUEST_MAX];
	struct writer w = writer_of(text, sizeof text);
	struct slice ip, zone;
	bool has_zone;

	*source = (struct netaddr){ 0 };
	if (gojson_string(value, &w) == -1)
		return fail_set(why, "Source is not an address");
	if (w.n == 0)
		return 0;
	has_zone = slice_cut(writer_slice(&w), '%', &ip, &zone);
	if (netaddr_parse_ip(source, ip) == -1 ||
	    (has_zone && (zone.n == 0 || source->is_v4))) {
		*source = (struct netaddr){ 0 };
		return fail_set(why, "Source is not an address");
	}
	return 0;
}

int
admit_request_parse(struct slice body, struct derp_key *key,
    struct netaddr *source, struct fail *why)
{
	struct gojson root, name, value;
	struct slice rest;

	*key = (struct derp_key){ { 0 } };
	*source = (struct netaddr){ 0 };
	if (gojson_parse(body, &root) == -1)
		return fail_set(why, "malformed JSON");
	if (root.type != GOJSON_OBJECT && root.type != GOJSON_NULL)
		return fail_set(why, "JSON is not an object");
	rest = root.text;
	while (gojson_next(&rest, &name, &value)) {
		if (value.type == GOJSON_NULL)
			continue;
		if (gojson_name_is(&name, "NodePublic") &&
		    read_key(&value, key, why) == -1)
			return -1;
		if (gojson_name_is(&name, "Source") &&
		    read_source(&value, source, why) == -1)
			return -1;
	}
	return 0;
}

void
admit_response_put(struct writer *w, bool allow)
{
	writer_printf(w, "{\"Allow\":%s}\n", allow ? "true" : "false");
}

int
admit_response_parse(struct slice body, bool *allow, struct fail *why)
{
	struct gojson root, name, value;
	struct slice rest;

	*allow = false;
	if (gojson_take(&body, &root) == -1)
		return fail_set(why, "malformed JSON");
	if (root.type != GOJSON_OBJECT)
		return fail_set(why, "JSON is not an object");
	rest = root.text;
	while (gojson_next(&rest, &name, &value)) {
		if (!gojson_name_is(&name, "Allow") ||
		    value.type == GOJSON_NULL)
			continue;
		if (gojson_bool(&value, allow) == -1) {
			*allow = false;
			return fail_set(why, "Allow is not a boolean");
		}
	}
	return 0;
}
