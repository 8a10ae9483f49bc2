// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parser: whatever the bytes, it refuses with a place and a reason or
 * gives a protocol that holds what it promises about itself.
 */
#include "tms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        struct tms_readings v;
        char *text = NULL, buf[1200];

        if (tms_protocol_parse("fuzz", (const char *)data, size, &p, &e) < 0) {
                demand(!p && e.message[0] && strcmp(e.file, "fuzz") == 0);
                tms_error_format(&e, buf, sizeof(buf));
                return 0;
        }

        demand(strlen(tms_protocol_sha256(p)) == 64);
        demand(tms_protocol_pulses(p) >= 1 && tms_protocol_pulses(p) <= TMS_PULSES_MAX);
        demand(tms_protocol_trains(p) >= 1 && tms_protocol_trains(p) <= tms_protocol_pulses(p));
        demand(tms_protocol_first_to_last_ns(p) <= TMS_DURATION_MAX_NS);
        for (size_t i = 0; i < tms_protocol_legs(p); i++)
                demand(tms_protocol_readings(p, i, &v) == 0 && v.pulses >= v.trains);
        for (size_t i = 0; i < tms_protocol_citations(p); i++) {
                struct tms_citation c;

                demand(tms_protocol_citation(p, i, &c) == 0 && c.text[0]);
        }
        demand(tms_protocol_describe(p, &text) == 0 && text[0]);
        free(text);
        tms_protocol_free(p);
        return 0;
}
