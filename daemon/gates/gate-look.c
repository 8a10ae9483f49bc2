/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a look at a gate says. See gates-internal.h. */
#include <stdarg.h>

#include "gates-internal.h"

void gate_fails(struct gate_look *ret, enum error error, const char *remedy, const char *format, ...)
{
        va_list ap;

        ret->state = GATE_OPEN;
        ret->error = error;
        (void)snprintf(ret->remedy, sizeof(ret->remedy), "%s", remedy);
        va_start(ap, format);
        (void)vsnprintf(ret->sentence, sizeof(ret->sentence), format, ap);
        va_end(ap);
}
