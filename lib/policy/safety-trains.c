/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The third layer: the trains that character.c finds are compared with the
 * published tables. For each leg the verdict has one reason a table, for the
 * train that is nearest to the table's limit or furthest beyond it, and one
 * reason for what no table covers.
 */
#include "safety.h"

#include <inttypes.h>

/* "4.2 s", rounded up to microseconds, without trailing zeros. */
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
                mhz--; /* the interval was rounded: without this, 18 Hz is called 18.001 Hz */
        if (mhz % 1000)
                snprintf(buf, size, "%" PRIu64 ".%03" PRIu64 " Hz", mhz / 1000, mhz % 1000);
        else
                snprintf(buf, size, "%" PRIu64 " Hz", mhz / 1000);
}

/* "Leg 2 (left): ", or "" if there is only one leg. */
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

struct cell {
        unsigned row, column;
        uint64_t limit_ns;
};

/* Frequency and intensity rounded up to the next row and column. */
static struct cell cell_find(const struct duration_table *t, const struct train *x)
{
        struct cell cell = {};

        /* The row counts if hz x interval >= 1 s. The 1 is for an interval such as 1/18 s, which was rounded down. */
        while (cell.row < SAFETY_ROWS - 1 && (x->interval_ns + 1) * t->hz[cell.row] < 1000000000)
                cell.row++;
        while (cell.column < t->columns - 1 && x->percent_permille > t->percent_permille[cell.column])
                cell.column++;
        assert(cell.row < SAFETY_ROWS && cell.column < t->columns && t->columns <= SAFETY_COLUMNS_MAX);
        cell.limit_ns = t->cell[cell.row][cell.column].ms * 1000000ull;
        return cell;
}

static struct tms_safety_reason *not_covered_add(struct safety_check *c, const struct train *x, const char *table,
                                                 const char *source)
{
        struct tms_safety_reason *r = safety_reason_add(c, c->outside, LAYER_TABLE, table, source);
        char hz[16];

        hz_text(hz, sizeof(hz), x->interval_ns);
        REASON_TEXT(r->row, "%s (none)", hz);
        safety_percent_text(r->column, sizeof(r->column), x->percent_permille);
        return r;
}

/* Why no table covers this train; the weightiest reason has the highest number. 0: a table does. */
static unsigned not_covered_rank(const struct train *x)
{
        assert(x->stimulation != STIMULATION_SINGLE);
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

static void not_covered(struct safety_check *c, const struct train *x)
{
        const uint64_t last_hz = table_max_hz.value;
        struct tms_safety_reason *r;
        char prefix[160], a[32], b[32];
        const char *legs = leg_prefix(c->p, x, prefix);

        hz_text(a, sizeof(a), x->interval_ns);
        safety_percent_text(b, sizeof(b), x->percent_permille);

        if (x->unrelated) {
                r = not_covered_add(c, x, rossi2009.name, rossi2009.source);
                REASON_TEXT(r->row, "%.20s", a);
                REASON_TEXT(r->column, "unknown (none)");
                safety_percent_text(r->limit, sizeof(r->limit), table_max_percent_permille.value);
                REASON_TEXT(r->actual, "unknown");
                REASON_TEXT(r->sentence,
                            "%sthe intensity's relation to the patient's motor threshold is not known, so no table "
                            "applies.",
                            legs);
                return;
        }
        if (x->percent_permille > table_max_percent_permille.value) {
                r = not_covered_add(c, x, rossi2009.name, table_max_percent_permille.source);
                REASON_TEXT(r->row, "%.20s", a);
                REASON_TEXT(r->column, "%.14s (none)", b);
                safety_percent_text(r->limit, sizeof(r->limit), table_max_percent_permille.value);
                REASON_TEXT(r->actual, "%s", b);
                REASON_TEXT(r->sentence, "%s%s of the motor threshold is above the tables' last column of %s.", legs, b,
                            r->limit);
                return;
        }

        switch (x->stimulation) {
        case STIMULATION_THETA:
                r = not_covered_add(c, x, "theta_burst", theta_burst_source);
                REASON_TEXT(r->limit, "%" PRIu64 " Hz", last_hz);
                REASON_TEXT(r->actual, "%" PRIu64 " pulses at %s", x->burst_pulses, a);
                REASON_TEXT(r->sentence, "%stheta burst (%s, %s) is in no table; compare the published protocols.",
                            legs, r->actual, b);
                break;
        case STIMULATION_BURSTS:
                r = not_covered_add(c, x, rossi2009.name, table_max_hz.source);
                if ((x->interval_ns + 1) * last_hz < 1000000000) {
                        REASON_TEXT(r->limit, "%" PRIu64 " Hz", last_hz);
                        REASON_TEXT(r->actual, "%s", a);
                        REASON_TEXT(r->sentence,
                                    "%sbursts of %" PRIu64
                                    " pulses, as close as at %s, are above the tables' last row of %s.",
                                    legs, x->burst_pulses, a, r->limit);
                } else {
                        REASON_TEXT(r->limit, "more than %u pulses", BURST_PULSES_MAX);
                        REASON_TEXT(r->actual, "%" PRIu64 " pulses", x->burst_pulses);
                        REASON_TEXT(r->sentence,
                                    "%sbursts of %s at %s, over and over, are in no table; its trains have %s.", legs,
                                    r->actual, a, r->limit);
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
                            "%san arrhythmic train (%s between pulses) has no frequency, so no table applies.", legs,
                            r->actual);
                break;
        }
}

static void duration_check(struct safety_check *c, const struct train *x, const struct duration_table *t)
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
        r = safety_reason_add(c, inside ? TMS_SAFETY_ALLOWED : c->outside, LAYER_TABLE, t->name, t->source);
        REASON_TEXT(r->row, "%u Hz", t->hz[cell.row]);
        safety_percent_text(r->column, sizeof(r->column), t->percent_permille[cell.column]);
        seconds_text(r->limit, sizeof(r->limit), cell.limit_ns);
        seconds_text(r->actual, sizeof(r->actual), x->train_ns);
        REASON_TEXT(r->sentence, "%sa train of %s is %s the %s %s at %s and %s%s.", leg_prefix(c->p, x, prefix),
                    r->actual, inside ? "within" : "longer than", r->limit,
                    longest_tested ? "that were tested" : "found safe", r->row, r->column, mark);
}

static void interval_check(struct safety_check *c, const struct train *x)
{
        const struct interval_table *t = &chen1997_iti;
        const bool apart = x->pause_ns >= t->min_ns, known = x->pause_percent_permille <= t->percent_permille;
        struct tms_safety_reason *r;
        char prefix[160];

        r = safety_reason_add(c, apart && known ? TMS_SAFETY_ALLOWED : c->outside, LAYER_TABLE, t->name, t->source);
        safety_percent_text(r->column, sizeof(r->column), known ? t->percent_permille : 1200);
        seconds_text(r->limit, sizeof(r->limit), t->min_ns);
        seconds_text(r->actual, sizeof(r->actual), x->pause_ns);
        REASON_TEXT(r->row, "%s %.20s", apart ? ">=" : "<", r->limit);
        if (!apart)
                REASON_TEXT(r->sentence, "%strains are %s apart%s; less than %s is not known to be safe.",
                            leg_prefix(c->p, x, prefix), r->actual,
                            x->begins_leg && c->p->legs[x->leg].wait ? " if the leg need not wait" : "", r->limit);
        else if (!known)
                REASON_TEXT(r->sentence, "%strains are %s apart; above 110 %% there are no data on what is enough%s.",
                            leg_prefix(c->p, x, prefix), r->actual, t->no_data_verified ? "" : " (not verified)");
        else
                REASON_TEXT(r->sentence, "%strains are %s apart, at least %s.", leg_prefix(c->p, x, prefix), r->actual,
                            r->limit);
}

static void single_pulses(struct safety_check *c, const struct train *x)
{
        struct tms_safety_reason *r = safety_reason_add(c, TMS_SAFETY_ALLOWED, LAYER_TABLE, single_pulse_min_ns.name,
                                                        single_pulse_min_ns.source);

        seconds_text(r->limit, sizeof(r->limit), single_pulse_min_ns.value);
        if (x->interval_ns)
                seconds_text(r->actual, sizeof(r->actual), x->interval_ns);
        else
                REASON_TEXT(r->actual, "one pulse");
        REASON_TEXT(r->sentence, "%s", "Pulses at least 5 s apart count as single pulses, not as trains.");
}

void safety_leg_tables(struct safety_check *c, const struct leg_findings *f)
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

/* Keeps the train with the least room to its table's limit; beyond the limit, the one that is furthest beyond. */
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

/* Keeps the worse pause. Of two equal ones, the one within a leg: before a leg, its "wait" may lengthen the pause. */
static void keep_closer(struct train *worst, const struct train *x)
{
        const unsigned rank = interval_rank(x), worst_rank = worst->pulses ? interval_rank(worst) : 0;

        if (!worst->pulses || rank > worst_rank ||
            (rank == worst_rank && (x->pause_ns < worst->pause_ns ||
                                    (x->pause_ns == worst->pause_ns && worst->begins_leg && !x->begins_leg))))
                *worst = *x;
}

void safety_train_found(const struct train *x, void *userdata)
{
        struct safety_check *c = userdata;
        struct leg_findings *f = &c->legs[x->leg];

        assert(x->leg < c->p->n_legs && x->pulses > 0);
        if (x->stimulation == STIMULATION_SINGLE) {
                if (!f->single.pulses || (x->interval_ns && x->interval_ns < f->single.interval_ns))
                        f->single = *x;
                return;
        }
        c->trains++;
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
