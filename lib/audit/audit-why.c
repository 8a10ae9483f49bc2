/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a log does not hold, or why nobody can say: one sentence, from whichever of these files found it. */
#include "audit-internal.h"

#include <errno.h>

static int why_set(struct audit_why *why, int err, const char *format, va_list ap)
{
        vsnprintf(why->text, sizeof(why->text), format, ap);
        tms_text_line(why->text);
        return -err;
}

int audit_why(struct audit_why *why, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = why_set(why, EBADMSG, format, ap);
        va_end(ap);
        return r;
}

int audit_unknown(struct audit_why *why, int err, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = why_set(why, err, format, ap);
        va_end(ap);
        return r;
}
