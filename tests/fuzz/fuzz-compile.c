// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compiler, limits, policy and the kernel's verifier together: the first
 * bytes are the dose, the rest is a file. They must never disagree: what
 * compiles is well-formed to the verifier and within the session's own
 * limits, so that only the card's physics can still refuse it; and what does
 * not compile has a verdict that says so, or is no dose for anybody.
 */
#include "tms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger ones are not refused, only not worth the fuzzer's time. */
#define PULSES_MAX 100000

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
                .card_flags = UINT32_MAX,
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
         * there TMS_SETTLE_MARGIN_NS before its pulse, and no more than 1000 pulses a second.
         */
        demand(r == 0 || v.rule == TMS_RULE_SETTLING || v.rule == TMS_RULE_PULSES_PER_S);
        if (v.rule == TMS_RULE_PULSES_PER_S)
                demand(limits->max_pulses_per_s == 1000);

        r = tms_timeline_check(t, NULL, limits, &v);
        demand((r == 0) == (v.rule == TMS_RULE_NONE));
        if (r < 0)
                demand(r == -ERANGE && v.rule >= TMS_RULE_INTERVAL && v.pulse < t->count);
}

/* Nine numbers of two bytes: thresholds, percentage, pulses of the day, and what is odd about the dose. */
#define DOSE_SIZE (2 * (4 + TMS_LEGS_MAX + 1))

enum odd {
        ODD_KIND = 1, /* of the other kind */
        ODD_COIL = 2, /* of another coil */
        ODD_NO_COIL = 4,
        ODD_VISUAL = 8,
        ODD_EMG = 16,
        ODD_METHOD = 32,         /* of no known method */
        ODD_NO_KIND = 64,        /* none is stated */
        ODD_TYPO = 128,          /* of no known kind */
        ODD_ACTIVE = 256,        /* of the active one, whatever the protocol's is */
        ODD_ADJUSTED = 512,      /* the second number is what the first was adjusted to */
        ODD_LEG_ADJUSTED = 1024, /* a leg's threshold is adjusted to the next one's */
};

static unsigned dose_read(const uint8_t *data, struct tms_dose *dose, uint32_t *ret_today)
{
        unsigned odd;

        dose->threshold_permille = take(&data) % 1100;
        dose->percent_permille = take(&data) % 3200;
        dose->other_threshold_permille = take(&data) % 1100;
        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                dose->leg_threshold_permille[i] = take(&data) % 1100;
        *ret_today = take(&data);
        odd = take(&data);
        if (odd & ODD_ADJUSTED) {
                dose->adjusted_threshold_permille = dose->other_threshold_permille;
                dose->other_threshold_permille = 0;
        }
        for (size_t i = 0; odd & ODD_LEG_ADJUSTED && i < TMS_LEGS_MAX; i++)
                dose->leg_adjusted_permille[i] = dose->leg_threshold_permille[(i + 1) % TMS_LEGS_MAX];
        return odd;
}

static void dose_fit(const struct tms_protocol *p, unsigned odd, struct tms_dose *dose)
{
        const char *kind = tms_protocol_reference(p), *coil = tms_protocol_coil(p), *method = "";

        if (odd & ODD_KIND)
                kind = strcmp(kind, "rMT") == 0 ? "aMT" : "rMT";
        if (odd & ODD_NO_KIND)
                kind = "";
        else if (odd & ODD_TYPO)
                kind = "RMT";
        else if (odd & ODD_ACTIVE)
                kind = "aMT";
        if (odd & ODD_COIL)
                coil = strcmp(coil, "H7") == 0 ? "H1" : "H7";
        if (odd & ODD_NO_COIL)
                coil = "";
        if (odd & ODD_VISUAL)
                method = "visual";
        else if (odd & ODD_EMG)
                method = "EMG";
        else if (odd & ODD_METHOD)
                method = "guess";
        snprintf(dose->threshold_kind, sizeof(dose->threshold_kind), "%s", kind);
        snprintf(dose->threshold_coil, sizeof(dose->threshold_coil), "%s", coil);
        snprintf(dose->threshold_method, sizeof(dose->threshold_method), "%s", method);
}

static void check_reasons(const struct tms_safety *s)
{
        enum tms_safety_class worst = TMS_SAFETY_ALLOWED;

        demand(s->n_reasons >= 1 && s->n_reasons <= sizeof(s->reasons) / sizeof(s->reasons[0]));
        for (size_t i = 0; i < s->n_reasons; i++) {
                const struct tms_safety_reason *r = &s->reasons[i];

                demand(r->layer[0] && r->table[0] && r->source[0] && r->sentence[0]);
                demand(r->sentence[strlen(r->sentence) - 1] == '.');
                if (r->class_ > worst)
                        worst = r->class_;
        }
        demand(s->class_ == worst);
}

static bool has_card(const struct tms_safety *s)
{
        return strcmp(s->reasons[s->n_reasons - 1].layer, "card") == 0;
}

/* Nothing is judged by an adjusted threshold without the one that was measured. */
static void check_adjusted(const struct tms_protocol *p, const struct tms_dose *dose)
{
        demand(!dose->adjusted_threshold_permille || dose->threshold_permille);
        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                demand(!dose->leg_adjusted_permille[i] ||
                       (i < tms_protocol_legs(p) && (dose->leg_threshold_permille[i] || dose->threshold_permille)));
}

/* Of two thresholds it is known which is which, and the active one is not the higher one. */
static void check_thresholds(const struct tms_dose *dose)
{
        const bool resting = strcmp(dose->threshold_kind, "rMT") == 0;

        if (!dose->other_threshold_permille)
                return;
        demand(resting || strcmp(dose->threshold_kind, "aMT") == 0);
        if (dose->threshold_permille)
                demand(resting ? dose->other_threshold_permille <= dose->threshold_permille
                               : dose->threshold_permille <= dose->other_threshold_permille);
}

static void check_dose(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t today, unsigned odd)
{
        struct tms_safety safety, verdict;
        struct tms_timeline t = {};
        struct tms_limits limits;
        struct tms_error e = {};
        int compiled, limited, checked, judged;

        compiled = tms_compile(p, dose, &t, &e);
        demand(compiled == 0 || (compiled < 0 && e.message[0] && !t.pulses));
        limited = tms_session_limits(p, dose, &limits, &e);
        demand(limited == 0 || (limited < 0 && e.message[0]));
        checked = tms_safety_check(p, dose, &(struct tms_today){.treatment = today}, &safety, &e);
        demand(checked == 0 || (checked < 0 && e.message[0]));
        judged = tms_safety_verdict(p, dose, &(struct tms_today){.treatment = today}, NULL, &verdict, &e);
        demand(judged == 0 || (judged < 0 && judged != -ERANGE && e.message[0]));

        if (compiled == 0) {
                demand(t.count == tms_protocol_pulses(p) && t.trains == tms_protocol_trains(p));
                demand(t.pulses[t.count - 1].t_ns == tms_protocol_first_to_last_ns(p));
                demand(limited == 0 && checked == 0 && judged == 0);
                check_thresholds(dose);
                check_adjusted(p, dose);
                check_timeline(&t, &limits);
        }
        if (judged < 0)
                demand(compiled < 0 && checked < 0);
        else {
                check_reasons(&verdict);
                demand(compiled == 0 || compiled == -ERANGE);
                demand(compiled == 0 || (verdict.class_ == TMS_SAFETY_NEVER && has_card(&verdict)));
        }
        if (checked == 0) {
                check_reasons(&safety);
                demand(judged == 0 && verdict.n_reasons == safety.n_reasons + has_card(&verdict));
                demand(has_card(&verdict) || verdict.class_ == safety.class_);
        }
        /* A threshold of another coil or kind is no dose. */
        if ((odd & (ODD_COIL | ODD_NO_COIL)) && dose->threshold_permille && strcmp(tms_protocol_coil(p), "any") != 0)
                demand(compiled == -EINVAL && checked == -EINVAL && judged == -EINVAL);
        if (strcmp(dose->threshold_kind, tms_protocol_reference(p)) != 0 &&
            strcmp(tms_protocol_reference(p), "MSO") != 0)
                demand(compiled == -EINVAL && checked == -EINVAL && judged == -EINVAL);
        tms_timeline_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct tms_protocol *p = NULL;
        struct tms_dose dose = {};
        uint32_t today;
        unsigned odd;

        if (size < DOSE_SIZE)
                return 0;
        odd = dose_read(data, &dose, &today);
        if (tms_protocol_parse("fuzz", (const char *)data + DOSE_SIZE, size - DOSE_SIZE, &p, NULL) < 0)
                return 0;
        if (tms_protocol_pulses(p) <= PULSES_MAX) {
                dose_fit(p, odd, &dose);
                check_dose(p, &dose, today, odd);
        }
        tms_protocol_free(p);
        return 0;
}
