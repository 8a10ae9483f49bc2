// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compiler, limits, policy and the kernel's verifier together: the first
 * bytes are the dose, the rest is a file. They must never disagree: what
 * compiles is well-formed to the verifier and within the session's own
 * limits, so that only the card's physics can still refuse it.
 */
#include "tms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger ones are not refused, only not worth the fuzzer's time. */
#define PULSES_MAX 200000

static void demand(bool condition)
{
        if (!condition)
                abort();
}

static uint32_t take(const uint8_t **data)
{
        uint32_t v = (uint32_t)(*data)[0] | (uint32_t)(*data)[1] << 8;

        *data += 2;
        return v;
}

/* A card without any physics: only form and the session's limits are left. */
static const struct tms_info no_physics = {
                .card_caps = UINT32_MAX,
                .max_permille = 1000,
                .min_interval_ns = 0,
                .stored_pulses = 16,
                .pulse_mJ = 0,
                .charge_mW = UINT32_MAX,
                .reservoir_mJ = UINT32_MAX,
                .refill_mW = UINT32_MAX,
                .coil_heat_mJ = UINT32_MAX,
                .coil_cool_mW = UINT32_MAX,
                .max_pulses_per_s = 1000,
                .max_pulses_per_day = UINT32_MAX,
};

static void check_timeline(const struct tms_timeline *t, const struct tms_limits *limits)
{
        struct tms_verdict v;
        int r;

        r = tms_timeline_check(t, &no_physics, limits, &v);
        /*
         * Two limits of the kernel are the card's after all: a set-point must be
         * there 200 us before its pulse, and no more than 1000 pulses a second.
         */
        demand(r == 0 || v.rule == TMS_RULE_SETTLING || v.rule == TMS_RULE_PULSES_PER_S);
        if (v.rule == TMS_RULE_PULSES_PER_S)
                demand(limits->max_pulses_per_s == 1000);

        r = tms_timeline_check(t, NULL, limits, &v);
        demand((r == 0) == (v.rule == TMS_RULE_NONE));
        if (r < 0)
                demand(r == -ERANGE && v.rule >= TMS_RULE_INTERVAL && v.pulse < t->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct tms_timeline t = {};
        struct tms_protocol *p = NULL;
        struct tms_dose dose = {};
        struct tms_limits limits;
        struct tms_safety safety;
        struct tms_error e = {};
        int compiled, limited;

        if (size < 6)
                return 0;
        dose.threshold_permille = take(&data) % 1100;
        dose.percent_permille = take(&data) % 3200;
        dose.other_threshold_permille = take(&data) % 1100;
        if (tms_protocol_parse("fuzz", (const char *)data, size - 6, &p, NULL) < 0)
                return 0;
        if (tms_protocol_pulses(p) > PULSES_MAX) {
                tms_protocol_free(p);
                return 0;
        }
        snprintf(dose.threshold_kind, sizeof(dose.threshold_kind), "%s", tms_protocol_reference(p));
        snprintf(dose.threshold_coil, sizeof(dose.threshold_coil), "%s", tms_protocol_coil(p));

        compiled = tms_compile(p, &dose, &t, &e);
        demand(compiled == 0 || (compiled < 0 && e.message[0] && !t.pulses));
        limited = tms_session_limits(p, &dose, &limits, &e);
        demand(limited == 0 || (limited < 0 && e.message[0]));

        if (compiled == 0) {
                demand(t.count == tms_protocol_pulses(p) && t.trains == tms_protocol_trains(p));
                demand(t.pulses[t.count - 1].t_ns == tms_protocol_first_to_last_ns(p));
                /* Each part of a product is rounded up for the limit, so just below 100 %MSO it may refuse alone. */
                if (limited == 0)
                        check_timeline(&t, &limits);
                else
                        demand(t.max_permille >= 990);
        }
        if (limited == 0) {
                demand(tms_safety_check(p, &dose, 0, &safety, &e) == 0);
                demand(safety.n_reasons >= 1 && safety.n_reasons <= 24);
        }
        tms_timeline_clear(&t);
        tms_protocol_free(p);
        return 0;
}
