// SPDX-License-Identifier: GPL-2.0-or-later
#include "timeline-reference.h"

#define S 1000000000LL
#define HOUR (3600 * S)

typedef __int128 wide;

/* Everything fired and planned in one row; @at the planned pulse's place in it. */
struct row {
        const struct tms_pulse *pulses;
        const struct tms_envelope *env;
        const struct fired *fired;
        u32 fired_count;
        u64 start_ns;
};

static wide time_of(const struct row *r, u32 at)
{
        if (at < r->fired_count)
                return r->fired[at].mono_ns;
        return (wide)r->start_ns + r->pulses[at - r->fired_count].t_ns;
}

/* The gap before pulse @i, from the start for the first; and does it discharge the card? */
static u64 gap_before(const struct row *r, u32 i)
{
        return i > 0 ? r->pulses[i].t_ns - r->pulses[i - 1].t_ns : r->pulses[0].t_ns;
}

static bool broken(const struct row *r, u32 i)
{
        return gap_before(r, i) > 60 * (u64)S;
}

/* The last pulse up to @i that the card was armed before: then all is charged. */
static u32 armed(const struct row *r, u32 i)
{
        while (i > 0 && !broken(r, i))
                i--;
        return i;
}

/* In pJ: E = E(1000) * (p / 1000)^2, in mJ = 1e9 pJ. */
static wide energy_of(const struct row *r, u32 at)
{
        wide p = at < r->fired_count ? r->fired[at].permille : r->pulses[at - r->fired_count].intensity_permille;

        /* More than there is; a rule of its own, but a break looks ahead. */
        if (p > 1000)
                p = 1000;
        return (wide)r->env->pulse_mJ * 1000000000 * p * p / 1000000;
}

/*
 * The most that pulses j..at, for any j from @first on, have put in above what left at @mW:
 * the level of a bucket that leaks, or what a refilled store lacks.
 */
static wide excess(const struct row *r, u32 first, u32 at, wide mW)
{
        wide worst = 0, sum = 0;

        for (u32 j = at + 1; j-- > first;) {
                sum += energy_of(r, j);
                if (sum - mW * (time_of(r, at) - time_of(r, j)) > worst)
                        worst = sum - mW * (time_of(r, at) - time_of(r, j));
        }
        return worst;
}

/* Is there a half-open second that ends at or after pulse @at and holds too many? */
static bool crowded(const struct row *r, u32 at)
{
        for (u32 first = 0; first <= at; first++) {
                u32 n = 0;

                for (u32 j = first; j <= at; j++)
                        if (time_of(r, j) < time_of(r, first) + S)
                                n++;
                        else
                                n = 0;
                if (time_of(r, at) < time_of(r, first) + S && n > r->env->max_pulses_per_s)
                        return true;
        }
        return false;
}

/* When pulse @i is charged: the latest of all chains of charging that end in it. */
static wide charged(const struct row *r, u32 i)
{
        wide latest = 0, chain = 0;
        u32 n = r->env->stored_pulses;

        for (u32 j = i + 1; j-- > armed(r, i) + n;) {
                wide e = energy_of(r, r->fired_count + j);

                chain += (e + r->env->charge_mW - 1) / r->env->charge_mW;
                if (r->pulses[j - n].t_ns + chain > latest)
                        latest = r->pulses[j - n].t_ns + chain;
        }
        return latest;
}

/* From where on the reservoir's pulses count: it is full when the card has been armed in mid-timeline. */
static u32 full_before(const struct row *r, u32 i)
{
        u32 first = armed(r, i);

        return broken(r, first) ? r->fired_count + first : 0;
}

/* What the reservoir lacks of what is not set aside, behind all that came before pulse @i; at the start for the first. */
static wide lack_before(const struct row *r, u32 i)
{
        wide lack;

        if (i > 0)
                return excess(r, full_before(r, i - 1), r->fired_count + i - 1, r->env->refill_mW);
        if (r->fired_count == 0)
                return 0;
        lack = excess(r, 0, r->fired_count - 1, r->env->refill_mW) -
               (wide)r->env->refill_mW * (wide)(r->start_ns - r->fired[r->fired_count - 1].mono_ns);
        return lack > 0 ? lack : 0;
}

/* Before a pulse behind a long gap all is charged within its last eight seconds, and its reservoir full. */
static u32 rules_of_break(const struct row *r, u32 i, u32 count)
{
        const struct tms_envelope *env = r->env;
        wide full = (wide)env->reservoir_mJ * S, set = (wide)env->pulse_mJ * S * env->stored_pulses;
        wide level = full - set - lack_before(r, i), wanted = 0;
        u32 rules = 0;

        if (gap_before(r, i) > (u64)HOUR)
                rules |= 1 << TMS_RULE_GAP;
        for (u32 j = i; j < count && j < i + env->stored_pulses; j++)
                wanted += energy_of(r, r->fired_count + j);
        if ((8 * S - (wide)env->settle_margin_ns) * env->charge_mW < wanted)
                rules |= 1 << TMS_RULE_SETTLING;
        level += (wide)env->refill_mW * (wide)(gap_before(r, i) - 8 * S);
        if (level > full)
                level = full;
        level += (wide)env->refill_mW * (8 * S - (wide)env->settle_margin_ns);
        if (level < full + wanted)
                rules |= 1 << TMS_RULE_RESERVOIR;
        return rules;
}

static wide hour_of(const struct row *r, u32 at)
{
        return time_of(r, at) / HOUR;
}

static u32 rules_of_form(const struct row *r, u32 i, u32 count)
{
        const u32 ends = TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST;
        const struct tms_pulse *p = &r->pulses[i];
        u32 rules = 0, train = 0;

        if (p->flags > 0xf)
                rules |= 1 << TMS_RULE_FLAGS;
        if ((p->flags & ends) == TMS_PULSE_END_OF_TRAIN)
                rules |= 1 << TMS_RULE_FLAGS;
        if (i == count - 1 && !(p->flags & TMS_PULSE_END_OF_TRAIN))
                rules |= 1 << TMS_RULE_FLAGS;
        if (i > 0 && r->pulses[i - 1].t_ns >= p->t_ns)
                rules |= 1 << TMS_RULE_ORDER;
        for (u32 j = 0; j < i; j++)
                if (r->pulses[j].flags & TMS_PULSE_END_OF_TRAIN)
                        train++;
        if (p->train != train)
                rules |= 1 << TMS_RULE_TRAIN;
        if (p->intensity_permille == 0)
                rules |= 1 << TMS_RULE_INTENSITY_ZERO;
        return rules;
}

static u32 rules_of_limits(const struct row *r, u32 i, u32 count)
{
        const struct tms_envelope *env = r->env;
        const struct tms_pulse *p = &r->pulses[i];
        u32 at = r->fired_count + i, rules = 0, day = i + 1;

        if (p->intensity_permille > env->max_permille)
                rules |= 1 << TMS_RULE_INTENSITY;
        if (p->t_ns > env->max_duration_ns || p->t_ns > TMS_DURATION_MAX_NS)
                rules |= 1 << TMS_RULE_DURATION;
        if (at > 0 && time_of(r, at) - time_of(r, at - 1) < (wide)env->min_interval_ns)
                rules |= 1 << TMS_RULE_INTERVAL;
        if (crowded(r, at))
                rules |= 1 << TMS_RULE_PULSES_PER_S;
        if (broken(r, i))
                rules |= rules_of_break(r, i, count);
        if (i - armed(r, i) >= env->stored_pulses && charged(r, i) + (wide)env->settle_margin_ns > p->t_ns)
                rules |= 1 << TMS_RULE_SETTLING;
        if (excess(r, full_before(r, i), at, env->refill_mW) + (wide)env->pulse_mJ * S * env->stored_pulses >
            (wide)env->reservoir_mJ * S)
                rules |= 1 << TMS_RULE_RESERVOIR;
        if (excess(r, 0, at, env->coil_cool_mW) > (wide)env->coil_heat_mJ * S)
                rules |= 1 << TMS_RULE_COIL_HEAT;
        if (i + 1 > env->max_pulses)
                rules |= 1 << TMS_RULE_PULSES;
        if (p->leg)
                rules |= 1 << TMS_RULE_LEG;
        if (p->delay_ns)
                rules |= 1 << TMS_RULE_DELAY;
        for (u32 j = 0; j < r->fired_count; j++)
                if (hour_of(r, at) - hour_of(r, j) <= 24)
                        day++;
        if (day > env->max_pulses_per_day)
                rules |= 1 << TMS_RULE_PULSES_PER_DAY;
        return rules;
}

u32 reference_verify(const struct tms_pulse *pulses, u32 count, const struct tms_envelope *env,
                     const struct fired *fired, u32 fired_count, u64 start_ns, u32 *ret_rules)
{
        struct row r = {pulses, env, fired, fired_count, start_ns};
        u32 i, rules = 0;

        for (i = 0; i < count && !rules; i++) {
                /* What has no form cannot be measured. */
                rules = rules_of_form(&r, i, count);
                if (!rules)
                        rules = rules_of_limits(&r, i, count);
        }
        *ret_rules = rules;
        return rules ? i - 1 : count;
}
