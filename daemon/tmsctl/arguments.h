/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the command line to opt. A wrong word is reported in one sentence, before the verb does anything. */
#ifndef TMSCTL_ARGUMENTS_H
#define TMSCTL_ARGUMENTS_H

#include "tmsctl.h"

/* Sets opt.json if the command line has --json. To be called first, because every message depends on it. */
void arguments_look_for_json(int argc, char **argv);
/* Fills opt, and *ret_given with a BIT() for each option. Returns an exit status, or -1: the verb is at optind. */
int arguments_parse(int argc, char **argv, uint32_t *ret_given);

#endif
