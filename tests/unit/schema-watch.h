/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every record that a test writes is held against its type by the daemon itself. Here the test is told: a record that
 * does not match ends the process at once, with the sentence. What was written is noted, type by type and field by
 * field, in types/PROGRAM beside the program, from where test-schema-written collects it.
 */
#ifndef SCHEMA_WATCH_H
#define SCHEMA_WATCH_H

#include <stdbool.h>

/* The test wants to see such a record refused. */
extern bool schema_watch_lets_refuse;

#endif
