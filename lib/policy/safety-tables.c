/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every number of the safety policy, with its source.
 *
 * "verified" is false for a number that is widely reprinted but was not read in
 * its primary text. Such a number can only make the policy stricter. A number
 * that no publication gives is called a decision of this project.
 */
#include "safety.h"

/* Laid out to be read beside the printed tables. */
/* clang-format off */

#define S(ms)    {(ms), false}
#define OVER(ms) {(ms), true} /* printed with ">": the longest that was tested */

/* As encoded in public code that cites it; the ">" signs are from general knowledge. */
const struct duration_table rossi2009 = {
        .name = "rossi2009_max_train_s",
        .source = "Rossi et al. 2009, Clin Neurophysiol 120:2008, Table 4",
        .verified = true,
        .longest_tested_verified = false,
        .columns = 5,
        .percent_permille = {       900,           1000,          1100,         1200,        1300 },
        .hz = { 1, 5, 10, 20, 25 },
        .cell = {
                /*  1 Hz */ { OVER(1800000), OVER(1800000), OVER(1800000), OVER(360000), OVER(50000) },
                /*  5 Hz */ { OVER(10000),   OVER(10000),   OVER(10000),   OVER(10000),  OVER(10000) },
                /* 10 Hz */ { OVER(5000),    OVER(5000),    OVER(5000),    S(4200),      S(2900) },
                /* 20 Hz */ { S(2050),       S(2050),       S(1600),       S(1000),      S(550) },
                /* 25 Hz */ { S(1280),       S(1280),       S(840),        S(400),       S(240) },
        },
};

/* Advised durations, 25 % less than those above. The 1 Hz row does not follow that rule and is the least certain. */
const struct duration_table chen1997 = {
        .name = "chen1997_max_train_s",
        .source = "Chen et al. 1997, Electroencephalogr Clin Neurophysiol 105:415, as reprinted in Rossi 2009",
        .verified = false,
        .columns = 4,
        .percent_permille = {      1000,         1100,         1200,     1300 },
        .hz = { 1, 5, 10, 20, 25 },
        .cell = {
                /*  1 Hz */ { OVER(270000), OVER(270000), OVER(180000), S(50000) },
                /*  5 Hz */ { S(10000),     S(10000),     S(10000),     S(10000) },
                /* 10 Hz */ { S(5000),      S(5000),      S(3200),      S(2200) },
                /* 20 Hz */ { S(1500),      S(1200),      S(800),       S(400) },
                /* 25 Hz */ { S(1000),      S(700),       S(300),       S(200) },
        },
};

/* clang-format on */

/*
 * From the abstract: ten trains 5 s apart at 110 % were safe, 1 s apart above
 * 100 % were not. That there are no data above 110 % is from general knowledge.
 */
const struct interval_table chen1997_iti = {
                .name = "chen1997_min_iti_s",
                .source = "Chen et al. 1997, Electroencephalogr Clin Neurophysiol 105:415 (abstract)",
                .verified = true,
                .no_data_verified = false,
                .min_ns = 5000000000,
                .percent_permille = 1100,
};

#define PROJECT "decision of this project"

/* Ceilings: nothing passes them, whoever asks. */
const struct limit ceiling_percent_permille = {"ceiling_percent_mt", PROJECT, 1500, "Lower the percentage."};
const struct limit ceiling_pulses_per_s = {"ceiling_pulses_per_s", PROJECT ": the fastest stimulators sold give 100 Hz",
                                           100, "Choose a protocol with fewer pulses in a second."};
const struct limit ceiling_pulses_per_day = {"ceiling_pulses_per_day",
                                             PROJECT ": above the 18000 of the densest published course", 20000,
                                             "Wait until earlier ones are 24 hours ago, or choose a shorter protocol."};

/* Up to here a protocol that is published for an adjusted threshold needs no override. */
const struct limit adjusted_percent_permille = {"adjusted_percent_mt", PROJECT ": the tables' last column", 1300};

/* What a protocol that is not on the list may have without an override: as much as the largest common sessions. */
const struct limit free_form_session_pulses = {"free_form_session_pulses", PROJECT ": largest common session, 10 Hz",
                                               3000};
const struct limit free_form_day_pulses = {"free_form_day_pulses", PROJECT ": that session twice a day", 6000};
/* Pulses of threshold hunts are counted apart from those of treatments. */
const struct limit measuring_pulses_per_day = {"measuring_pulses_per_day", PROJECT ": single pulses of threshold hunts",
                                               300};

const struct limit table_max_hz = {"table_max_hz", "Rossi et al. 2009, Table 4: last row", 25};
const struct limit table_max_percent_permille = {"table_max_percent_mt", "Rossi et al. 2009, Table 4: last column",
                                                 1300};
const struct limit single_pulse_min_ns = {"single_pulse_min_interval_s",
                                          "laboratory safety rules: 0.2 Hz or less counts as single-pulse TMS",
                                          5000000000};

const char *const theta_burst_source =
                "Huang 2005 (80 % aMT), THREE-D 2018 (120 % rMT), SNT 2020 (90 % rMT, 1800 pulses)";
const char *const visual_threshold_source = "Westin et al. 2014, Clin Neurophysiol 125:142";
const char *const allow_list_source = "shipped and site-approved protocol files";
