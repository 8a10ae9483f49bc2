/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who the card says it is. A test makes it another card, the same one with
 * another firmware, or with other figures, at any moment; "clear" makes it what
 * it was when the machine was plugged together.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "card.h"

/* What "identity=" knows. The ranges are the model's own needs, not the contract's. */
static const struct {
    const char *name;
    size_t offset;
    uint32_t min;
    uint32_t max;
} word[] = {
    { "contract", offsetof(TMSIdentity, contract), 0, UINT32_MAX },
    { "firmware", offsetof(TMSIdentity, firmware), 0, UINT32_MAX },
    { "flags", offsetof(TMSIdentity, cap_flags), 0, UINT32_MAX },
    { "max_permille", offsetof(TMSIdentity, max_permille), 0, UINT32_MAX },
    { "min_interval_ns", offsetof(TMSIdentity, min_interval_ns), 0, UINT32_MAX },
    { "ampl_tol_permille", offsetof(TMSIdentity, ampl_tol_permille), 0,
      UINT32_MAX },
    { "watchdog_ms", offsetof(TMSIdentity, watchdog_ms), 1,
      TMS_WATCHDOG_MAX_MS },
};

#define SERIAL ARRAY_SIZE(word)         /* the one that is 64 bits wide */

/* NAME,VALUE: arg becomes the index and the value, whose bits are all kept. */
bool tms_identity_parse(const char *value, int64_t arg[3])
{
    g_auto(GStrv) part = g_strsplit(value, ",", 2);
    uint64_t n;
    unsigned i;

    if (!part[0] || !part[1] || !g_ascii_isdigit(part[1][0]) ||
        qemu_strtou64(part[1], NULL, 0, &n)) {
        return false;
    }
    arg[1] = n;
    arg[0] = SERIAL;
    if (g_str_equal(part[0], "serial")) {
        return true;
    }
    for (i = 0; i < ARRAY_SIZE(word); i++) {
        if (g_str_equal(part[0], word[i].name)) {
            arg[0] = i;
            return n >= word[i].min && n <= word[i].max;
        }
    }
    return false;
}

void tms_identity_set(TMSCard *s, const int64_t arg[3])
{
    if (arg[0] == SERIAL) {
        s->id.serial = arg[1];
    } else {
        *(uint32_t *)((char *)&s->id + word[arg[0]].offset) = arg[1];
    }
}

/* Plugged in: what it is now it was made as. */
void tms_identity_keep(TMSCard *s)
{
    s->id.contract = TMS_VERSION_MAJOR << 16 | TMS_VERSION_MINOR;
    s->id.firmware = 1 << 16 | 0 << 8 | 0;
    s->made = s->id;
}

void tms_identity_restore(TMSCard *s)
{
    s->id = s->made;
}
