/*
 * edit: what --fix does about a finding, put together by the rule that found
 * it.
 *
 * A rule calls these on what rule_found returned. An edit is left out where it
 * could touch something else: values that come by an alias or a merge key,
 * text in a block scalar, UTF-16, members of a mapping with anchors. Several
 * calls for one finding make edits that are done together.
 *
 * Threads: as the run.
 */
#ifndef DERPKIT_EDIT_H
#define DERPKIT_EDIT_H

#include "rule.h"

/* Whether the value is written where it is used, and only there. */
bool edit_is_own(const struct derpmap_origin *from);

/* Puts text in place of the value, its quotes included. */
void edit_value(struct rule_run *run, struct finding *f,
    const struct derpmap_origin *from, const char *text);

/* The same for text of letters, digits and ._:-, written in the style of what
 * is there. */
void edit_text(struct rule_run *run, struct finding *f,
    const struct derpmap_origin *from, struct slice text);

/* Puts another name in place of a key, in the style of what is there. */
void edit_key(struct rule_run *run, struct finding *f,
    const struct doc_node *key, const char *name);

/* Adds a member to the mapping that is the value. value is as it is written.
 */
void edit_add(struct rule_run *run, struct finding *f,
    const struct derpmap_origin *owner, const char *name, const char *value);

/* Puts text in place of len bytes at the offset. */
void edit_span(struct rule_run *run, struct finding *f, size_t offset,
    size_t len, const char *text);

/* Removes the line of a list element that has nothing but the dash and the
 * value, if it is so. The finding is at the value. */
void edit_remove_element(
    struct rule_run *run, struct finding *f, const struct doc_node *value);

#endif
