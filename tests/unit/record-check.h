/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scanner of records against libjansson, on any bytes; for the fuzzer and for the unit test. */
#ifndef TMS_TESTS_RECORD_CHECK_H
#define TMS_TESTS_RECORD_CHECK_H

#include <stddef.h>

/*
 * NULL, or what the two differ in: the scanner takes what libjansson reads, writes again as the same bytes, and finds
 * to be a record with its keys in order, and nothing else; and both see the same values.
 */
const char *record_check(const char *text, size_t size);

#endif
