/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verifier's rules once more, straight from their definitions: each from
 * scratch for each pulse, over all pulses there are, in 128 bits. Slow, and
 * written apart from kernel/pure/timeline.c, so that the two can be compared.
 */
#ifndef TEST_TIMELINE_REFERENCE_H
#define TEST_TIMELINE_REFERENCE_H

#include "timeline.h"

/* A pulse that was fired before. */
struct fired {
        u64 mono_ns;
        u32 permille;
};

/*
 * Returns the index of the first pulse that breaks any rule, or @count, and in
 * @ret_rules the set of all rules that it breaks (1 << TMS_RULE_*).
 */
u32 reference_verify(const struct tms_pulse *pulses, u32 count, const struct tms_envelope *env,
                     const struct fired *fired, u32 fired_count, u64 start_ns, u32 *ret_rules);

#endif
