/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of every type as the daemon writes them, and how each is said. */
#ifndef AUDIT_SAMPLES_H
#define AUDIT_SAMPLES_H

#include <stddef.h>

/* Who has asked for it; before the data of a record. */
#define UID "\"who\":{\"uid\":1000,\"sender\":\":1.42\",\"action\":\"org.tmsd1.treat\",\"answer\":\"yes\"},"

struct audit_sample {
        const char *type;
        const char *more; /* what else the record has before its data */
        const char *data;
        const char *says; /* the sentence */
};

extern const struct audit_sample audit_samples[];
extern const size_t audit_samples_n;

#endif
