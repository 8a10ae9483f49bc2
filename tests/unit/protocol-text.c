// SPDX-License-Identifier: GPL-2.0-or-later
#include "protocol-text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct tms_protocol *protocol_from(const char *reference, const char *percent, const char *body)
{
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        char text[1 << 17], buf[1200];

        snprintf(text, sizeof(text),
                 "format: 1\nid: example\ntitle: t\nindication: i\ntarget: t\ncoil: figure-8\nwaveform: biphasic\n"
                 "status: research\nintensity: {reference: %s, percent: %s}\n%s",
                 reference, percent, body);
        if (tms_protocol_parse("text", text, strlen(text), &p, &e) < 0)
                fail_msg("%s", tms_error_format(&e, buf, sizeof(buf)));
        return p;
}

struct tms_protocol *protocol_shipped(const char *id)
{
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        char path[512], buf[1200];

        snprintf(path, sizeof(path), SOURCE_DIR "/lib/protocols/%s.yaml", id);
        if (tms_protocol_load(path, &p, &e) < 0)
                fail_msg("%s", tms_error_format(&e, buf, sizeof(buf)));
        return p;
}

struct tms_dose dose_for(const struct tms_protocol *p, unsigned threshold_permille)
{
        struct tms_dose d = {.threshold_permille = threshold_permille};

        snprintf(d.threshold_kind, sizeof(d.threshold_kind), "%s", tms_protocol_reference(p));
        snprintf(d.threshold_coil, sizeof(d.threshold_coil), "%s", tms_protocol_coil(p));
        return d;
}

struct tms_timeline compile(const struct tms_protocol *p, const struct tms_dose *dose)
{
        struct tms_timeline t = {};
        struct tms_error e = {};

        if (tms_compile(p, dose, &t, &e) < 0)
                fail_msg("%s", e.message);
        return t;
}
