/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that a protocol file chooses from. Each list is indexed by the enum that the words stand for. */
#include "protocol.h"

const char *const protocol_statuses[] = {
                [STATUS_CLEARED] = "cleared",
                [STATUS_PUBLISHED] = "published",
                [STATUS_RESEARCH] = "research",
                NULL,
};

const char *const citation_bases[] = {
                [BASIS_SOURCE] = "source",
                [BASIS_CODE] = "code",
                [BASIS_CALCULATION] = "calculation",
                [BASIS_GENERAL_KNOWLEDGE] = "general-knowledge",
                NULL,
};

const char *const base_names[] = {
                [BASE_MAIN] = "main",
                [BASE_RMT] = TMS_KIND_RMT,
                [BASE_AMT] = TMS_KIND_AMT,
                [BASE_MSO] = TMS_REFERENCE_MSO,
                NULL,
};

const char *const wait_names[] = {
                [WAIT_NONE] = "none",
                [WAIT_TRIGGER] = "trigger",
                [WAIT_OPERATOR] = "operator",
                NULL,
};

const char *const level_keys[] = {
                [LEVEL_BURST] = "burst",
                [LEVEL_TRAIN] = "train",
                [LEVEL_SERIES] = "series",
};

const char *const level_units[] = {
                [LEVEL_BURST] = "pulses",
                [LEVEL_TRAIN] = "bursts",
                [LEVEL_SERIES] = "trains",
};
