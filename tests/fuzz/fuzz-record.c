// SPDX-License-Identifier: GPL-2.0-or-later
/* The scanner of the audit log's records: whatever the bytes, it takes what libjansson takes, with the same values. */
#include "record-check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *differs = record_check((const char *)data, size);

        if (differs) {
                fprintf(stderr, "fuzz-record: differs: %s\n", differs);
                abort();
        }
        return 0;
}
