// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints how the three methods of threshold hunting do on 10000 synthetic subjects. */
#include "subjects.h"

#include <stdio.h>

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

        printf("%-24s %8s %8s %8s %8s %8s %8s %8s %8s %7s\n", "method", "within5%", "rms", "bias", "err95", "worst",
               "in CI", "pulses", "most", "failed");
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
                struct hunts h;

                if (hunts_run(&methods[i].options, 10000, 1, &h) < 0)
                        return 1;
                printf("%-24s %7.2f%% %7.2f%% %+7.2f%% %7.2f%% %7.2f%% %7.2f%% %8.1f %8u %7u\n", methods[i].name,
                       100.0 * h.within_5_percent / h.subjects, 100 * h.rms, 100 * h.bias, 100 * h.error_95,
                       100 * h.error_max, 100.0 * h.covered / h.subjects, h.pulses_mean, h.pulses_max, h.failed);
        }
        return 0;
}
