/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clinical safety policy, in three layers:
 *
 *  1. ceilings, which nothing passes;
 *  2. the allow-list of protocol files that were published or cleared, which
 *     turns what a table says into a notice: many good protocols, cleared
 *     ones among them, lie outside the old tables;
 *  3. the published tables, for every protocol that is not on the list.
 *     What no table covers needs an override.
 *
 * Every reason names its layer, table, cell, limit, actual value and source.
 * There is a reason for what is allowed too, so that an auditor sees what was
 * checked.
 */
#include "safety.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Adds to a sentence about too many pulses in a day whose they are and when they were given. */
static void tell_whose(const struct safety_check *c, struct tms_safety_reason *r)
{
        const size_t n = strlen(r->sentence);

        if (r->class_ > TMS_SAFETY_ALLOWED && c->today->whose[0])
                snprintf(r->sentence + n, sizeof(r->sentence) - n, " Given already: %s.", c->today->whose);
}

/* --- Layer 1: ceilings ---------------------------------------------------------------------------- */

static struct tms_safety_reason *ceiling(struct safety_check *c, const struct limit *limit, uint64_t actual,
                                         const char *what, bool percent)
{
        struct tms_safety_reason *r;

        r = safety_reason_add(c, actual > limit->value ? TMS_SAFETY_NEVER : TMS_SAFETY_ALLOWED, LAYER_CEILING,
                              limit->name, limit->source);
        if (percent) {
                safety_percent_text(r->limit, sizeof(r->limit), limit->value);
                safety_percent_text(r->actual, sizeof(r->actual), actual);
        } else {
                REASON_TEXT(r->limit, "%" PRIu64, limit->value);
                REASON_TEXT(r->actual, "%" PRIu64, actual);
        }
        if (actual > limit->value)
                REASON_TEXT(r->sentence, "%s %s is above the ceiling of %s, which nothing may pass. %s", r->actual,
                            what, r->limit, limit->step);
        else
                REASON_TEXT(r->sentence, "%s %s is within the ceiling of %s.", r->actual, what, r->limit);
        return r;
}

static uint64_t given_today(const struct safety_check *c)
{
        return (uint64_t)c->today->treatment + c->today->measuring;
}

static void ceilings(struct safety_check *c, uint64_t pulses_per_s)
{
        /* Single pulses may be as strong as the stimulator can: input-output curves need them. */
        if (c->strongest_permille)
                (void)ceiling(c, &ceiling_percent_permille, c->strongest_permille, "of the motor threshold", true);
        (void)ceiling(c, &ceiling_pulses_per_s, pulses_per_s, "pulses at most in a second", false);
        tell_whose(c, ceiling(c, &ceiling_pulses_per_day, given_today(c) + tms_protocol_pulses(c->p), "pulses in a day",
                              false));
}

/* --- Layer 2: the allow-list ------------------------------------------------------------------------ */

/*
 * For a protocol on the list with a course: as many pulses a day as the course's sessions a day have. The pulses of an
 * interrupted session count. Pulses for measuring are counted apart, so that no treatment is given as a measurement.
 */
static void listed_day(struct safety_check *c)
{
        const uint64_t a_day = c->p->course.sessions_per_day, pulses = tms_protocol_pulses(c->p);
        const uint64_t limit = a_day * pulses, total = c->today->treatment + pulses;
        struct tms_safety_reason *r;

        r = safety_reason_add(c, total > limit ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED, LAYER_ALLOW_LIST,
                              "protocol_day_pulses", allow_list_source);
        REASON_TEXT(r->limit, "%" PRIu64, limit);
        REASON_TEXT(r->actual, "%" PRIu64, total);
        REASON_TEXT(r->sentence,
                    "%" PRIu64 " pulses of treatment in 24 hours, this session's %" PRIu64
                    " included; %s is given %" PRIu64 " time%s a day, which makes %" PRIu64 ".",
                    total, pulses, c->p->id, a_day, a_day == 1 ? "" : "s", limit);
        tell_whose(c, r);
}

static void measured_day(struct safety_check *c)
{
        const uint64_t limit = measuring_pulses_per_day.value, measured = c->today->measuring;
        struct tms_safety_reason *r;

        r = safety_reason_add(c, measured > limit ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED, LAYER_ALLOW_LIST,
                              measuring_pulses_per_day.name, measuring_pulses_per_day.source);
        REASON_TEXT(r->limit, "%" PRIu64, limit);
        REASON_TEXT(r->actual, "%" PRIu64, measured);
        REASON_TEXT(r->sentence,
                    "%" PRIu64 " pulses for measuring in 24 hours; before a treatment there may be %" PRIu64 ".",
                    measured, limit);
        tell_whose(c, r);
}

static void free_form_limit(struct safety_check *c, const struct limit *limit, uint64_t actual, const char *when)
{
        struct tms_safety_reason *r;

        r = safety_reason_add(c, actual > limit->value ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED, LAYER_TABLE,
                              limit->name, limit->source);
        REASON_TEXT(r->limit, "%" PRIu64, limit->value);
        REASON_TEXT(r->actual, "%" PRIu64, actual);
        REASON_TEXT(r->sentence, "%" PRIu64 " pulses %s; without an override there may be %" PRIu64 ".", actual, when,
                    limit->value);
        tell_whose(c, r);
}

static void listing(struct safety_check *c, enum listed listed)
{
        const struct tms_protocol *p = c->p;
        const uint64_t pulses = tms_protocol_pulses(p), total = pulses + given_today(c);
        /* With "adjustment", the percentages of a listed protocol are published for the adjusted threshold. */
        const uint32_t percent =
                        p->adjustment ? c->percent_permille : dose_real_percent(p, c->dose, c->percent_permille);
        struct tms_safety_reason *r;

        safety_adjustment(c, listed != LISTED_NO);
        /* A measurement belongs to no course, and its pulses are counted apart. */
        c->out->measuring = c->trains == 0 || (listed != LISTED_NO && !p->course.sessions_per_day);
        if (listed != LISTED_NO && percent > p->highest_permille) {
                r = safety_reason_add(c, TMS_SAFETY_OVERRIDE, LAYER_ALLOW_LIST, "protocol_highest", allow_list_source);
                safety_percent_text(r->limit, sizeof(r->limit), p->highest_permille);
                safety_percent_text(r->actual, sizeof(r->actual), percent);
                REASON_TEXT(r->sentence, "%s is on the list up to %s; at %s it is another protocol.", p->id, r->limit,
                            r->actual);
                listed = LISTED_NO;
        }
        c->outside = listed == LISTED_NO ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_NOTICE;

        if (listed != LISTED_NO) {
                r = safety_reason_add(c, TMS_SAFETY_ALLOWED, LAYER_ALLOW_LIST,
                                      listed == LISTED_SHIPPED ? "shipped_protocols" : "approved_protocols",
                                      allow_list_source);
                REASON_TEXT(r->actual, "%.12s", p->sha256);
                REASON_TEXT(r->sentence, "%s is on the list (%s), status %s.", p->id,
                            listed == LISTED_SHIPPED ? "shipped" : "approved by this site",
                            protocol_statuses[p->status]);
        } else
                free_form_limit(c, &free_form_session_pulses, pulses, "a session");

        /* A protocol without a course is for measuring and may follow any session. */
        if (listed != LISTED_NO && p->course.sessions_per_day) {
                listed_day(c);
                measured_day(c);
        } else if (listed == LISTED_NO)
                free_form_limit(c, &free_form_day_pulses, total, "today");
}

/* --- The whole -------------------------------------------------------------------------------------- */

static void threshold_method(struct safety_check *c)
{
        struct tms_safety_reason *r;

        if (strcmp(c->dose->threshold_method, TMS_METHOD_VISUAL) != 0)
                return;
        r = safety_reason_add(c, TMS_SAFETY_NOTICE, LAYER_THRESHOLD, "threshold_method", visual_threshold_source);
        REASON_TEXT(r->limit, TMS_METHOD_EMG);
        REASON_TEXT(r->actual, TMS_METHOD_VISUAL);
        REASON_TEXT(r->sentence, "%s",
                    "The threshold was found by watching twitches: on average 11.3 % (up to 27.8 %) higher than with "
                    "EMG, so the true percentage may be above the limits named here. Measure it with EMG, or confirm "
                    "this.");
}

int safety_policy(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_today *today,
                  struct tms_safety *ret, struct tms_error *error)
{
        static const struct tms_today nothing;
        struct session_pulses pulses = {};
        struct tms_safety out = {};
        enum listed listed;
        struct safety_check c = {
                        .p = p,
                        .dose = dose,
                        .today = today ?: &nothing,
                        .out = &out,
                        .percent_permille = dose->percent_permille ?: p->percent_permille,
        };
        int r;

        /* A dose that does not fit the protocol gets an error and no verdict. */
        r = dose_check(p, dose, error);
        if (r < 0)
                return r;
        r = allow_list_find(p->sha256, p->id, &listed, error);
        if (r < 0)
                return r;

        r = session_pulses_make(p, dose, &pulses);
        if (r < 0)
                return error_memory(error, NULL);
        session_pulses_trains(&pulses, safety_train_found, &c);

        ceilings(&c, session_pulses_per_s(&pulses));
        session_pulses_clear(&pulses);
        listing(&c, listed);
        for (size_t i = 0; i < p->n_legs; i++)
                safety_leg_tables(&c, &c.legs[i]);
        threshold_method(&c);
        if (c.full)
                return safety_no_room(error);
        /* Each layer has added its reasons; the worst of them is the verdict. */
        assert(out.n_reasons > 0 && out.n_reasons <= ELEMENTS(out.reasons));

        *ret = out;
        return 0;
}

int tms_safety_check(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_today *today,
                     struct tms_safety *ret, struct tms_error *error)
{
        struct tms_limits limits;
        int r;

        r = dose_check(p, dose, error);
        if (r >= 0)
                r = tms_session_limits(p, dose, &limits, error);
        return r < 0 ? r : safety_policy(p, dose, today, ret, error);
}

const char *tms_safety_class_name(enum tms_safety_class c)
{
        static const char *const names[] = {
                        [TMS_SAFETY_ALLOWED] = "allowed",
                        [TMS_SAFETY_NOTICE] = "notice",
                        [TMS_SAFETY_OVERRIDE] = "override",
                        [TMS_SAFETY_NEVER] = "never",
        };

        return (unsigned)c < ELEMENTS(names) ? names[c] : "unknown";
}
