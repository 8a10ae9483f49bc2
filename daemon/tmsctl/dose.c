/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dose that the options give, compiled and judged by the library without a card or a daemon. */
#include "tmsctl.h"

/*
 * p is NULL for a protocol that cannot be read: it is sent to the daemon all
 * the same, which refuses it and records that. Other than the kind, the coil is
 * never taken from the protocol: only the operator knows with which coil the
 * threshold was measured.
 */
void protocol_kind(const struct tms_protocol *p, char ret[static KIND_TEXT])
{
        const char *kind = opt.threshold_kind;

        if (!kind)
                kind = p ? tms_protocol_reference(p) : TMS_KIND_RMT;
        (void)snprintf(ret, KIND_TEXT, "%s", STREQ(kind, TMS_REFERENCE_MSO) ? "" : kind);
}

static int set_text(char *out, size_t size, const char *text, const char *option)
{
        if ((size_t)snprintf(out, size, "%s", text) >= size)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s '%s' is too long; give at most %zu bytes", option,
                             text, size - 1);
        return 0;
}

bool protocol_has_threshold(const struct tms_protocol *p)
{
        size_t i;

        for (i = 0; opt.mt_permille == 0 && i < tms_protocol_legs(p); i++)
                if (opt.leg_mt_permille[i] == 0)
                        return false;
        return true;
}

int protocol_idle_options(const struct tms_protocol *p, bool shape)
{
        const struct {
                const char *name;
                bool given;
                bool of_verdict; /* it changes only the verdict */
                bool of_shape;   /* it changes the shape even if there is no threshold */
        } options[] = {
                        {"--today", opt.today > 0, true, false},
                        {"--mt-method", opt.mt_method, true, false},
                        {"--percent", opt.percent_permille > 0, false, true},
                        {"--coil", opt.coil, false, false},
                        {"--threshold-kind", opt.threshold_kind, false, false},
                        {"--other-mt", opt.other_mt_permille > 0, false, false},
                        {"--leg-mt", opt.leg_mt_permille[0] > 0, false, false},
                        {"--adjusted-mt", opt.adjusted_mt_permille > 0 || opt.leg_adjusted_permille[0] > 0, false,
                         false},
                        {"--adjustment", opt.adjustment, false, false},
        };
        bool threshold = protocol_has_threshold(p);
        size_t i;

        for (i = 0; i < ELEMENTS(options); i++) {
                if (!options[i].given)
                        continue;
                if (!threshold && !(shape && options[i].of_shape))
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s has no effect without --mt; give that too",
                                    options[i].name);
                if (shape && options[i].of_verdict)
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                                    "%s has no effect with --timeline; leave one of them out", options[i].name);
        }
        return 0;
}

int protocol_want_threshold(const struct tms_protocol *p)
{
        const char *reference = tms_protocol_reference(p);
        char each[64] = "";

        if (STREQ(reference, TMS_REFERENCE_MSO) || protocol_has_threshold(p))
                return 0;
        if (tms_protocol_legs(p) > 1)
                (void)snprintf(each, sizeof(each), ", or with --leg-mt for each of its %zu legs", tms_protocol_legs(p));
        return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                     "the protocol's intensity is in %% of the motor threshold (%s): give it with --mt%s", reference,
                     each);
}

int protocol_dose(const struct tms_protocol *p, bool wanted, struct tms_dose *ret)
{
        const char *reference = tms_protocol_reference(p);
        const char *coil;
        bool absolute = STREQ(reference, TMS_REFERENCE_MSO);
        struct tms_dose dose = {
                        .threshold_permille = opt.mt_permille,
                        .percent_permille = opt.percent_permille,
                        .other_threshold_permille = opt.other_mt_permille,
                        .adjusted_threshold_permille = opt.adjusted_mt_permille,
        };
        int r;

        if (wanted) {
                r = protocol_want_threshold(p);
                if (r < 0)
                        return r;
        }
        r = set_text(dose.threshold_kind, sizeof(dose.threshold_kind),
                     opt.threshold_kind ? opt.threshold_kind
                     : absolute         ? ""
                                        : reference,
                     "--threshold-kind");
        if (r < 0)
                return r;
        coil = opt.coil ? opt.coil : STREQ(tms_protocol_coil(p), TMS_ANY_COIL) ? "" : tms_protocol_coil(p);
        r = set_text(dose.threshold_coil, sizeof(dose.threshold_coil), coil, "--coil");
        if (r < 0)
                return r;
        if (opt.adjustment) {
                r = set_text(dose.adjustment, sizeof(dose.adjustment), opt.adjustment, "--adjustment");
                if (r < 0)
                        return r;
        }
        memcpy(dose.leg_threshold_permille, opt.leg_mt_permille, sizeof(dose.leg_threshold_permille));
        memcpy(dose.leg_adjusted_permille, opt.leg_adjusted_permille, sizeof(dose.leg_adjusted_permille));
        (void)snprintf(dose.threshold_method, sizeof(dose.threshold_method), "%s", opt.mt_method ? opt.mt_method : "");
        *ret = dose;
        return 0;
}

int fail_dose(int r, const struct tms_error *e)
{
        if (r == -ERANGE)
                return fail_tms(STATUS_NEVER, FAILURE_LIMIT_EXCEEDED, e);
        return fail_tms(STATUS_BAD_INPUT, FAILURE_INVALID_ARGUMENT, e);
}

int protocol_compile(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *ret)
{
        struct tms_error error = {0};
        struct tms_safety safety;
        int r;

        r = tms_compile(p, dose, ret, &error);
        if (r >= 0)
                return 0;
        /* With --json every verb then prints the same verdict as check. People get one sentence. */
        if (r == -ERANGE && opt.json &&
            tms_safety_verdict(p, dose, &(struct tms_today){.treatment = opt.today}, NULL, &safety, NULL) >= 0 &&
            safety.class_ == TMS_SAFETY_NEVER)
                return -print_json(protocol_json(p, &safety), STATUS_NEVER);
        return -fail_dose(r, &error);
}

/* Compiles for this threshold, then turns the intensities back into 0.1 % of the threshold. Prints nothing. */
static int compile_percentages(const struct tms_protocol *p, struct tms_dose dose, uint32_t threshold,
                               struct tms_timeline *ret, struct tms_error *error)
{
        uint32_t i;
        int r;

        dose.threshold_permille = dose.other_threshold_permille = threshold;
        r = tms_compile(p, &dose, ret, error);
        if (r < 0)
                return r;
        for (i = 0; i < ret->count; i++) {
                struct tms_pulse *q = &ret->pulses[i];

                q->intensity_permille = (uint16_t)((q->intensity_permille * 1000U + threshold / 2) / threshold);
        }
        ret->max_permille = (ret->max_permille * 1000U + threshold / 2) / threshold;
        return 0;
}

int protocol_compile_shape(const struct tms_protocol *p, struct tms_timeline *ret, bool *ret_relative)
{
        /*
         * The library compiles intensities in 0.1 %MSO, and none above 100 %MSO. For a threshold of 100 %MSO all
         * percentages up to 100 % are exact. For more, the lower thresholds are tried; with them percentages are exact
         * in steps of 0.5 %.
         */
        static const uint32_t thresholds[] = {1000, 800, 600, 400, 200, 100, 40};
        struct tms_error error = {0};
        struct tms_dose dose;
        int r = -ERANGE;
        size_t i;

        *ret_relative = !STREQ(tms_protocol_reference(p), TMS_REFERENCE_MSO) && !protocol_has_threshold(p);
        if (protocol_dose(p, false, &dose) < 0)
                return -STATUS_BAD_INPUT;
        if (!*ret_relative)
                return protocol_compile(p, &dose, ret);
        for (i = 0; r == -ERANGE && i < ELEMENTS(thresholds); i++)
                r = compile_percentages(p, dose, thresholds[i], ret, &error);
        if (r == -ERANGE)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                             "the intensities cannot be told without a threshold: give it with --mt");
        return r < 0 ? -fail_dose(r, &error) : 0;
}

int protocol_verdict_of(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_safety *ret)
{
        struct tms_error error = {0};
        int r;

        r = tms_safety_verdict(p, dose, &(struct tms_today){.treatment = opt.today}, NULL, ret, &error);
        return r < 0 ? -fail_dose(r, &error) : 0;
}

int protocol_verdict(const struct tms_protocol *p, struct tms_safety *ret)
{
        struct tms_dose dose;
        int r;

        r = protocol_dose(p, true, &dose);
        return r < 0 ? r : protocol_verdict_of(p, &dose, ret);
}
