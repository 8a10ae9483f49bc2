/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab port: two I/O ports through which a test inside the guest reaches
 * the schedule, so that it can set a fault at an exact instant of its own run.
 * No part of the card; a real one has nothing like it.
 *
 *   base + 0   write: a byte of a command line, ended by a newline
 *   base + 1   read:  the next byte of the answer, 0 when there is no more
 *
 * The first card brings the port. "card=K " before a command picks the K-th
 * card of the machine, counted from 0 in order of plugging.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "exec/address-spaces.h"
#include "card.h"

#define LINE_MAX_BYTES 512

static struct {
    QTAILQ_HEAD(, TMSCard) cards;
    MemoryRegion io;
    TMSCard *host;                  /* the card that the port came with */
    GString *line;
    GString *answer;
    size_t read;
} lab = { .cards = QTAILQ_HEAD_INITIALIZER(lab.cards) };

static TMSCard *nth_card(int64_t n)
{
    TMSCard *s;

    QTAILQ_FOREACH(s, &lab.cards, next) {
        if (n-- == 0) {
            return s;
        }
    }
    return NULL;
}

static char *run(const char *line)
{
    TMSCard *s = lab.host;
    const char *rest = line;
    int64_t n;

    if (g_str_has_prefix(line, "card=")) {
        if (qemu_strtoi64(line + 5, &rest, 10, &n) || n < 0 || *rest != ' ') {
            return g_strdup("error: card: expected card=NUMBER, a blank and a "
                            "command");
        }
        s = nth_card(n);
        if (!s) {
            return g_strdup_printf("error: card=%" PRId64 ": no such card", n);
        }
    }
    return tms_fault_commands(s, rest);
}

static void lab_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    g_autofree char *answer = NULL;

    if (addr != 0) {
        return;
    }
    if (value != '\n') {
        if (lab.line->len <= LINE_MAX_BYTES) {
            g_string_append_c(lab.line, value ?: ' ');
        }
        return;
    }
    answer = lab.line->len > LINE_MAX_BYTES
        ? g_strdup_printf("error: line: expected at most %d bytes",
                          LINE_MAX_BYTES)
        : run(lab.line->str);
    g_string_assign(lab.answer, answer);
    g_string_truncate(lab.line, 0);
    lab.read = 0;
}

static uint64_t lab_read(void *opaque, hwaddr addr, unsigned size)
{
    if (addr != 1 || lab.read >= lab.answer->len) {
        return 0;
    }
    return (uint8_t)lab.answer->str[lab.read++];
}

static const MemoryRegionOps lab_ops = {
    .read = lab_read,
    .write = lab_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 1 },
    .impl = { .min_access_size = 1, .max_access_size = 1 },
};

void tms_lab_add(TMSCard *s)
{
    QTAILQ_INSERT_TAIL(&lab.cards, s, next);
    if (lab.host || !s->lab_port) {
        return;
    }
    lab.host = s;
    lab.line = g_string_new(NULL);
    lab.answer = g_string_new(NULL);
    /* Nobody's: an old view of it may be let go when its card is long gone. */
    if (!lab.io.ops) {
        memory_region_init_io(&lab.io, NULL, &lab_ops, NULL, "tms-lab", 2);
    }
    memory_region_add_subregion(get_system_io(), s->lab_port, &lab.io);
}

void tms_lab_remove(TMSCard *s)
{
    QTAILQ_REMOVE(&lab.cards, s, next);
    if (lab.host == s) {
        memory_region_del_subregion(get_system_io(), &lab.io);
        g_string_free(lab.line, true);
        g_string_free(lab.answer, true);
        lab.host = NULL;
    }
}
