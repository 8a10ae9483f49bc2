/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which characters are what they look like. A text that people sign must say
 * the same to every program and to every eye: so no character that ends a
 * line for some readers only, turns the direction of writing, cannot be seen,
 * steers a terminal, or has no agreed form.
 */
#ifndef TMS_LIB_CODEPOINT_H
#define TMS_LIB_CODEPOINT_H

#include "base.h"

/* Why a character is refused wherever it stands; in the order in which a range of it is looked for. */
enum code_class {
        CODE_SHOWN, /* letters, marks, digits, signs, the plain space: not refused */
        CODE_SPACE, /* a blank that is not the plain space: not refused inside quotation marks */
        CODE_CONTROL,
        CODE_LINE_END, /* ends a line for YAML 1.1, and for nobody else */
        CODE_DIRECTION,
        CODE_INVISIBLE,
        CODE_PRIVATE,
        CODE_UNASSIGNED, /* also the codes that are no character at all */
};

/* LF and CR are CODE_CONTROL like all others. */
enum code_class code_class(uint32_t code);
/* What is wrong with a class and what to do, to follow a character's name in a sentence; NULL for CODE_SHOWN. */
const char *code_class_sentence(enum code_class c);

#define CODE_WORDS 64
/* "U+2028 (LINE SEPARATOR)"; "U+0435 (a Cyrillic letter)"; "U+0041" when there is no more to say. Returns buf. */
const char *code_words(uint32_t code, char buf[CODE_WORDS]);

/* The character that text begins with, of the length that text_character() gave. */
uint32_t code_at(const char *text, int length);
/* The first character of a text in UTF-8 that is not a printable one of ASCII; NULL: there is none. */
const char *code_find_foreign(const char *text);

#endif
