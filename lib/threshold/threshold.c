/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all methods of hunting for the motor threshold have in common: pulses
 * are at least 5 s apart, their number is limited, and none is stronger than
 * the caller allows.
 */
#include "threshold.h"

#include <errno.h>

static const struct {
        void (*init)(struct tms_threshold *t);
        uint32_t (*next)(const struct tms_threshold *t);
        void (*answer)(struct tms_threshold *t, bool response);
        uint32_t start_permille, step_permille, max_pulses;
} methods[] = {
                [TMS_THRESHOLD_RELATIVE] = {relative_init, levels_next, relative_answer, 400, 10, 200},
                [TMS_THRESHOLD_MILLS_NITHI] = {mills_nithi_init, levels_next, mills_nithi_answer, 200, 20, 200},
                [TMS_THRESHOLD_ML_PEST] = {pest_init, pest_next, pest_answer, 0, 10, 20},
};

int tms_threshold_new(const struct tms_threshold_options *options, struct tms_threshold **ret)
{
        struct tms_threshold_options o = *options;
        struct tms_threshold *t;

        if ((unsigned)o.method >= ELEMENTS(methods))
                return -EINVAL;
        o.max_permille = o.max_permille ?: 1000;
        o.step_permille = o.step_permille ?: methods[o.method].step_permille;
        o.max_pulses = o.max_pulses ?: methods[o.method].max_pulses;
        if (o.max_permille > 1000 || o.step_permille > 100 || o.max_pulses > HUNT_PULSES_MAX ||
            o.start_permille > o.max_permille || o.step_permille > o.max_permille || o.precision_permille > 1000)
                return -EINVAL;
        if (!o.start_permille)
                o.start_permille = methods[o.method].start_permille < o.max_permille ? methods[o.method].start_permille
                                                                                     : o.max_permille;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->options = o;
        methods[o.method].init(t);
        *ret = t;
        return 0;
}

struct tms_threshold *tms_threshold_free(struct tms_threshold *t)
{
        free(t);
        return NULL;
}

bool tms_threshold_done(const struct tms_threshold *t)
{
        return t->outcome != HUNT_ON || t->pulses >= t->options.max_pulses;
}

int tms_threshold_next(struct tms_threshold *t, uint32_t *ret_permille, uint64_t *ret_not_before_ns)
{
        if (tms_threshold_done(t))
                return -EALREADY;

        t->asked_permille = methods[t->options.method].next(t);
        assert(t->asked_permille > 0 && t->asked_permille <= t->options.max_permille);
        *ret_permille = t->asked_permille;
        *ret_not_before_ns = t->pulses ? t->fired_ns + TMS_THRESHOLD_GAP_NS : 0;
        return 0;
}

int tms_threshold_answer(struct tms_threshold *t, uint64_t fired_ns, bool response)
{
        if (!t->asked_permille)
                return -EPROTO;
        if (t->pulses && (fired_ns < t->fired_ns || fired_ns - t->fired_ns < TMS_THRESHOLD_GAP_NS))
                return -ETIME;

        assert(t->pulses < HUNT_PULSES_MAX);
        t->pulses++;
        t->fired_ns = fired_ns;
        methods[t->options.method].answer(t, response);
        t->asked_permille = 0;
        return 0;
}

/* Fills the error for the person who holds the coil: why there is no estimate, and what to do. */
static int estimate_fail(const struct tms_threshold *t, enum hunt_lack lack, struct tms_error *error)
{
        const uint32_t max = t->options.max_permille;
        const bool done = tms_threshold_done(t);
        const char *yet = done ? "" : " yet";
        const int r = lack == LACK_NONE_BELOW_MAX ? ERANGE : done ? ENODATA : EAGAIN;

        switch (lack) {
        case LACK_PULSES:
                return tms_error_set(error, r, NULL, 0, 0, NULL,
                                     "there is no threshold%s after %u pulses; expected more pulses: %s", yet,
                                     t->pulses, done ? "begin again, with more of them or another method" : "go on");
        case LACK_ANSWERS:
                return tms_error_set(error, r, NULL, 0, 0, NULL,
                                     "there is no threshold%s: fewer than two pulses near the likeliest one were "
                                     "answered, so that it may be higher; expected answers there: %s",
                                     yet, done ? "look at coil, electrodes and muscle, and begin again" : "go on");
        case LACK_MISSES:
                return tms_error_set(error, r, NULL, 0, 0, NULL,
                                     "there is no threshold%s: fewer than two pulses near the likeliest one were "
                                     "without an answer, so that it may be lower; expected such pulses: %s",
                                     yet, done ? "look for noise that is taken for answers, and begin again" : "go on");
        case LACK_TURNS:
                return tms_error_set(error, r, NULL, 0, 0, NULL,
                                     "there is no threshold%s: near the likeliest one all pulses up to some moment had "
                                     "one answer, and all after it the other, so that something else may have changed; "
                                     "expected both kinds in turn: %s",
                                     yet, done ? "look at coil, electrodes and muscle, and begin again" : "go on");
        case LACK_ROW:
                return tms_error_set(error, r, NULL, 0, 0, NULL,
                                     "there is no threshold%s: some answers in a row hardly fit all the others, so "
                                     "that something else may have changed meanwhile; expected answers that fit: %s",
                                     yet, done ? "look at coil, electrodes and muscle, and begin again" : "go on");
        case LACK_OUT_OF_REACH:
                return tms_error_set(error, r, NULL, 0, 0, NULL,
                                     "there is no threshold%s: it may be near or above the strongest pulse of %u.%u "
                                     "%%MSO; expected more answers: %s",
                                     yet, max / 10, max % 10,
                                     done ? "move the coil, or begin again with another method" : "go on");
        case LACK_NONE_BELOW_MAX:
                break;
        }
        return tms_error_set(error, r, NULL, 0, 0, NULL,
                             "the threshold is above the strongest pulse of %u.%u %%MSO, which is not answered; "
                             "expected answers: look at coil, electrodes and muscle",
                             max / 10, max % 10);
}

int tms_threshold_estimate(const struct tms_threshold *t, struct tms_threshold_estimate *ret, struct tms_error *error)
{
        struct tms_threshold_estimate e = {.threshold_permille = t->found_permille};
        enum hunt_lack lack = LACK_PULSES;
        int r = 0;

        if (t->options.method == TMS_THRESHOLD_ML_PEST && t->pulses)
                r = pest_estimate(t, &e, &lack);
        else if (t->outcome != HUNT_FOUND)
                r = -ENODATA;
        if (t->outcome == HUNT_LOST)
                lack = t->lack;
        if (r < 0)
                return estimate_fail(t, lack, error);

        e.pulses = t->pulses;
        *ret = e;
        return 0;
}
