/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What survives reset and power: the card's odometer, and the pulse count that
 * each coil carries in its own plug. A small text file on the host, which a
 * test may write beforehand:
 *
 *   odometer 00000000000000012345
 *   coil 00000000000000000077 00000000000000000123
 *
 * (coil: serial number, pulses.) Figures are padded, so that a save is one
 * pwrite(2) that never changes the length but when a coil is first seen.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "card.h"

/* Digits only: strtoull would take -1 for a very large number. */
static bool number(const char *text, uint64_t *ret)
{
    return g_ascii_isdigit(text[0]) && !qemu_strtou64(text, NULL, 10, ret);
}

static bool load(TMSNvram *nv, const char *text, Error **errp)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned i;

    for (i = 0; lines[i]; i++) {
        g_auto(GStrv) word = g_strsplit(lines[i], " ", -1);
        unsigned n = g_strv_length(word);
        uint64_t a, b, *pulses;

        if (!lines[i][0]) {
            continue;
        }
        if (n == 2 && g_str_equal(word[0], "odometer") &&
            number(word[1], &a)) {
            nv->odometer = a;
        } else if (n == 3 && g_str_equal(word[0], "coil") &&
                   number(word[1], &a) &&
                   number(word[2], &b)) {
            pulses = tms_nvram_coil(nv, a);
            if (!pulses) {
                error_setg(errp, "%s:%u: expected at most %d coils", nv->path,
                           i + 1, TMS_NVRAM_COILS);
                return false;
            }
            *pulses = b;
        } else {
            error_setg(errp, "%s:%u: '%s': expected 'odometer PULSES' or "
                       "'coil SERIAL PULSES'", nv->path, i + 1, lines[i]);
            return false;
        }
    }
    return true;
}

bool tms_nvram_open(TMSNvram *nv, Error **errp)
{
    g_autofree char *text = NULL;

    nv->fd = -1;
    if (!nv->path) {
        return true;
    }
    nv->fd = qemu_create(nv->path, O_RDWR, 0644, errp);
    if (nv->fd < 0) {
        return false;
    }
    if (!g_file_get_contents(nv->path, &text, NULL, NULL)) {
        error_setg(errp, "cannot read nvram file %s", nv->path);
        return false;
    }
    return load(nv, text, errp);
}

void tms_nvram_close(TMSNvram *nv)
{
    if (nv->fd >= 0) {
        close(nv->fd);
        nv->fd = -1;
    }
}

void tms_nvram_save(TMSNvram *nv)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned i;

    if (nv->fd < 0) {
        return;
    }
    g_string_printf(text, "odometer %020" PRIu64 "\n", nv->odometer);
    for (i = 0; i < nv->coils; i++) {
        g_string_append_printf(text, "coil %020" PRIu64 " %020" PRIu64 "\n",
                               nv->coil[i].serial, nv->coil[i].pulses);
    }
    if (pwrite(nv->fd, text->str, text->len, 0) != text->len ||
        ftruncate(nv->fd, text->len) < 0) {
        error_report("tms-card: cannot write nvram file %s: %s", nv->path,
                     strerror(errno));
        exit(EXIT_FAILURE);
    }
}

/* The count of the coil with this serial number, made when first seen; NULL when full. */
uint64_t *tms_nvram_coil(TMSNvram *nv, uint64_t serial)
{
    unsigned i;

    for (i = 0; i < nv->coils; i++) {
        if (nv->coil[i].serial == serial) {
            return &nv->coil[i].pulses;
        }
    }
    if (nv->coils == TMS_NVRAM_COILS) {
        return NULL;
    }
    nv->coil[nv->coils].serial = serial;
    nv->coil[nv->coils].pulses = 0;
    return &nv->coil[nv->coils++].pulses;
}
