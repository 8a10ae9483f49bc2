/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: a list of all verbs, or the full help of one; see verb.h. */
#include "verb.h"

static void print_usage(const struct verb *v)
{
        printf("tmsctl %s%s%s\n    %s\n", v->name, *v->arguments ? " " : "", v->arguments, v->what);
}

static void print_options(const struct verb *v)
{
        size_t i;

        for (i = 0; i < ELEMENTS(option_words); i++)
                if (v->options & BIT(i))
                        printf("    --%-16s %s\n", long_options[i].name, option_words[i]);
}

int help_print(const struct verb *verbs, int argc, char **argv)
{
        const struct verb *v;
        size_t i;

        /* There is no verb "audit"; there are three that begin with it. */
        if (argc == 1 && STREQ(argv[0], "audit")) {
                for (i = 0; verbs[i].name; i++)
                        if (strncmp(verbs[i].name, "audit ", 6) == 0)
                                print_usage(&verbs[i]);
                return STATUS_OK;
        }
        if (argc > 0) {
                v = verb_find(verbs, argv[0], argc > 1 ? argv[1] : NULL);
                if (!v)
                        return verb_unknown(verbs, argv[0], argc > 1 ? argv[1] : NULL);
                print_usage(v);
                print_options(v);
                return STATUS_OK;
        }
        puts("tmsctl [VERB] [ARGUMENTS] [OPTIONS]: transcranial magnetic stimulation\n");
        for (i = 0; verbs[i].name; i++)
                printf("  %-13s %s\n", verbs[i].name, verbs[i].what);
        puts("\ntmsctl help VERB tells a verb's arguments and options, tmsctl(1) its exit statuses.");
        return STATUS_OK;
}
