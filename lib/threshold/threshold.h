/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a threshold hunt. threshold.c does what all methods share (the
 * order of calls, the time between pulses, the number of pulses). A method
 * says which intensity comes next, and gets the answers.
 *
 * threshold/: these rooms know base/ only, and neither protocols nor stimulators: the caller fires the pulses and
 * reports the answers. They run in whichever thread calls; a hunt belongs to one thread at a time. They take no lock.
 */
#ifndef TMS_LIB_THRESHOLD_H
#define TMS_LIB_THRESHOLD_H

#include "base.h"

#define HUNT_PULSES_MAX 1000u
#define PEST_GRID_MAX 1300u /* 0.1 %MSO; above 1000, because the threshold may be beyond what the stimulator gives */
#define PEST_SPREAD_PERMILLE 70u
#define PEST_LAPSE_PERMILLE 20u

enum outcome {
        HUNT_ON,
        HUNT_FOUND,
        HUNT_LOST, /* over without a threshold: enum hunt_lack says why */
};

/* Why there is no estimate. */
enum hunt_lack {
        LACK_PULSES,         /* the hunt is not done, or has used up its pulses */
        LACK_ANSWERS,        /* too few answers: the threshold may be any higher one */
        LACK_MISSES,         /* too few misses: the threshold may be any lower one */
        LACK_TURNS,          /* all hits came before all misses or the reverse: something may have changed */
        LACK_ROW,            /* answers one behind the other do not fit the others: something may have changed */
        LACK_OUT_OF_REACH,   /* the threshold may be above max_permille, or the method needs stronger pulses */
        LACK_NONE_BELOW_MAX, /* the threshold is above max_permille */
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
        bool turned;            /* coarse: first_hit is set */
        bool first_hit;         /* coarse: was the first pulse answered? */
        uint32_t pass_permille; /* lowest level known to pass, 0 none */
        uint32_t fail_permille; /* highest level known to fail, 0 none */
};

/* ML-PEST: the log-likelihood of each threshold, from 0.1 %MSO in steps of 0.1 %MSO. */
struct pest {
        double likelihood[PEST_GRID_MAX + 1];
        struct {
                uint16_t permille;
                bool response;
        } answers[HUNT_PULSES_MAX]; /* in order of time; pulses of them are valid */
};

struct tms_threshold {
        struct tms_threshold_options options;
        enum outcome outcome;
        enum hunt_lack lack; /* only for HUNT_LOST */
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
/* The maximum-likelihood threshold and its 95 % interval. Negative, and *ret_lack says why: too few answers for one. */
int pest_estimate(const struct tms_threshold *t, struct tms_threshold_estimate *ret, enum hunt_lack *ret_lack);
/* The most likely threshold, even if the answers are not enough for an estimate. */
uint32_t pest_likeliest(const struct pest *p);

#endif
