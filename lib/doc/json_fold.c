/* json_fold: see json_fold.h. */
#include "json_fold.h"

#include "utf8.h"

/* Lower case of what folds into ASCII; other code points as they are. */
static uint32_t
fold(uint32_t code)
{
	if (code >= 'A' && code <= 'Z')
		return code | 0x20;
	if (code == 0x17f)
		return 's';
	return code == 0x212a ? 'k' : code;
}

bool
json_fold_eq(struct slice name, const char *want)
{
	while (name.n > 0 && *want != '\0') {
		uint32_t code;
		size_t n = utf8_next(name, &code);

		if (n == 0 || fold(code) != fold((uint8_t)*want))
			return false;
		name = slice_of(name.p + n, name.n - n);
		want++;
	}
	return name.n == 0 && *want == '\0';
}

bool
json_fold_token_eq(const struct json_token *name, const char *want)
{
	struct slice rest = json_token_inside(name);

	if (name->is_plain)
		return json_fold_eq(rest, want);
	while (rest.n > 0 && *want != '\0')
		if (fold(json_token_code(&rest)) != fold((uint8_t)*want++))
			return false;
	return rest.n == 0 && *want == '\0';
}
