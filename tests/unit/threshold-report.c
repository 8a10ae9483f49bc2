// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints how the three methods of threshold hunting do on 2000 synthetic subjects each. */
#include "subjects.h"

#include <stdio.h>

static int report(const char *name, const struct tms_threshold_options *options, const struct population *p)
{
        struct hunts h;

        if (hunts_run(options, p, 2000, 1, &h) < 0)
                return -1;
        printf("%-24s %3.0f..%3.0f %5.1f%% %4.0f%% %7.2f%% %7.2f%% %+7.2f%% %7.2f%% %7.2f%% %7.2f%% %7.2f%% %8.1f %8u "
               "%7u "
               "%6u\n",
               name, p->from_permille / 10, p->to_permille / 10, 100 * p->spread, 100 * p->lapse,
               100.0 * h.within_5_percent / h.subjects, 100 * h.rms, 100 * h.bias, 100 * h.error_median,
               100 * h.error_95, 100 * h.error_max,
               h.failed < h.subjects ? 100.0 * h.covered / (h.subjects - h.failed) : 0, h.pulses_mean, h.pulses_max,
               h.failed, h.none);
        return 0;
}

int main(void)
{
        static const struct {
                const char *name;
                struct tms_threshold_options options;
        } methods[] = {
                        {"relative frequency 5/10", {.method = TMS_THRESHOLD_RELATIVE}},
                        {"Mills-Nithi", {.method = TMS_THRESHOLD_MILLS_NITHI}},
                        {"ML-PEST, 20 pulses", {.method = TMS_THRESHOLD_ML_PEST}},
                        {"ML-PEST, until +-5 %",
                         {.method = TMS_THRESHOLD_ML_PEST, .max_pulses = 60, .precision_permille = 50}},
        };
        static const struct population populations[] = {
                        {300, 850, 0.07, 0}, {200, 990, 0.07, 0},  {200, 990, 0.07, 0.02}, {200, 990, 0.07, 0.05},
                        {850, 990, 0.07, 0}, {300, 850, 0.035, 0}, {300, 850, 0.14, 0},    {300, 850, 0.20, 0},
        };

        printf("%-24s %8s %6s %5s %8s %8s %8s %8s %8s %8s %8s %8s %8s %7s %6s\n", "method", "thresh.", "spread",
               "lapse", "within5%", "rms", "bias", "median", "err95", "worst", "in CI", "pulses", "most", "failed",
               "none");
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
                for (size_t k = 0; k < sizeof(populations) / sizeof(populations[0]); k++)
                        if (report(methods[i].name, &methods[i].options, &populations[k]) < 0)
                                return 1;
        return 0;
}
