/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options: their names, their help, and what was given. Every file may
 * read what was given; only arguments.c writes it, before a verb runs.
 */
#ifndef TMSCTL_OPTIONS_H
#define TMSCTL_OPTIONS_H

#include <getopt.h>

#include "tms.h"

enum option_id {
        OPT_JSON,
        OPT_TIMELINE,
        OPT_SVG,
        OPT_LIVE,
        OPT_NOW,
        OPT_CONFIRM,
        OPT_FULL,
        OPT_MT,
        OPT_OTHER_MT,
        OPT_LEG_MT,
        OPT_MT_METHOD,
        OPT_ADJUSTED_MT,
        OPT_ADJUSTMENT,
        OPT_OVERRIDE,
        OPT_PERCENT,
        OPT_INTENSITY,
        OPT_TODAY,
        OPT_LINES,
        OPT_THRESHOLD_KIND,
        OPT_COIL,
        OPT_SUBJECT,
        OPT_STIMULATOR,
        OPT_KEY0,
        OPT_SEAL,
        OPT_DIR,
        OPT_TYPE,
        OPT_SESSION,
        OPT_SINCE,
        OPT_UNTIL,
        OPT_HELP,
        OPT_VERSION,
        OPT_REST,
};

#define BIT(id) (1U << (id))
#define DOSE_OPTIONS                                                                                 \
        (BIT(OPT_MT) | BIT(OPT_OTHER_MT) | BIT(OPT_LEG_MT) | BIT(OPT_MT_METHOD) | BIT(OPT_PERCENT) | \
         BIT(OPT_THRESHOLD_KIND) | BIT(OPT_COIL) | BIT(OPT_ADJUSTED_MT) | BIT(OPT_ADJUSTMENT))

/* By enum option_id, which is the index that getopt_long() returns; the last one has a NULL name. */
extern const struct option long_options[];
/* What help says of each option, by enum option_id; NULL: help does not show it. */
extern const char *const option_words[OPT_REST + 1];

/* The option whose full name word is, with or without "=VALUE"; NULL: there is none. */
const struct option *option_of(const char *word);

struct options {
        bool json, timeline, svg, live, now, confirm, full;
        uint32_t mt_permille;                                     /* 0: not given */
        uint32_t percent_permille;                                /* 0: the protocol's own */
        uint32_t other_mt_permille;                               /* 0: not given */
        uint32_t leg_mt_permille[TMS_LEGS_MAX];                   /* 0: the common one */
        uint32_t adjusted_mt_permille;                            /* 0: not adjusted */
        uint32_t leg_adjusted_permille[TMS_LEGS_MAX];             /* 0: as the common one */
        uint32_t intensity_permille;                              /* 0: as prescribed */
        uint32_t today;                                           /* pulses the subject had today */
        uint64_t lines;                                           /* 0: all */
        const char *threshold_kind, *coil, *subject, *stimulator; /* NULL: not given */
        const char *mt_method, *adjustment, *override_reason;
        const char *key0, *seal, *dir, *type, *session, *since, *until, *rest;
};

extern struct options opt;

#endif
