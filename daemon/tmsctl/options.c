/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of the options, and their help; see options.h. */
#include <string.h>

#include "options.h"

struct options opt;

const struct option long_options[] = {
                {"json", no_argument, NULL, 1},
                {"timeline", no_argument, NULL, 1},
                {"svg", no_argument, NULL, 1},
                {"live", no_argument, NULL, 1},
                {"now", no_argument, NULL, 1},
                {"confirm", no_argument, NULL, 1},
                {"full", no_argument, NULL, 1},
                {"mt", required_argument, NULL, 1},
                {"other-mt", required_argument, NULL, 1},
                {"leg-mt", required_argument, NULL, 1},
                {"mt-method", required_argument, NULL, 1},
                {"adjusted-mt", required_argument, NULL, 1},
                {"adjustment", required_argument, NULL, 1},
                {"override", required_argument, NULL, 1},
                {"percent", required_argument, NULL, 1},
                {"intensity", required_argument, NULL, 1},
                {"today", required_argument, NULL, 1},
                {"lines", required_argument, NULL, 1},
                {"threshold-kind", required_argument, NULL, 1},
                {"coil", required_argument, NULL, 1},
                {"subject", required_argument, NULL, 1},
                {"stimulator", required_argument, NULL, 1},
                {"key0", required_argument, NULL, 1},
                {"seal", required_argument, NULL, 1},
                {"dir", required_argument, NULL, 1},
                {"type", required_argument, NULL, 1},
                {"session", required_argument, NULL, 1},
                {"since", required_argument, NULL, 1},
                {"until", required_argument, NULL, 1},
                {"help", no_argument, NULL, 1},
                {"version", no_argument, NULL, 1},
                {"rest", required_argument, NULL, 1},
                {NULL, 0, NULL, 0},
};

const char *const option_words[OPT_REST + 1] = {
                [OPT_JSON] = "for programs: JSON on standard output, errors too",
                [OPT_TIMELINE] = "one line a pulse",
                [OPT_SVG] = "an SVG document instead of a picture of characters",
                [OPT_LIVE] = "demand a fresh seal from the daemon",
                [OPT_NOW] = "not only at the end of the train",
                [OPT_CONFIRM] = "notices are known and confirmed; without it a terminal is asked",
                [OPT_FULL] = "every value of each record, not sentences",
                [OPT_MT] = "motor threshold in % of maximum stimulator output, such as 52 or 52.5",
                [OPT_OTHER_MT] = "threshold of the other kind, for protocols that use both",
                [OPT_LEG_MT] = "a threshold for each leg, such as 52,55.5",
                [OPT_MT_METHOD] = "how the threshold was found: EMG or visual",
                [OPT_ADJUSTED_MT] = "what the measured threshold was adjusted to; for legs such as 60,64.5",
                [OPT_ADJUSTMENT] = "how and by whom it was adjusted",
                [OPT_OVERRIDE] = "a prescriber's reason to treat outside the published tables",
                [OPT_PERCENT] = "what of the threshold, in %; the protocol's own without it",
                [OPT_INTENSITY] = "for this pulse, in % of maximum stimulator output; lower than prescribed",
                [OPT_TODAY] = "pulses that the subject has had today",
                [OPT_LINES] = "the last N only, from 1 on",
                [OPT_THRESHOLD_KIND] = "rMT or aMT; the protocol's own without it",
                [OPT_COIL] = "coil that the threshold was measured with, such as figure-8",
                [OPT_SUBJECT] = "a pseudonymous code, never a name",
                [OPT_STIMULATOR] = "such as /dev/tms0; needed only when there are several",
                [OPT_KEY0] = "SHA-256 of the first public key, as noted at installation",
                [OPT_SEAL] = "file with a seal that was held elsewhere",
                [OPT_DIR] = "the log's directory, /var/lib/tmsd/audit without it",
                [OPT_TYPE] = "records of this type, such as 'session.*'",
                [OPT_SESSION] = "records of this session",
                [OPT_SINCE] = "records from this time on: 2026-01-31, 09:00, yesterday, -2h",
                [OPT_REST] = "exactly what that session has left, today, instead of a protocol and a dose",
                [OPT_UNTIL] = "records up to this time; a date alone is its 00:00",
};

const struct option *option_of(const char *word)
{
        size_t n = strcspn(word, "="), i;

        for (i = 0; long_options[i].name; i++)
                if (n == strlen(long_options[i].name) + 2 && strncmp(word, "--", 2) == 0 &&
                    strncmp(word + 2, long_options[i].name, n - 2) == 0)
                        return &long_options[i];
        return NULL;
}
