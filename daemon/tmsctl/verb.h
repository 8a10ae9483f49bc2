/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verb. main.c has the only table of them; the last entry has a NULL name. */
#ifndef TMSCTL_VERB_H
#define TMSCTL_VERB_H

#include "tmsctl.h"

struct verb {
        const char *name; /* one word or two */
        int min, max;     /* how many arguments follow it */
        uint32_t options; /* a BIT() for each option that it takes */
        verb_fn run;
        const char *arguments, *what;
};

/* NULL: there is no verb of that name. second may be NULL. */
const struct verb *verb_find(const struct verb *verbs, const char *first, const char *second);
/* Prints that there is no such verb, and the one that was probably meant. Returns the exit status. */
int verb_unknown(const struct verb *verbs, const char *first, const char *second);
/* Runs the verb, or refuses options and arguments that it does not take. argv: the words after the verb. */
int verb_call(const struct verb *v, int argc, char **argv, uint32_t given);

/* help.c: prints the help of all verbs, or of those that the words name. Returns an exit status. */
int help_print(const struct verb *verbs, int argc, char **argv);

#endif
