/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols from a few lines, for tests: everything but pattern and totals is the same. */
#ifndef TMS_TEST_PROTOCOL_TEXT_H
#define TMS_TEST_PROTOCOL_TEXT_H

#include "tms.h"

/* Fails the test with the parser's message. body: pattern or legs, and totals. */
struct tms_protocol *protocol_from(const char *reference, const char *percent, const char *body);
struct tms_protocol *protocol_shipped(const char *id);
/* For this protocol's own reference and coil. */
struct tms_dose dose_for(const struct tms_protocol *p, unsigned threshold_permille);

/* The timeline of that dose; fails the test if there is none. */
struct tms_timeline compile(const struct tms_protocol *p, const struct tms_dose *dose);

#endif
