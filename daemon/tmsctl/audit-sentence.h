/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a record of the audit log is said, and which types of record there are. */
#ifndef TMSCTL_AUDIT_SENTENCE_H
#define TMSCTL_AUDIT_SENTENCE_H

#include "util.h"

/*
 * A type of record and its sentence, in which is put:
 *
 *   {KEY}          the value of KEY in the record's data; "?" where there is none. An array's values have commas between
 *   {KEY percent}  0.1 % as "62.5"
 *   {KEY ms}       nanoseconds as "0.312 ms"
 *   {KEY words}    "owner_frozen" as "owner frozen"
 *   {KEY start}    the first twelve letters of a hash or key
 *   {KEY pace}     of a pause: true as "at once", false as "at the end of the train"
 *   {KEY s}        the s of "pulses", unless the value is 1
 *   {who}          who asked for it: "uid 1000"; "tmsd" where nobody did
 *   {on}           the stimulator or session that it is about: "/dev/tms0"
 *   [TEXT]         left out if one of the values in it is missing or empty
 *   [?KEY:A|B]     A if KEY has a value other than false, 0, "" and [], else B; |B may be left out
 *   [!KEY:A]       A if KEY is not there, or empty; 0 is there
 *
 * Brackets may stand in brackets. Two full stops in a row become one, since values may be sentences.
 */
struct audit_type {
        const char *type, *say;
};

/* Every type that the daemon writes; the last one has a NULL type. */
extern const struct audit_type audit_types[];

/*
 * The record in a sentence, malloc'd; NULL: no memory. Nothing in it steers a terminal. A type that is not known is said
 * as its name and its data.
 */
char *audit_sentence(const json_t *record);

#endif
