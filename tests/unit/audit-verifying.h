/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log made by hand, for tests that spoil it, and its verdict. */
#ifndef AUDIT_VERIFYING_H
#define AUDIT_VERIFYING_H

#include "audit-forge.h"
#include "tms.h"

/* Ends the list of write_lines(). */
#define NO_LINE ((size_t)-1)

/* A whole log with one session in *state, on disk. */
int verifying_setup(void **state);
int verifying_teardown(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, verifying_setup, verifying_teardown)

/* Any of the anchors may be NULL. The test fails if there is no verdict. */
struct tms_audit_report verify(const struct forge *f, const char *key0, const char *seal, const char *nonce);

/* Against both anchors that a clinic holds off the machine: the seal is the log's last line as it was written. */
struct tms_audit_report verify_held(const struct forge *f);

void assert_result(struct tms_audit_report report, enum tms_audit_result want, uint64_t line, const char *words);

/* The lines on disk, from a list of indices that ends with NO_LINE. */
void write_lines(const struct forge *f, const size_t *order);

/* All lines, malloc'd. */
char *whole_text(const struct forge *f, size_t *ret_size);

#endif
