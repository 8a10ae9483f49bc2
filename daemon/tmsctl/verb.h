/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a verb is. main.c has the one table of them; it ends with a name that is NULL. */
#ifndef TMSCTL_VERB_H
#define TMSCTL_VERB_H

#include "tmsctl.h"

struct verb {
        const char *name; /* may be two words */
        int min, max;     /* arguments after it */
        uint32_t options; /* that it takes, a BIT() each */
        verb_fn run;
        const char *arguments, *what;
};

/* NULL: there is none of that name. second may be NULL. */
const struct verb *verb_find(const struct verb *verbs, const char *first, const char *second);
/* Says so, with the nearest one; returns the exit status. */
int verb_unknown(const struct verb *verbs, const char *first, const char *second);
/* Refuses options and arguments that it does not take, or runs it. argv: what follows the verb. */
int verb_call(const struct verb *v, int argc, char **argv, uint32_t given);

/* help.c: of all verbs, or of those that the words name. Returns an exit status. */
int help_print(const struct verb *verbs, int argc, char **argv);

#endif
