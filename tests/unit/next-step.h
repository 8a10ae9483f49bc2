/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a sentence to a person say what to do next? */
#ifndef TESTS_UNIT_NEXT_STEP_H
#define TESTS_UNIT_NEXT_STEP_H

#include <stdbool.h>

/* One of its clauses behind the first asks for something: "…; lower the percentage", "… Begin a new session." */
bool names_next_step(const char *sentence);

/* Fails the test with the sentence if it does not. */
void tells_next_step(const char *sentence);

#endif
