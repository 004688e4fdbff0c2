/*
 * fetch_config: whether a URL and a file of roots can be used for requests at
 * all, to be asked at the start of a program rather than found at its first
 * request. Threads: any.
 */
#ifndef DERPKIT_FETCH_CONFIG_H
#define DERPKIT_FETCH_CONFIG_H

#include "fail.h"

#include <stdbool.h>

/* -1 with *why: it is not an absolute http or https URL with a host. *has_path
 * tells whether there is more than "/" after the host. */
int fetch_config_check_url(const char *url, bool *has_path, struct fail *why);

/* -1 with *why: the PEM file cannot be read or has no certificate. Blocks on
 * the file system. */
int fetch_config_check_roots(const char *ca_file, struct fail *why);

#endif
