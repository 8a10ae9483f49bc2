// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parser: whatever the bytes, it refuses with a place and a reason or
 * gives a protocol that holds what it promises about itself.
 */
#include "kernel/pure/timeline.h"
#include "tms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
        if (!condition)
                abort();
}

/* Shown as it is, in one line. */
static void demand_line(const char *text)
{
        char *copy = strdup(text);

        demand(copy && strcmp(tms_text_line(copy), text) == 0);
        free(copy);
}

/* Each line that an editor shows is what it shows. */
static void demand_lines(const char *text)
{
        char *copy = strdup(text), *rest = copy, *line;

        demand(copy);
        while ((line = strsep(&rest, "\n"))) {
                const size_t n = strlen(line);

                if (rest && n && line[n - 1] == '\r')
                        line[n - 1] = 0;
                demand_line(line);
        }
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        struct tms_readings v;
        char *text = NULL, buf[1200];

        if (tms_protocol_parse("fuzz", (const char *)data, size, &p, &e) < 0) {
                demand(!p && e.message[0] && strcmp(e.file, "fuzz") == 0);
                demand_line(tms_error_format(&e, buf, sizeof(buf)));
                return 0;
        }

        demand(strlen(tms_protocol_sha256(p)) == 64);
        demand(strlen(tms_protocol_text(p, NULL)) == size);
        demand_lines(tms_protocol_text(p, NULL));
        demand_line(tms_protocol_title(p));
        demand_line(tms_protocol_indication(p));
        demand_line(tms_protocol_target(p));
        demand_lines(tms_protocol_notes(p));
        demand(tms_protocol_pulses(p) >= 1 && tms_protocol_pulses(p) <= TMS_PULSES_MAX);
        demand(tms_protocol_trains(p) >= 1 && tms_protocol_trains(p) <= tms_protocol_pulses(p));
        demand(tms_protocol_first_to_last_ns(p) <= TMS_DURATION_MAX_NS);
        for (size_t i = 0; i < tms_protocol_legs(p); i++)
                demand(tms_protocol_readings(p, i, &v) == 0 && v.pulses >= v.trains);
        for (size_t i = 0; i < tms_protocol_citations(p); i++) {
                struct tms_citation c;

                demand(tms_protocol_citation(p, i, &c) == 0 && c.text[0]);
                demand_lines(c.text);
                demand_lines(c.supports);
        }
        demand(tms_protocol_describe(p, &text) == 0 && text[0]);
        demand_lines(text);
        free(text);
        tms_protocol_free(p);
        return 0;
}
