/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clinical safety policy, in three layers:
 *
 *  1. ceilings, which nothing passes;
 *  2. the allow-list of protocol files that were published or cleared, which
 *     turns what a table says into a notice: many good protocols, cleared
 *     ones among them, lie outside the old tables;
 *  3. the published tables, for every protocol that is not on the list.
 *     What a table does not cover needs an override; silence is no consent.
 *
 * Every reason names its layer, table, cell, limit, actual value and source,
 * also where the protocol holds it: an auditor wants to see what was looked at.
 */
#include "safety.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct check {
        const struct tms_protocol *p;
        const struct tms_dose *dose;
        struct tms_safety *out;
        uint32_t percent_permille;     /* of the reference, as dosed */
        enum tms_safety_class outside; /* what lying outside a table means: a notice on the list, else an override */
};

static struct tms_safety_reason *reason_add(struct check *c, enum tms_safety_class class_, const char *layer,
                                            const char *table, const char *source)
{
        struct tms_safety *out = c->out;
        /* Never full: at most 4 legs x 4 reasons, and 7 of the whole. */
        struct tms_safety_reason *r =
                        &out->reasons[out->n_reasons < ELEMENTSOF(out->reasons) ? out->n_reasons++
                                                                                : ELEMENTSOF(out->reasons) - 1];

        *r = (struct tms_safety_reason){.class_ = class_};
        snprintf(r->layer, sizeof(r->layer), "%s", layer);
        snprintf(r->table, sizeof(r->table), "%s", table);
        snprintf(r->source, sizeof(r->source), "%s", source);
        if (class_ > out->class_)
                out->class_ = class_;
        return r;
}

#define REASON_TEXT(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* "120 %", "112.5 %" */
static void percent_text(char *buf, size_t size, uint64_t permille)
{
        if (permille % 10)
                snprintf(buf, size, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10);
        else
                snprintf(buf, size, "%" PRIu64 " %%", permille / 10);
}

/* "4.2 s" with as many digits as it takes, up to microseconds, rounded up. */
static void seconds_text(char *buf, size_t size, uint64_t ns)
{
        uint64_t us = ns / 1000 + (ns % 1000 != 0);
        char digits[8];
        size_t n = (size_t)snprintf(digits, sizeof(digits), "%06" PRIu64, us % 1000000);

        while (n && digits[n - 1] == '0')
                digits[--n] = 0;
        snprintf(buf, size, "%" PRIu64 "%s%s s", us / 1000000, n ? "." : "", digits);
}

/* "10 Hz", "18 Hz", "0.25 Hz", rounded up to three decimals. */
static void hz_text(char *buf, size_t size, uint64_t interval_ns)
{
        uint64_t mhz = (1000000000000 + interval_ns - 1) / interval_ns;

        if ((mhz - 1) * interval_ns + 1000 >= 1000000000000 && mhz % 1000 == 1)
                mhz--; /* 18 Hz has no whole interval; do not call it 18.001 */
        if (mhz % 1000)
                snprintf(buf, size, "%" PRIu64 ".%03" PRIu64 " Hz", mhz / 1000, mhz % 1000);
        else
                snprintf(buf, size, "%" PRIu64 " Hz", mhz / 1000);
}

static const char *leg_prefix(const struct tms_protocol *p, size_t leg, char buf[160])
{
        if (p->n_legs == 1)
                return "";
        snprintf(buf, 160, "Leg %zu (%s): ", leg + 1, p->legs[leg].name);
        return buf;
}

/* --- Percent of the motor threshold ------------------------------------------------------------- */

/*
 * The strongest pulse of a leg in percent of the patient's threshold, 0 when
 * no threshold relates to it. Percentages of the active threshold are taken
 * as if of the resting one, which is higher: against the caller.
 */
static uint64_t leg_percent(const struct check *c, size_t leg)
{
        const struct leg *l = &c->p->legs[leg];
        const uint64_t threshold = c->dose->leg_threshold_permille[leg] ?: c->dose->threshold_permille;
        /* What 100 % of each base is, in percent of the threshold. */
        const uint64_t mso = threshold ? (1000000 + threshold - 1) / threshold : 0;
        uint64_t session, main, strongest = 0;

        session = c->p->reference == BASE_MSO ? (mso * c->percent_permille + 999) / 1000 : c->percent_permille;
        if (l->intensity.base == BASE_MAIN)
                main = (session * l->intensity.permille + 999) / 1000;
        else if (l->intensity.base == BASE_MSO)
                main = (mso * l->intensity.permille + 999) / 1000;
        else
                main = l->intensity.permille;
        if (!l->intensities)
                return main;

        for (uint32_t k = 0; k < l->levels[LEVEL_BURST].count; k++) {
                const struct intensity *v = &l->intensities[k];
                uint64_t x = v->permille;

                if (v->base == BASE_MAIN)
                        x = (main * v->permille + 999) / 1000;
                else if (v->base == BASE_MSO)
                        x = (mso * v->permille + 999) / 1000;
                if (x == 0)
                        return 0;
                if (x > strongest)
                        strongest = x;
        }
        return strongest;
}

/* --- Layer 1: ceilings ---------------------------------------------------------------------------- */

static void ceiling(struct check *c, const struct limit *limit, uint64_t actual, const char *what, bool percent)
{
        struct tms_safety_reason *r;

        r = reason_add(c, actual > limit->value ? TMS_SAFETY_NEVER : TMS_SAFETY_ALLOWED, "ceiling", limit->name,
                       limit->source);
        if (percent) {
                percent_text(r->limit, sizeof(r->limit), limit->value);
                percent_text(r->actual, sizeof(r->actual), actual);
        } else {
                REASON_TEXT(r->limit, "%" PRIu64, limit->value);
                REASON_TEXT(r->actual, "%" PRIu64, actual);
        }
        if (actual > limit->value)
                REASON_TEXT(r->sentence, "%s %s is above the ceiling of %s, which nothing may pass.", r->actual, what,
                            r->limit);
        else
                REASON_TEXT(r->sentence, "%s %s is within the ceiling of %s.", r->actual, what, r->limit);
}

static void ceilings(struct check *c, const struct character *legs, uint64_t pulses_per_s, uint32_t pulses_today)
{
        uint64_t strongest = 0;

        /* Single pulses may be as strong as the stimulator gives: input-output curves are measured so. */
        for (size_t i = 0; i < c->p->n_legs; i++)
                if (legs[i].stimulation != STIMULATION_SINGLE && leg_percent(c, i) > strongest)
                        strongest = leg_percent(c, i);
        if (strongest)
                ceiling(c, &ceiling_percent_permille, strongest, "of the motor threshold", true);
        ceiling(c, &ceiling_pulses_per_s, pulses_per_s, "pulses at most in a second", false);
        ceiling(c, &ceiling_pulses_per_day, (uint64_t)pulses_today + tms_protocol_pulses(c->p), "pulses in a day",
                false);
}

/* --- Layer 2: the allow-list ------------------------------------------------------------------------ */

/* A protocol on the list: as often a day as its own course is given. */
static void listed_day(struct check *c, uint64_t total)
{
        const uint64_t a_day = c->p->course.sessions_per_day;
        const uint64_t limit = a_day * tms_protocol_pulses(c->p) + measuring_pulses_per_day.value;
        struct tms_safety_reason *r;

        r = reason_add(c, total > limit ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED, "allow-list", "protocol_day_pulses",
                       allow_list_source);
        REASON_TEXT(r->limit, "%" PRIu64, limit);
        REASON_TEXT(r->actual, "%" PRIu64, total);
        REASON_TEXT(r->sentence,
                    "%" PRIu64 " pulses today; the protocol is given %" PRIu64 " time%s a day, which with %" PRIu64
                    " pulses for measuring makes %" PRIu64 ".",
                    total, a_day, a_day == 1 ? "" : "s", measuring_pulses_per_day.value, limit);
}

static void free_form_limit(struct check *c, const struct limit *limit, uint64_t actual, const char *when)
{
        struct tms_safety_reason *r;

        r = reason_add(c, actual > limit->value ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED, "table", limit->name,
                       limit->source);
        REASON_TEXT(r->limit, "%" PRIu64, limit->value);
        REASON_TEXT(r->actual, "%" PRIu64, actual);
        REASON_TEXT(r->sentence, "%" PRIu64 " pulses %s; without an override there may be %" PRIu64 ".", actual, when,
                    limit->value);
}

static void listing(struct check *c, enum listed listed, uint32_t pulses_today)
{
        const struct tms_protocol *p = c->p;
        const uint64_t pulses = tms_protocol_pulses(p), total = pulses + pulses_today;
        struct tms_safety_reason *r;

        if (listed != LISTED_NO && c->percent_permille > p->highest_permille) {
                r = reason_add(c, TMS_SAFETY_OVERRIDE, "allow-list", "", allow_list_source);
                percent_text(r->limit, sizeof(r->limit), p->highest_permille);
                percent_text(r->actual, sizeof(r->actual), c->percent_permille);
                REASON_TEXT(r->sentence, "%s is on the list up to %s; at %s it is another protocol.", p->id, r->limit,
                            r->actual);
                listed = LISTED_NO;
        }
        c->outside = listed == LISTED_NO ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_NOTICE;

        if (listed != LISTED_NO) {
                r = reason_add(c, TMS_SAFETY_ALLOWED, "allow-list", "", allow_list_source);
                REASON_TEXT(r->actual, "%.12s", p->sha256);
                REASON_TEXT(r->sentence, "%s is on the list (%s), status %s.", p->id,
                            listed == LISTED_SHIPPED ? "shipped" : "approved by this site",
                            protocol_statuses[p->status]);
        } else
                free_form_limit(c, &free_form_session_pulses, pulses, "a session");

        /* Measurements belong to no course and may follow any session. */
        if (listed != LISTED_NO && p->course.sessions_per_day)
                listed_day(c, total);
        else if (listed == LISTED_NO)
                free_form_limit(c, &free_form_day_pulses, total, "today");
}

/* --- Layer 3: tables -------------------------------------------------------------------------------- */

static void not_covered(struct check *c, size_t leg, const char *table, const char *source, const char *format, ...)
                _printf_(5, 6);

static void not_covered(struct check *c, size_t leg, const char *table, const char *source, const char *format, ...)
{
        struct tms_safety_reason *r = reason_add(c, c->outside, "table", table, source);
        char prefix[160];
        size_t n;
        va_list ap;

        n = (size_t)REASON_TEXT(r->sentence, "%s", leg_prefix(c->p, leg, prefix));
        va_start(ap, format);
        vsnprintf(r->sentence + n, sizeof(r->sentence) - n, format, ap);
        va_end(ap);
}

/* One train against one table, frequency and intensity rounded up to the next row and column. */
static void duration_check(struct check *c, size_t leg, const struct character *x, uint64_t percent,
                           const struct duration_table *t)
{
        const struct tms_protocol *p = c->p;
        struct tms_safety_reason *r;
        unsigned row = 0, column = 0;
        char prefix[160];
        bool inside;

        /* hz x interval >= 1 s: a nanosecond less is still that row, for 1/18 s is not a whole number of them. */
        while (row < SAFETY_ROWS - 1 && (x->interval_ns + 1) * t->hz[row] < 1000000000)
                row++;
        while (column < t->columns - 1 && percent > t->percent_permille[column])
                column++;

        inside = x->train_ns <= t->cell[row][column].ms * 1000000ull;
        r = reason_add(c, inside ? TMS_SAFETY_ALLOWED : c->outside, "table", t->name, t->source);
        REASON_TEXT(r->row, "%u Hz", t->hz[row]);
        percent_text(r->column, sizeof(r->column), t->percent_permille[column]);
        seconds_text(r->limit, sizeof(r->limit), t->cell[row][column].ms * 1000000ull);
        seconds_text(r->actual, sizeof(r->actual), x->train_ns);
        REASON_TEXT(r->sentence, "%sa train of %s is %s the %s %s at %s and %s%s.", leg_prefix(p, leg, prefix),
                    r->actual, inside ? "within" : "longer than", r->limit,
                    t->cell[row][column].longest_tested ? "that were tested" : "found safe", r->row, r->column,
                    t->verified ? "" : " (table not verified)");
}

static void interval_check(struct check *c, size_t leg, const struct character *x, uint64_t percent)
{
        const struct interval_table *t = &chen1997_iti;
        struct tms_safety_reason *r;
        char prefix[160];
        bool apart, known;

        if (x->iti_ns == TMS_TIME_NONE)
                return;

        apart = x->iti_ns >= t->min_ns;
        known = percent <= t->percent_permille;
        r = reason_add(c, apart && known ? TMS_SAFETY_ALLOWED : c->outside, "table", t->name, t->source);
        percent_text(r->column, sizeof(r->column), known ? t->percent_permille : 1200);
        seconds_text(r->limit, sizeof(r->limit), t->min_ns);
        seconds_text(r->actual, sizeof(r->actual), x->iti_ns);
        REASON_TEXT(r->row, "%s %.20s", apart ? ">=" : "<", r->limit);
        if (!apart)
                REASON_TEXT(r->sentence, "%strains are %s apart; less than %s is not known to be safe.",
                            leg_prefix(c->p, leg, prefix), r->actual, r->limit);
        else if (!known)
                REASON_TEXT(r->sentence, "%strains are %s apart; above 110 %% there are no data on what is enough.",
                            leg_prefix(c->p, leg, prefix), r->actual);
        else
                REASON_TEXT(r->sentence, "%strains are %s apart, at least %s.", leg_prefix(c->p, leg, prefix),
                            r->actual, r->limit);
}

static void leg_tables(struct check *c, size_t leg, const struct character *x)
{
        const uint64_t percent = leg_percent(c, leg);
        char a[32], b[32];

        if (percent == 0 && x->stimulation != STIMULATION_SINGLE) {
                not_covered(c, leg, "", rossi2009.source,
                            "the intensity's relation to the patient's motor threshold is not known, so no table "
                            "applies.");
                return;
        }
        if (percent > table_max_percent_permille.value && x->stimulation != STIMULATION_SINGLE) {
                percent_text(a, sizeof(a), percent);
                percent_text(b, sizeof(b), table_max_percent_permille.value);
                not_covered(c, leg, table_max_percent_permille.name, table_max_percent_permille.source,
                            "%s of the motor threshold is above the tables' last column of %s.", a, b);
                return;
        }

        switch (x->stimulation) {
        case STIMULATION_SINGLE: {
                struct tms_safety_reason *r = reason_add(c, TMS_SAFETY_ALLOWED, "table", single_pulse_min_ns.name,
                                                         single_pulse_min_ns.source);

                seconds_text(r->limit, sizeof(r->limit), single_pulse_min_ns.value);
                if (x->interval_ns)
                        seconds_text(r->actual, sizeof(r->actual), x->interval_ns);
                REASON_TEXT(r->sentence, "%s", "Pulses at least 5 s apart count as single pulses, not as trains.");
                break;
        }
        case STIMULATION_TRAINS:
                duration_check(c, leg, x, percent, &rossi2009);
                duration_check(c, leg, x, percent, &chen1997);
                interval_check(c, leg, x, percent);
                break;
        case STIMULATION_THETA:
                hz_text(a, sizeof(a), x->interval_ns);
                percent_text(b, sizeof(b), percent);
                not_covered(c, leg, "theta_burst", theta_burst_source,
                            "theta burst (%" PRIu64
                            " pulses at %s, %s) is in no table; compare the published protocols.",
                            x->burst_pulses, a, b);
                break;
        case STIMULATION_BURSTS:
                hz_text(a, sizeof(a), x->interval_ns);
                if (x->interval_ns * table_max_hz.value < 1000000000)
                        not_covered(c, leg, table_max_hz.name, table_max_hz.source,
                                    "bursts of %" PRIu64
                                    " pulses, as close as at %s, are above the tables' last row of %" PRIu64 " Hz.",
                                    x->burst_pulses, a, table_max_hz.value);
                else
                        not_covered(c, leg, "", rossi2009.source,
                                    "bursts of %" PRIu64 " pulses at %s, over and over, are in no table.",
                                    x->burst_pulses, a);
                break;
        case STIMULATION_ARRHYTHMIC:
                not_covered(c, leg, "", rossi2009.source, "an arrhythmic train has no frequency, so no table applies.");
                break;
        }
}

/* --- The whole -------------------------------------------------------------------------------------- */

static void threshold_method(struct check *c)
{
        struct tms_safety_reason *r;

        if (strcmp(c->dose->threshold_method, "visual") != 0)
                return;
        r = reason_add(c, TMS_SAFETY_NOTICE, "threshold", "", visual_threshold_source);
        REASON_TEXT(r->actual, "visual");
        REASON_TEXT(r->sentence, "%s",
                    "The threshold was found by watching twitches: on average 11.3 % (up to 27.8 %) higher than with "
                    "EMG, so the true percentage may be above the limits named here.");
}

int tms_safety_check(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t pulses_today,
                     struct tms_safety *ret, struct tms_error *error)
{
        struct character legs[TMS_LEGS_MAX];
        struct tms_safety out = {};
        struct tms_limits limits;
        enum listed listed;
        struct check c = {
                        .p = p,
                        .dose = dose,
                        .out = &out,
                        .percent_permille = dose->percent_permille ?: p->percent_permille,
        };
        int r;

        /* A dose that makes no sense is refused before anything is said about it. */
        r = dose_check(p, dose, error);
        if (r < 0)
                return r;
        r = tms_session_limits(p, dose, &limits, error);
        if (r < 0)
                return r;
        r = allow_list_find(p->sha256, p->id, &listed, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < p->n_legs; i++)
                leg_character(p, &p->legs[i], &legs[i]);

        ceilings(&c, legs, limits.max_pulses_per_s, pulses_today);
        listing(&c, listed, pulses_today);
        for (size_t i = 0; i < p->n_legs; i++)
                leg_tables(&c, i, &legs[i]);
        threshold_method(&c);

        *ret = out;
        return 0;
}

const char *tms_safety_class_name(enum tms_safety_class c)
{
        static const char *const names[] = {
                        [TMS_SAFETY_ALLOWED] = "allowed",
                        [TMS_SAFETY_NOTICE] = "notice",
                        [TMS_SAFETY_OVERRIDE] = "override",
                        [TMS_SAFETY_NEVER] = "never",
        };

        return (unsigned)c < ELEMENTSOF(names) ? names[c] : "unknown";
}
