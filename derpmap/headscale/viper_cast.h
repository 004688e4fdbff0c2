/*
 * viper_cast: a value of the configuration as the type that headscale asks
 * for. What does not fit becomes zero, false or empty without a word, which is
 * why each conversion also tells whether it fitted.
 *
 * Source: spf13/cast v1.10.0, compared in tests/interop. Threads: pure
 * functions over the caller's arena.
 */
#ifndef DERPKIT_VIPER_CAST_H
#define DERPKIT_VIPER_CAST_H

#include "viper.h"

struct viper_list {
	struct slice *v;
	const struct doc_node **nodes; /* of each; NULL when cut out of text */
	size_t n;
};

/* Each sets *out in any case. false: a value is there and is not of the type,
 * so that *out is the zero value; or memory is short, which gives the same. */
bool viper_cast_bool(
    const struct viper_value *value, struct arena *a, bool *out);
bool viper_cast_int(
    const struct viper_value *value, struct arena *a, int64_t *out);
bool viper_cast_text(
    const struct viper_value *value, struct arena *a, struct slice *out);

/* A text is cut at blanks, and only there. */
bool viper_cast_list(
    const struct viper_value *value, struct arena *a, struct viper_list *out);

/* Nanoseconds: a number counts them itself. */
bool viper_cast_duration(
    const struct viper_value *value, struct arena *a, int64_t *out);

/* Whether the value is a number without a unit, or text that is one. */
bool viper_cast_is_number(const struct viper_value *value, struct arena *a);

#endif
