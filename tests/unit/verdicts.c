// SPDX-License-Identifier: GPL-2.0-or-later
/* The verifier has to find this; see verdicts.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "verdicts.h"

void assert_holds(const struct tms_pulse *p, u32 n, const struct tms_envelope *env, const struct tms_history *h,
                  u64 start_ns)
{
        struct tms_verdict v = {.rule = 99, .pulse = 99, .limit = 99, .actual = 99};
        int r = tms_timeline_verify(p, n, env, h, start_ns, &v);

        if (r)
                fail_msg("refused: rule %u at pulse %u, limit %llu, actual %llu", v.rule, v.pulse, v.limit, v.actual);
        assert_int_equal(v.rule, TMS_RULE_NONE);
        assert_int_equal(v.pulse, 0);
        assert_int_equal(v.limit, 0);
        assert_int_equal(v.actual, 0);
}

void assert_breaks(const struct tms_pulse *p, u32 n, const struct tms_envelope *env, const struct tms_history *h,
                   u64 start_ns, int error, u32 rule, u32 pulse, u64 limit, u64 actual)
{
        struct tms_verdict v = {};

        assert_int_equal(tms_timeline_verify(p, n, env, h, start_ns, &v), error);
        assert_int_equal(v.rule, rule);
        assert_int_equal(v.pulse, pulse);
        assert_int_equal(v.limit, limit);
        assert_int_equal(v.actual, actual);
}
