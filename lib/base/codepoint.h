/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which characters are what they look like. A text that people sign must say
 * the same to every program and to every eye. So it may not contain a
 * character that ends a line for some readers only, turns the direction of
 * writing, cannot be seen, steers a terminal, or has no agreed form.
 */
#ifndef TMS_LIB_CODEPOINT_H
#define TMS_LIB_CODEPOINT_H

#include "base.h"

/* Why a character is refused wherever it stands. */
enum code_class {
        CODE_SHOWN, /* letters, marks, digits, signs, the plain space: not refused */
        CODE_SPACE, /* a blank other than the plain space: allowed inside quotation marks */
        CODE_CONTROL,
        CODE_LINE_END, /* ends a line for YAML 1.1, and for nobody else */
        CODE_DIRECTION,
        CODE_INVISIBLE,
        CODE_PRIVATE,
        CODE_UNASSIGNED, /* also the codes that will never be a character */
};

/* LF and CR are CODE_CONTROL, like all other control characters. */
enum code_class code_class(uint32_t code);
/* The end of a sentence that begins with the character's name: what is wrong and what to do. NULL for CODE_SHOWN. */
const char *code_class_sentence(enum code_class c);

#define CODE_WORDS 64
/* "U+2028 (LINE SEPARATOR)", "U+0435 (a Cyrillic letter)" or, where there are no such words, "U+0041". Returns buf. */
const char *code_words(uint32_t code, char buf[CODE_WORDS]);

/* The first character of text; length is what text_character() returned for it. */
uint32_t code_at(const char *text, int length);
/* The first character of a text in UTF-8 that is not printable ASCII; NULL: all are. */
const char *code_find_foreign(const char *text);

#endif
