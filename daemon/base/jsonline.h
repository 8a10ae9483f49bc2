/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record as one line of JSON, whole or not at all. json_dumps() of jansson
 * 2.14 is not used for it: it does not look whether a key found its place, so
 * that without memory at the wrong moment the text lacks one and is no JSON.
 */
#ifndef TMSD_JSONLINE_H
#define TMSD_JSONLINE_H

#include "util.h"

/* Compact, without an end of line; to be freed. -ENOMEM without memory. */
int json_line(const json_t *record, char **ret);

#endif
