/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verifier has to say of a timeline; a test fails if it says anything else. */
#ifndef TEST_VERDICTS_H
#define TEST_VERDICTS_H

#include "timeline.h"

/* The timeline holds, behind this history, if it is started at start_ns. */
void assert_holds(const struct tms_pulse *p, u32 n, const struct tms_envelope *env, const struct tms_history *h,
                  u64 start_ns);
/* It is refused with this error, and the verdict names this rule, pulse, limit and value. */
void assert_breaks(const struct tms_pulse *p, u32 n, const struct tms_envelope *env, const struct tms_history *h,
                   u64 start_ns, int error, u32 rule, u32 pulse, u64 limit, u64 actual);

#endif
