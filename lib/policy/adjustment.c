/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the policy says of an adjusted threshold. The policy judges by the lower
 * of the measured and the adjusted threshold, so that an adjustment never
 * hides how strong a pulse is.
 */
#include "safety.h"

static void not_adjusted(struct safety_check *c)
{
        struct tms_safety_reason *r = safety_reason_add(c, TMS_SAFETY_NOTICE, LAYER_THRESHOLD, "threshold_adjustment",
                                                        allow_list_source);

        REASON_TEXT(r->limit, "adjusted");
        REASON_TEXT(r->actual, "not given");
        REASON_TEXT(r->sentence,
                    "%s is published for a threshold that is adjusted (%.100s), and no adjusted one is given: the "
                    "pulses go by the threshold as it was measured. If it has been adjusted already, give both.",
                    c->p->id, c->p->adjustment);
}

void safety_adjustment(struct safety_check *c, bool listed)
{
        const bool published = listed && c->p->adjustment, adjusts = dose_adjusts(c->dose);
        const uint32_t real = dose_real_percent(c->p, c->dose, c->percent_permille);
        struct tms_safety_reason *r;
        enum tms_safety_class class_;
        char percent[24];

        if (!adjusts && published)
                not_adjusted(c);
        if (!adjusts)
                return;
        if (published)
                class_ = real > adjusted_percent_permille.value ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED;
        else
                class_ = TMS_SAFETY_NOTICE;
        r = safety_reason_add(c, class_, LAYER_THRESHOLD,
                              published ? adjusted_percent_permille.name : "threshold_adjustment",
                              published ? adjusted_percent_permille.source : "the threshold as it was measured");
        safety_percent_text(percent, sizeof(percent), c->percent_permille);
        safety_percent_text(r->actual, sizeof(r->actual), real);
        if (published) {
                safety_percent_text(r->limit, sizeof(r->limit), adjusted_percent_permille.value);
                REASON_TEXT(r->sentence,
                            "%s of the adjusted threshold, as %s is published, is %s of the measured one; up to %s "
                            "need no override.",
                            percent, c->p->id, r->actual, r->limit);
        } else {
                REASON_TEXT(r->sentence,
                            "The threshold is adjusted, and %s was not published so: %s of it is %s of the measured "
                            "one, and is held against the limits as that.",
                            c->p->id, percent, r->actual);
        }
}
