/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that fit the terminal; see lines.h. */
#include "lines.h"
#include "tmsctl.h"
#include "wrap.h"

/* Fewer columns than these are too few for a text. */
#define ROOM_MIN 20
#define INDENT_NARROW 4

/* line has no line feed. */
static void print_one(const char *line, unsigned indent)
{
        const unsigned width = columns();
        unsigned margin = 0;
        size_t n;

        if (indent + ROOM_MIN > width)
                indent = INDENT_NARROW;
        do {
                const char *next;

                n = wrap_line(line, width - margin, &next);
                printf("%*s%.*s\n", (int)margin, "", (int)n, line);
                line = next;
                margin = indent;
        } while (*line);
}

void print_lines(const char *text, unsigned indent)
{
        const bool wide = !isatty(STDOUT_FILENO);

        while (*text) {
                size_t n = strcspn(text, "\n");
                _cleanup_(freep) char *line = strndup(text, n);

                if (wide || !line)
                        printf("%.*s\n", (int)n, text);
                else
                        print_one(line, indent);
                text += n + (text[n] == '\n');
        }
}

FILE *line_begin(struct line *l)
{
        *l = (struct line){0};
        l->f = open_memstream(&l->text, &l->size);
        return l->f ? l->f : stdout;
}

void line_end(struct line *l, unsigned indent)
{
        if (!l->f)
                (void)putchar('\n');
        else if (fclose(l->f) == 0)
                print_lines(*l->text ? l->text : "\n", indent);
        else
                (void)fail_memory();
        free(l->text);
        *l = (struct line){0};
}
