// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts of the safety policy, for its tests; see safety-reasons.h. */
#include "next-step.h"
#include "protocol-text.h"
#include "safety-reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct tms_safety check(const struct tms_protocol *p, unsigned threshold, unsigned percent, unsigned today)
{
        struct tms_dose d = dose_for(p, threshold);
        struct tms_safety s = {};
        struct tms_error e = {};

        d.percent_permille = percent;
        if (tms_safety_check(p, &d, &(struct tms_today){.treatment = today}, &s, &e) < 0)
                fail_msg("%s", e.message);
        for (size_t i = 0; i < s.n_reasons; i++)
                if (s.reasons[i].class_ == TMS_SAFETY_NEVER)
                        tells_next_step(s.reasons[i].sentence);
        return s;
}

const struct tms_safety_reason *reason(const struct tms_safety *s, const char *table)
{
        for (size_t i = 0; i < s->n_reasons; i++)
                if (strcmp(s->reasons[i].table, table) == 0)
                        return &s->reasons[i];
        return NULL;
}

struct tms_protocol *trains(unsigned pulses, const char *interval, unsigned n, const char *cycle,
                            const char *first_to_last)
{
        char body[600];

        snprintf(body, sizeof(body),
                 "pattern:\n  train: {pulses: %u, interval: %s}\n  series: {trains: %u, interval: %s}\n"
                 "totals: {pulses: %u, trains: %u, first_to_last: %s}\n",
                 pulses, interval, n, cycle, pulses * n, n, first_to_last);
        return protocol_from("rMT", "100 %", body);
}
