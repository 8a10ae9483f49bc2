/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the command line to opt: every wrong word is one sentence, and nothing has been done then. */
#ifndef TMSCTL_ARGUMENTS_H
#define TMSCTL_ARGUMENTS_H

#include "tmsctl.h"

/* Wanted in any message, so it is looked for before anything can go wrong. */
void arguments_look_for_json(int argc, char **argv);
/* Fills opt and *ret_given, a BIT() for each option; returns an exit status, or -1 to go on at optind. */
int arguments_parse(int argc, char **argv, uint32_t *ret_given);

#endif
