/*
 * setting: what the rules about headscale's configuration have in common: where
 * a setting is and what to call it.
 *
 * Inside the rules_config_*.c. Threads: as the run.
 */
#ifndef DERPKIT_SETTING_H
#define DERPKIT_SETTING_H

#include "effective.h"
#include "rule.h"

/* The configuration that is judged. */
const struct headscale_config *setting_config(const struct rule_run *run);

/* Where the setting is: its value; otherwise the derp section; otherwise
 * nowhere (line 0), which is the start of the file. */
struct doc_pos setting_at(
    const struct rule_run *run, const struct viper_value *from);

/* The place of the i-th element of a list. */
struct doc_pos setting_element_at(
    const struct rule_run *run, const struct headscale_list *list, size_t i);

/* Whether it is written somewhere, not left to its default. */
bool setting_is_given(const struct viper_value *from);

/* What to call it in a message: the key, or the variable that sets it; borrowed
 * from one of them. */
const char *setting_name(const struct viper_value *from, const char *key);

/* As written, for a message. */
struct slice setting_text(const struct viper_value *from);

/* The host of server_url without port and brackets; empty when it has none. */
struct slice setting_server_host(const struct rule_run *run);

#endif
