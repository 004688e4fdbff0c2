/*
 * yaml_date: what yaml.v3 takes for a date.
 *
 * The four layouts of Go's time package that it tries: a date, or date and
 * time with T, t or spaces between, with the laxness of time.Parse (one-digit
 * fields, any number of spaces, a comma before the fraction). Threads: pure.
 */
#ifndef DERPKIT_YAML_DATE_H
#define DERPKIT_YAML_DATE_H

#include "bytes.h"

bool yaml_date_is(struct slice text);

#endif
