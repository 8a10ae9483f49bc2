/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy's verdict and the stimulator's as one. A dose that cannot be
 * played adds a reason of the layer "card".
 */
#include "safety.h"

#include <inttypes.h>
#include <string.h>

static struct tms_safety_reason *card_reason(struct tms_safety *s, uint32_t rule, const char *source)
{
        struct tms_safety_reason *r;

        assert(s->n_reasons < ELEMENTS(s->reasons));
        r = &s->reasons[s->n_reasons++];
        *r = (struct tms_safety_reason){.class_ = TMS_SAFETY_NEVER};
        snprintf(r->layer, sizeof(r->layer), "%s", safety_layer_name(LAYER_CARD));
        snprintf(r->table, sizeof(r->table), "%s", tms_rule_name(rule));
        snprintf(r->source, sizeof(r->source), "%s", source);
        s->class_ = TMS_SAFETY_NEVER;
        return r;
}

/* A rule's value with the unit that the rule's sentence uses. */
static void rule_text(char *buf, size_t size, uint32_t rule, uint64_t v)
{
        switch (rule) {
        case TMS_RULE_INTENSITY:
        case TMS_RULE_INTENSITY_ZERO:
                snprintf(buf, size, "%" PRIu64 ".%" PRIu64 " %%MSO", v / 10, v % 10);
                break;
        case TMS_RULE_INTERVAL:
        case TMS_RULE_SETTLING:
                snprintf(buf, size, "%.3f ms", (double)v / 1e6);
                break;
        case TMS_RULE_RESERVOIR:
        case TMS_RULE_COIL_HEAT:
                snprintf(buf, size, "%.3f J", (double)v / 1e3);
                break;
        case TMS_RULE_DURATION:
        case TMS_RULE_GAP:
                snprintf(buf, size, "%.3f s", (double)v / 1e9);
                break;
        case TMS_RULE_WAVEFORM:
        case TMS_RULE_TRIGGER_IN:
                break; /* v is a set of bits; the sentence says it in words */
        default:
                snprintf(buf, size, "%" PRIu64, v);
                break;
        }
}

/* Adds " The highest percentage possible is 105.2 %." to the sentence, if there is one. */
static void advise(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_info *info,
                   struct tms_safety_reason *r)
{
        size_t n = strlen(r->sentence);
        uint32_t best;

        if (tms_dose_highest(p, dose, info, &best, NULL) >= 0)
                snprintf(r->sentence + n, sizeof(r->sentence) - n, " The highest percentage possible is %u.%u %%.",
                         best / 10, best % 10);
}

static void too_strong(struct tms_safety *s, uint64_t strongest)
{
        struct tms_safety_reason *r = card_reason(s, TMS_RULE_INTENSITY, "the stimulator's maximum output");

        rule_text(r->limit, sizeof(r->limit), TMS_RULE_INTENSITY, 1000);
        rule_text(r->actual, sizeof(r->actual), TMS_RULE_INTENSITY, strongest);
        snprintf(r->sentence, sizeof(r->sentence),
                 "The dose asks for %s, and the stimulator gives at most %s. Lower the percentage.", r->actual,
                 r->limit);
}

static void too_weak(struct tms_safety *s)
{
        struct tms_safety_reason *r = card_reason(s, TMS_RULE_INTENSITY_ZERO, "the stimulator's steps of 0.1 %MSO");

        rule_text(r->limit, sizeof(r->limit), TMS_RULE_INTENSITY_ZERO, 1);
        rule_text(r->actual, sizeof(r->actual), TMS_RULE_INTENSITY_ZERO, 0);
        snprintf(r->sentence, sizeof(r->sentence),
                 "The weakest pulse would be below %s, the least that the stimulator can be set to. "
                 "See that threshold and percentage are right.",
                 r->limit);
}

static void refused(struct tms_safety *s, const struct tms_verdict *v, bool reference_card)
{
        struct tms_safety_reason *r = card_reason(s, v->rule,
                                                  reference_card ? "the driver's verifier, for the reference card"
                                                                 : "the driver's verifier, for this card");
        char sentence[300];

        snprintf(r->row, sizeof(r->row), "pulse %u", v->pulse);
        rule_text(r->limit, sizeof(r->limit), v->rule, v->limit);
        rule_text(r->actual, sizeof(r->actual), v->rule, v->actual);
        snprintf(r->sentence, sizeof(r->sentence), "%s.", tms_verdict_format(v, sentence, sizeof(sentence)));
}

int tms_safety_verdict(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_today *today,
                       const struct tms_info *info, struct tms_safety *ret, struct tms_error *error)
{
        struct tms_verdict verdict = {};
        struct tms_timeline t = {};
        uint64_t strongest, weakest;
        struct tms_limits limits;
        struct tms_safety s;
        size_t own; /* the policy's reasons */
        int r;

        r = safety_policy(p, dose, today, &s, error);
        /* There must be room for the stimulator's reason. */
        if (r >= 0 && s.n_reasons == ELEMENTS(s.reasons))
                r = safety_no_room(error);
        if (r >= 0)
                r = dose_extremes(p, dose, &strongest, &weakest, error);
        if (r < 0)
                return r;

        own = s.n_reasons;
        if (strongest > 1000)
                too_strong(&s, strongest);
        else if (weakest == 0)
                too_weak(&s);
        else {
                r = tms_compile(p, dose, &t, error);
                if (r >= 0)
                        r = tms_session_limits(p, dose, &limits, error);
                if (r >= 0 && tms_timeline_check(&t, info, &limits, &verdict) < 0)
                        refused(&s, &verdict, info == NULL);
                tms_timeline_clear(&t);
                if (r < 0)
                        return r;
        }
        assert(s.n_reasons <= own + 1);
        if (s.n_reasons > own && weakest != 0)
                advise(p, dose, info, &s.reasons[s.n_reasons - 1]);
        *ret = s;
        return 0;
}
