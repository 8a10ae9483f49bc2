/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints lines so that they fit the terminal. A line that is too long is broken at spaces. What follows begins in the
 * column indent, or nearer to the margin where that would leave little room. If standard output is no terminal, nothing
 * is broken, so that a line can be searched for.
 */
#ifndef TMSCTL_LINES_H
#define TMSCTL_LINES_H

#include <stdio.h>

/* A line whose parts are printed one after the other. */
struct line {
        FILE *f;
        char *text;
        size_t size;
};

/* Returns where to print the parts. Without memory that is standard output, and the line is not broken. */
FILE *line_begin(struct line *l);
/* Prints the line, with a line feed. */
void line_end(struct line *l, unsigned indent);

/* Prints a text, and a line feed if it ends without one. Each of its lines is broken for itself. */
void print_lines(const char *text, unsigned indent);

#endif
