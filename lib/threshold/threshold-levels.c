/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two methods that test one level of intensity after the other.
 *
 * Relative frequency (Rossini-Rothwell): steps of 5 %MSO with one pulse each
 * lead to the neighbourhood of the threshold. From there single steps go
 * downwards, with up to ten pulses a level, while at least 5 of 10 pulses are
 * answered. The threshold is the lowest such level. A level ends as soon as
 * its result is certain: at the fifth answer, or when more than five pulses
 * were not answered.
 *
 * Mills-Nithi: steps of 10 %MSO go upwards to the first level at which two
 * pulses in a row are answered (at the highest level, any two), because a
 * single answer may be reported wrong. From there steps go down to the highest
 * level with no answer in ten, then up to the lowest level with ten answers in
 * ten. The threshold is the mean of the two.
 *
 * A hunt ends with "above the strongest pulse" when at most one of ten
 * strongest pulses was answered: if that level were the threshold, this would
 * happen in one of a hundred hunts. Two answers would happen in more than one
 * of twenty hunts, so that a hunt with two answers or more ends without a
 * result. So does one in which even the weakest pulse was answered, because
 * the threshold may then be anywhere below.
 */
#include "threshold.h"

#define TRIALS 10u
#define NONE_HITS 1u /* of TRIALS */
#define CONFIRM_HITS 2u
#define RELATIVE_COARSE_PERMILLE 50u
#define MILLS_NITHI_COARSE_PERMILLE 100u

uint32_t levels_next(const struct tms_threshold *t)
{
        return t->levels.level_permille;
}

static void found(struct tms_threshold *t, uint32_t permille)
{
        t->found_permille = permille;
        t->outcome = HUNT_FOUND;
}

static void lost(struct tms_threshold *t, enum hunt_lack lack)
{
        t->lack = lack;
        t->outcome = HUNT_LOST;
}

static void level_set(struct levels *l, uint32_t permille)
{
        l->level_permille = permille;
        l->hits = l->misses = 0;
}

static uint32_t up(const struct tms_threshold *t, uint32_t by)
{
        uint32_t v = t->levels.level_permille + by;

        return v > t->options.max_permille ? t->options.max_permille : v;
}

/* A step down; never to 0, which would be no pulse. */
static uint32_t down(const struct tms_threshold *t, uint32_t by)
{
        return t->levels.level_permille > by ? t->levels.level_permille - by : 1;
}

/* --- Relative frequency -------------------------------------------------------------------------- */

void relative_init(struct tms_threshold *t)
{
        level_set(&t->levels, t->options.start_permille);
}

/* One pulse a level, until the answer changes. The single steps then begin at the last level that was answered. */
static void relative_coarse(struct tms_threshold *t, bool response)
{
        struct levels *l = &t->levels;
        bool bottom = response && l->level_permille == 1,
             top = !response && l->level_permille == t->options.max_permille;

        if (!l->turned) {
                l->turned = true;
                l->first_hit = response;
        }
        if (response == l->first_hit && !bottom && !top) {
                level_set(l, response ? down(t, RELATIVE_COARSE_PERMILLE) : up(t, RELATIVE_COARSE_PERMILLE));
                return;
        }
        level_set(l, response ? l->level_permille : up(t, RELATIVE_COARSE_PERMILLE));
        l->phase = LEVELS_DOWN;
}

static void relative_level(struct tms_threshold *t, bool pass)
{
        struct levels *l = &t->levels;
        uint32_t next;

        if (pass) {
                l->pass_permille = l->level_permille;
                next = down(t, t->options.step_permille);
                if (next <= l->fail_permille)
                        found(t, l->pass_permille);
                else if (next == l->level_permille)
                        lost(t, LACK_MISSES);
                else
                        level_set(l, next);
                return;
        }

        if (l->pass_permille)
                found(t, l->pass_permille);
        else if (l->level_permille == t->options.max_permille)
                lost(t, l->hits <= NONE_HITS ? LACK_NONE_BELOW_MAX : LACK_OUT_OF_REACH);
        else {
                /* The steps down began at a level that is not above the threshold: begin again further up. */
                l->fail_permille = l->level_permille;
                level_set(l, up(t, RELATIVE_COARSE_PERMILLE));
        }
}

void relative_answer(struct tms_threshold *t, bool response)
{
        struct levels *l = &t->levels;

        if (l->phase == LEVELS_COARSE) {
                relative_coarse(t, response);
                return;
        }
        l->hits += response;
        l->misses += !response;
        if (l->hits >= TRIALS / 2)
                relative_level(t, true);
        /* The strongest pulse gets all its trials while the hunt may still end with LACK_NONE_BELOW_MAX. */
        else if (l->misses > TRIALS / 2 && (l->level_permille < t->options.max_permille || l->pass_permille ||
                                            l->hits > NONE_HITS || l->hits + l->misses == TRIALS))
                relative_level(t, false);
}

/* --- Mills-Nithi ---------------------------------------------------------------------------------- */

void mills_nithi_init(struct tms_threshold *t)
{
        level_set(&t->levels, t->options.start_permille);
}

/* The highest level with no answer in ten is known. Now the lowest level with ten answers in ten is looked for. */
static void mills_nithi_turn(struct tms_threshold *t, uint32_t lower_permille)
{
        struct levels *l = &t->levels;

        l->fail_permille = lower_permille;
        l->phase = LEVELS_UP;
        level_set(l, up(t, t->options.step_permille));
}

static void mills_nithi_coarse(struct tms_threshold *t, bool response)
{
        struct levels *l = &t->levels;

        if (response && ++l->hits == CONFIRM_HITS) {
                l->phase = LEVELS_DOWN;
                level_set(l, down(t, t->options.step_permille));
        } else if (response)
                return;
        else if (l->level_permille < t->options.max_permille)
                level_set(l, up(t, MILLS_NITHI_COARSE_PERMILLE));
        else if (++l->misses == TRIALS - NONE_HITS)
                lost(t, LACK_NONE_BELOW_MAX);
}

static void mills_nithi_down(struct tms_threshold *t, bool response)
{
        struct levels *l = &t->levels;

        if (response && l->level_permille == 1)
                lost(t, LACK_MISSES);
        else if (response)
                level_set(l, down(t, t->options.step_permille));
        else if (++l->misses == TRIALS)
                mills_nithi_turn(t, l->level_permille);
}

static void mills_nithi_up(struct tms_threshold *t, bool response)
{
        struct levels *l = &t->levels;

        /* There is a threshold, but the strongest pulse is too weak for ten answers in ten. */
        if (!response && l->level_permille == t->options.max_permille)
                lost(t, LACK_OUT_OF_REACH);
        else if (!response)
                level_set(l, up(t, t->options.step_permille));
        else if (++l->hits == TRIALS)
                found(t, (l->fail_permille + l->level_permille + 1) / 2);
}

void mills_nithi_answer(struct tms_threshold *t, bool response)
{
        switch (t->levels.phase) {
        case LEVELS_COARSE:
                mills_nithi_coarse(t, response);
                break;
        case LEVELS_DOWN:
                mills_nithi_down(t, response);
                break;
        case LEVELS_UP:
                mills_nithi_up(t, response);
                break;
        }
}
