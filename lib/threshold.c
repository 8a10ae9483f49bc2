/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hunt for the motor threshold, whatever the method: pulses at least 5 s
 * apart, a cap on their number, never above the intensity that the caller
 * allows.
 */
#include "threshold.h"

#include <errno.h>

#define PULSES_MAX 1000

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

        if ((unsigned)o.method >= ELEMENTSOF(methods))
                return -EINVAL;
        o.max_permille = o.max_permille ?: 1000;
        o.step_permille = o.step_permille ?: methods[o.method].step_permille;
        o.max_pulses = o.max_pulses ?: methods[o.method].max_pulses;
        if (o.max_permille > 1000 || o.step_permille > 100 || o.max_pulses > PULSES_MAX ||
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

        t->pulses++;
        t->fired_ns = fired_ns;
        methods[t->options.method].answer(t, response);
        t->asked_permille = 0;
        return 0;
}

int tms_threshold_estimate(const struct tms_threshold *t, struct tms_threshold_estimate *ret)
{
        struct tms_threshold_estimate e = {.threshold_permille = t->found_permille, .pulses = t->pulses};

        if (t->options.method == TMS_THRESHOLD_ML_PEST)
                pest_estimate(t, &e.threshold_permille, &e.low_permille, &e.high_permille);
        else if (t->outcome == HUNT_NONE)
                return -ERANGE;
        else if (t->outcome == HUNT_ON)
                return tms_threshold_done(t) ? -ENODATA : -EAGAIN;
        if (e.threshold_permille > t->options.max_permille)
                return -ERANGE;

        *ret = e;
        return 0;
}
