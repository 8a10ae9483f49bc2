/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A threshold hunt's inside. threshold.c keeps the manners that all methods
 * share (order of calls, distance of pulses, cap); a method only says which
 * intensity it wants next, and learns from answers.
 *
 * threshold/: these rooms know base/ only, neither protocols nor stimulators: the caller fires and tells.
 * They run in whichever thread calls; a hunt belongs to one thread at a time. They take no lock.
 */
#ifndef TMS_LIB_THRESHOLD_H
#define TMS_LIB_THRESHOLD_H

#include "base.h"

#define HUNT_PULSES_MAX 1000u
#define PEST_GRID_MAX 1300u /* 0.1 %MSO: thresholds above the stimulator's reach are hypotheses too */
#define PEST_SPREAD_PERMILLE 70u
#define PEST_LAPSE_PERMILLE 20u

enum outcome {
        HUNT_ON,
        HUNT_FOUND,
        HUNT_LOST, /* over without a threshold: see what it lacks */
};

/* Why there is no estimate. */
enum hunt_lack {
        LACK_PULSES,         /* not done, or out of pulses */
        LACK_ANSWERS,        /* nothing says that the threshold is not higher */
        LACK_MISSES,         /* nothing says that it is not lower */
        LACK_TURNS,          /* one kind of answer came first and the other after it, so that time may be the reason */
        LACK_OUT_OF_REACH,   /* it may be above max_permille, or the method needs stronger pulses than that */
        LACK_NONE_BELOW_MAX, /* it is above max_permille */
};

/* 5 of 10 and Mills-Nithi: levels, tested one after the other. */
struct levels {
        enum {
                LEVELS_COARSE, /* one pulse a level, big steps */
                LEVELS_DOWN,
                LEVELS_UP,
        } phase;
        uint32_t level_permille;
        unsigned hits, misses;  /* at this level */
        bool turned;            /* coarse: the answer has changed once */
        bool first_hit;         /* coarse: what the first pulse said */
        uint32_t pass_permille; /* lowest level known to pass, 0 none */
        uint32_t fail_permille; /* highest level known to fail, 0 none */
};

/* ML-PEST: log-likelihood of each threshold from 0.1 %MSO, in steps of that. */
struct pest {
        double likelihood[PEST_GRID_MAX + 1];
        struct {
                uint16_t permille;
                bool response;
        } answers[HUNT_PULSES_MAX]; /* in order of time, as many as pulses */
};

struct tms_threshold {
        struct tms_threshold_options options;
        enum outcome outcome;
        enum hunt_lack lack; /* HUNT_LOST */
        uint32_t found_permille, pulses;
        uint32_t asked_permille; /* 0: none asked for */
        uint64_t fired_ns;       /* of the last pulse */
        union {
                struct levels levels;
                struct pest pest;
        };
};

void relative_init(struct tms_threshold *t);
uint32_t levels_next(const struct tms_threshold *t);
void relative_answer(struct tms_threshold *t, bool response);
void mills_nithi_init(struct tms_threshold *t);
void mills_nithi_answer(struct tms_threshold *t, bool response);

void pest_init(struct tms_threshold *t);
uint32_t pest_next(const struct tms_threshold *t);
void pest_answer(struct tms_threshold *t, bool response);
/* The maximum-likelihood threshold and the ends of its 95 % interval; negative when the answers do not hold one. */
int pest_estimate(const struct tms_threshold *t, struct tms_threshold_estimate *ret, enum hunt_lack *ret_lack);
/* Where it is most likely, whatever the answers are worth. */
uint32_t pest_likeliest(const struct pest *p);

#endif
