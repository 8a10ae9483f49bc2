/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: a list of all verbs, or the full help of one; see verb.h. */
#include "lines.h"
#include "verb.h"

/* Where the words on an option, and those on a verb, begin. */
#define OPTION_INDENT 23
#define VERB_INDENT 16

/* How long the first piece of the arguments is: a word, or what brackets hold together. */
static size_t piece(const char *arguments)
{
        size_t n = 0;

        if (*arguments == '[')
                n = strcspn(arguments, "]");
        return n + strcspn(arguments + n, " ");
}

/* Option and value, which brackets hold together, stand in one line. */
static void print_usage(const struct verb *v)
{
        unsigned used = (unsigned)printf("tmsctl %s", v->name), width = isatty(STDOUT_FILENO) ? columns() : UINT32_MAX;
        const char *arguments = v->arguments;
        struct line line;

        while (*arguments) {
                size_t n = piece(arguments);

                if (used + 1 + n > width)
                        used = (unsigned)printf("\n       ") - 1;
                used += (unsigned)printf(" %.*s", (int)n, arguments);
                arguments += n + strspn(arguments + n, " ");
        }
        (void)putchar('\n');
        (void)fprintf(line_begin(&line), "    %s", v->what);
        line_end(&line, 4);
}

static void print_options(const struct verb *v)
{
        struct line line;
        size_t i;

        for (i = 0; i < ELEMENTS(option_words); i++) {
                if (!(v->options & BIT(i)))
                        continue;
                (void)fprintf(line_begin(&line), "    --%-16s %s", long_options[i].name, option_words[i]);
                line_end(&line, OPTION_INDENT);
        }
}

int help_print(const struct verb *verbs, int argc, char **argv)
{
        const struct verb *v;
        struct line line;
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
        for (i = 0; verbs[i].name; i++) {
                (void)fprintf(line_begin(&line), "  %-13s %s", verbs[i].name, verbs[i].what);
                line_end(&line, VERB_INDENT);
        }
        print_lines("\ntmsctl help VERB tells a verb's arguments and options, tmsctl(1) its exit statuses.", 0);
        return STATUS_OK;
}
