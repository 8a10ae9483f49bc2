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

/* The worst that is said of a leg's trains. */
struct leg_findings {
        struct train rossi, chen, interval; /* nearest to the table's limit, or furthest beyond; pulses 0: none */
        struct train not_covered;
        struct train single;
};

struct check {
        const struct tms_protocol *p;
        const struct tms_dose *dose;
        struct tms_safety *out;
        uint32_t percent_permille;   /* of the reference, as dosed */
        uint32_t strongest_permille; /* of the threshold, but for single pulses; 0: none, or related to none */
        struct leg_findings legs[TMS_LEGS_MAX];
        enum tms_safety_class outside; /* what lying outside a table means: a notice on the list, else an override */
};

static struct tms_safety_reason *reason_add(struct check *c, enum tms_safety_class class_, const char *layer,
                                            const char *table, const char *source)
{
        struct tms_safety *out = c->out;
        /* Never full: at most 3 ceilings, 3 of the list, 4 for each of 4 legs, 1 of the threshold, and the card's. */
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

        if ((mhz - 1) * (interval_ns + 1) >= 1000000000000 && mhz % 1000 == 1)
                mhz--; /* 18 and 30 Hz have no whole interval; do not call them 18.001 and 30.001 */
        if (mhz % 1000)
                snprintf(buf, size, "%" PRIu64 ".%03" PRIu64 " Hz", mhz / 1000, mhz % 1000);
        else
                snprintf(buf, size, "%" PRIu64 " Hz", mhz / 1000);
}

/* "Leg 2 (left): ", or nothing where there is only one. */
static const char *leg_prefix(const struct tms_protocol *p, const struct train *t, char buf[160])
{
        if (p->n_legs == 1)
                return "";
        if (t->leg == t->last_leg)
                snprintf(buf, 160, "Leg %zu (%s): ", t->leg + 1, p->legs[t->leg].name);
        else
                snprintf(buf, 160, "Legs %zu to %zu, together: ", t->leg + 1, t->last_leg + 1);
        return buf;
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

static void ceilings(struct check *c, uint64_t pulses_per_s, uint32_t pulses_today)
{
        /* Single pulses may be as strong as the stimulator gives: input-output curves are measured so. */
        if (c->strongest_permille)
                ceiling(c, &ceiling_percent_permille, c->strongest_permille, "of the motor threshold", true);
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
                r = reason_add(c, TMS_SAFETY_OVERRIDE, "allow-list", "protocol_highest", allow_list_source);
                percent_text(r->limit, sizeof(r->limit), p->highest_permille);
                percent_text(r->actual, sizeof(r->actual), c->percent_permille);
                REASON_TEXT(r->sentence, "%s is on the list up to %s; at %s it is another protocol.", p->id, r->limit,
                            r->actual);
                listed = LISTED_NO;
        }
        c->outside = listed == LISTED_NO ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_NOTICE;

        if (listed != LISTED_NO) {
                r = reason_add(c, TMS_SAFETY_ALLOWED, "allow-list",
                               listed == LISTED_SHIPPED ? "shipped_protocols" : "approved_protocols",
                               allow_list_source);
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

struct cell {
        unsigned row, column;
        uint64_t limit_ns;
};

/* Frequency and intensity rounded up to the next row and column. */
static struct cell cell_find(const struct duration_table *t, const struct train *x)
{
        struct cell cell = {};

        /* hz x interval >= 1 s: a nanosecond less is still that row, for 1/18 s is not a whole number of them. */
        while (cell.row < SAFETY_ROWS - 1 && (x->interval_ns + 1) * t->hz[cell.row] < 1000000000)
                cell.row++;
        while (cell.column < t->columns - 1 && x->percent_permille > t->percent_permille[cell.column])
                cell.column++;
        cell.limit_ns = t->cell[cell.row][cell.column].ms * 1000000ull;
        return cell;
}

static struct tms_safety_reason *not_covered_add(struct check *c, const struct train *x, const char *table,
                                                 const char *source)
{
        struct tms_safety_reason *r = reason_add(c, c->outside, "table", table, source);
        char hz[16];

        hz_text(hz, sizeof(hz), x->interval_ns);
        REASON_TEXT(r->row, "%s (none)", hz);
        percent_text(r->column, sizeof(r->column), x->percent_permille);
        return r;
}

/* Why no table speaks of it, the weightier the higher. */
static unsigned not_covered_rank(const struct train *x)
{
        if (x->stimulation == STIMULATION_SINGLE)
                return 0;
        if (x->unrelated)
                return 5;
        if (x->percent_permille > table_max_percent_permille.value)
                return 4;
        switch (x->stimulation) {
        case STIMULATION_BURSTS:
                return 3;
        case STIMULATION_THETA:
                return 2;
        case STIMULATION_ARRHYTHMIC:
                return 1;
        case STIMULATION_SINGLE:
        case STIMULATION_TRAINS:
                break;
        }
        return 0;
}

static void not_covered(struct check *c, const struct train *x)
{
        const uint64_t last_hz = table_max_hz.value;
        struct tms_safety_reason *r;
        char prefix[160], a[32], b[32];

        leg_prefix(c->p, x, prefix);
        hz_text(a, sizeof(a), x->interval_ns);
        percent_text(b, sizeof(b), x->percent_permille);

        if (x->unrelated) {
                r = not_covered_add(c, x, rossi2009.name, rossi2009.source);
                REASON_TEXT(r->row, "%.20s", a);
                REASON_TEXT(r->column, "unknown (none)");
                percent_text(r->limit, sizeof(r->limit), table_max_percent_permille.value);
                REASON_TEXT(r->actual, "unknown");
                REASON_TEXT(r->sentence,
                            "%sthe intensity's relation to the patient's motor threshold is not known, so no table "
                            "applies.",
                            leg_prefix(c->p, x, prefix));
                return;
        }
        if (x->percent_permille > table_max_percent_permille.value) {
                r = not_covered_add(c, x, rossi2009.name, table_max_percent_permille.source);
                REASON_TEXT(r->row, "%.20s", a);
                REASON_TEXT(r->column, "%.14s (none)", b);
                percent_text(r->limit, sizeof(r->limit), table_max_percent_permille.value);
                REASON_TEXT(r->actual, "%s", b);
                REASON_TEXT(r->sentence, "%s%s of the motor threshold is above the tables' last column of %s.",
                            leg_prefix(c->p, x, prefix), b, r->limit);
                return;
        }

        switch (x->stimulation) {
        case STIMULATION_THETA:
                r = not_covered_add(c, x, "theta_burst", theta_burst_source);
                REASON_TEXT(r->limit, "%" PRIu64 " Hz", last_hz);
                REASON_TEXT(r->actual, "%" PRIu64 " pulses at %s", x->burst_pulses, a);
                REASON_TEXT(r->sentence, "%stheta burst (%s, %s) is in no table; compare the published protocols.",
                            leg_prefix(c->p, x, prefix), r->actual, b);
                break;
        case STIMULATION_BURSTS:
                r = not_covered_add(c, x, rossi2009.name, table_max_hz.source);
                if ((x->interval_ns + 1) * last_hz < 1000000000) {
                        REASON_TEXT(r->limit, "%" PRIu64 " Hz", last_hz);
                        REASON_TEXT(r->actual, "%s", a);
                        REASON_TEXT(r->sentence,
                                    "%sbursts of %" PRIu64
                                    " pulses, as close as at %s, are above the tables' last row of %s.",
                                    leg_prefix(c->p, x, prefix), x->burst_pulses, a, r->limit);
                } else {
                        REASON_TEXT(r->limit, "more than %u pulses", BURST_PULSES_MAX);
                        REASON_TEXT(r->actual, "%" PRIu64 " pulses", x->burst_pulses);
                        REASON_TEXT(r->sentence,
                                    "%sbursts of %s at %s, over and over, are in no table; its trains have %s.",
                                    leg_prefix(c->p, x, prefix), r->actual, a, r->limit);
                }
                break;
        default:
                r = not_covered_add(c, x, rossi2009.name, rossi2009.source);
                seconds_text(a, sizeof(a), x->interval_ns);
                seconds_text(b, sizeof(b), x->longest_ns);
                REASON_TEXT(r->row, "arrhythmic (none)");
                REASON_TEXT(r->limit, "one interval");
                REASON_TEXT(r->actual, "%.20s to %.20s", a, b);
                REASON_TEXT(r->sentence,
                            "%san arrhythmic train (%s between pulses) has no frequency, so no table applies.",
                            leg_prefix(c->p, x, prefix), r->actual);
                break;
        }
}

static void duration_check(struct check *c, const struct train *x, const struct duration_table *t)
{
        const struct cell cell = cell_find(t, x);
        const bool inside = x->train_ns <= cell.limit_ns;
        const bool longest_tested = t->cell[cell.row][cell.column].longest_tested;
        const char *mark = "";
        struct tms_safety_reason *r;
        char prefix[160];

        if (!t->verified)
                mark = " (table not verified)";
        else if (longest_tested && !t->longest_tested_verified)
                mark = " (the number is verified, that it is only the longest tested is not)";
        r = reason_add(c, inside ? TMS_SAFETY_ALLOWED : c->outside, "table", t->name, t->source);
        REASON_TEXT(r->row, "%u Hz", t->hz[cell.row]);
        percent_text(r->column, sizeof(r->column), t->percent_permille[cell.column]);
        seconds_text(r->limit, sizeof(r->limit), cell.limit_ns);
        seconds_text(r->actual, sizeof(r->actual), x->train_ns);
        REASON_TEXT(r->sentence, "%sa train of %s is %s the %s %s at %s and %s%s.", leg_prefix(c->p, x, prefix),
                    r->actual, inside ? "within" : "longer than", r->limit,
                    longest_tested ? "that were tested" : "found safe", r->row, r->column, mark);
}

static void interval_check(struct check *c, const struct train *x)
{
        const struct interval_table *t = &chen1997_iti;
        const bool apart = x->pause_ns >= t->min_ns, known = x->pause_percent_permille <= t->percent_permille;
        struct tms_safety_reason *r;
        char prefix[160];

        r = reason_add(c, apart && known ? TMS_SAFETY_ALLOWED : c->outside, "table", t->name, t->source);
        percent_text(r->column, sizeof(r->column), known ? t->percent_permille : 1200);
        seconds_text(r->limit, sizeof(r->limit), t->min_ns);
        seconds_text(r->actual, sizeof(r->actual), x->pause_ns);
        REASON_TEXT(r->row, "%s %.20s", apart ? ">=" : "<", r->limit);
        if (!apart)
                REASON_TEXT(r->sentence, "%strains are %s apart; less than %s is not known to be safe.",
                            leg_prefix(c->p, x, prefix), r->actual, r->limit);
        else if (!known)
                REASON_TEXT(r->sentence, "%strains are %s apart; above 110 %% there are no data on what is enough%s.",
                            leg_prefix(c->p, x, prefix), r->actual, t->no_data_verified ? "" : " (not verified)");
        else
                REASON_TEXT(r->sentence, "%strains are %s apart, at least %s.", leg_prefix(c->p, x, prefix), r->actual,
                            r->limit);
}

static void single_pulses(struct check *c, const struct train *x)
{
        struct tms_safety_reason *r = reason_add(c, TMS_SAFETY_ALLOWED, "table", single_pulse_min_ns.name,
                                                 single_pulse_min_ns.source);

        seconds_text(r->limit, sizeof(r->limit), single_pulse_min_ns.value);
        if (x->interval_ns)
                seconds_text(r->actual, sizeof(r->actual), x->interval_ns);
        else
                REASON_TEXT(r->actual, "one pulse");
        REASON_TEXT(r->sentence, "%s", "Pulses at least 5 s apart count as single pulses, not as trains.");
}

static void leg_tables(struct check *c, const struct leg_findings *f)
{
        if (f->not_covered.pulses)
                not_covered(c, &f->not_covered);
        if (f->rossi.pulses)
                duration_check(c, &f->rossi, &rossi2009);
        if (f->chen.pulses)
                duration_check(c, &f->chen, &chen1997);
        if (f->interval.pulses)
                interval_check(c, &f->interval);
        if (f->single.pulses && !f->not_covered.pulses && !f->rossi.pulses)
                single_pulses(c, &f->single);
}

/* Less room to the limit, or further beyond it. */
static void keep_longer(struct train *worst, const struct train *x, const struct duration_table *t)
{
        if (!worst->pulses || (int64_t)(cell_find(t, x).limit_ns - x->train_ns) <
                                              (int64_t)(cell_find(t, worst).limit_ns - worst->train_ns))
                *worst = *x;
}

static unsigned interval_rank(const struct train *x)
{
        return (x->pause_ns < chen1997_iti.min_ns ? 2 : 0) +
               (x->pause_percent_permille > chen1997_iti.percent_permille ? 1 : 0);
}

static void keep_closer(struct train *worst, const struct train *x)
{
        const unsigned rank = interval_rank(x), worst_rank = worst->pulses ? interval_rank(worst) : 0;

        if (!worst->pulses || rank > worst_rank || (rank == worst_rank && x->pause_ns < worst->pause_ns))
                *worst = *x;
}

static void on_train(const struct train *x, void *userdata)
{
        struct check *c = userdata;
        struct leg_findings *f = &c->legs[x->leg];

        if (x->stimulation == STIMULATION_SINGLE) {
                if (!f->single.pulses || (x->interval_ns && x->interval_ns < f->single.interval_ns))
                        f->single = *x;
                return;
        }
        if (x->percent_permille > c->strongest_permille)
                c->strongest_permille = x->percent_permille;
        if (not_covered_rank(x) > 0) {
                if (!f->not_covered.pulses || not_covered_rank(x) > not_covered_rank(&f->not_covered))
                        f->not_covered = *x;
                return;
        }
        keep_longer(&f->rossi, x, &rossi2009);
        keep_longer(&f->chen, x, &chen1997);
        if (x->pause_ns != TMS_TIME_NONE)
                keep_closer(&f->interval, x);
}

/* --- The whole -------------------------------------------------------------------------------------- */

static void threshold_method(struct check *c)
{
        struct tms_safety_reason *r;

        if (strcmp(c->dose->threshold_method, "visual") != 0)
                return;
        r = reason_add(c, TMS_SAFETY_NOTICE, "threshold", "threshold_method", visual_threshold_source);
        REASON_TEXT(r->limit, "EMG");
        REASON_TEXT(r->actual, "visual");
        REASON_TEXT(r->sentence, "%s",
                    "The threshold was found by watching twitches: on average 11.3 % (up to 27.8 %) higher than with "
                    "EMG, so the true percentage may be above the limits named here.");
}

int safety_policy(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t pulses_today,
                  struct tms_safety *ret, struct tms_error *error)
{
        struct pulse_course course = {};
        struct tms_safety out = {};
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
        r = allow_list_find(p->sha256, p->id, &listed, error);
        if (r < 0)
                return r;

        r = course_make(p, dose, &course);
        if (r < 0)
                return tms_error_set(error, -r, NULL, 0, 0, NULL, "out of memory");
        course_trains(&course, on_train, &c);

        ceilings(&c, course_pulses_per_s(&course), pulses_today);
        course_clear(&course);
        listing(&c, listed, pulses_today);
        for (size_t i = 0; i < p->n_legs; i++)
                leg_tables(&c, &c.legs[i]);
        threshold_method(&c);

        *ret = out;
        return 0;
}

int tms_safety_check(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t pulses_today,
                     struct tms_safety *ret, struct tms_error *error)
{
        struct tms_limits limits;
        int r;

        r = dose_check(p, dose, error);
        if (r >= 0)
                r = tms_session_limits(p, dose, &limits, error);
        return r < 0 ? r : safety_policy(p, dose, pulses_today, ret, error);
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
