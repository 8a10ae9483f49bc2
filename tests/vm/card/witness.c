/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The witness: what really left the coil, told by the world outside the card.
 *
 * One line for each discharge and each refused trigger, in one write(2), so
 * that the file is whole however QEMU ends. It is begun anew by each QEMU.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "card.h"

static void put(TMSWitness *w, const char *line, size_t n)
{
    if (qemu_write_full(w->fd, line, n) != n) {
        /* A witness with gaps would prove what did not happen. */
        error_report("tms-card: cannot write witness file %s: %s", w->path,
                     strerror(errno));
        exit(EXIT_FAILURE);
    }
}

bool tms_witness_open(TMSWitness *w, Error **errp)
{
    static const char header[] = "t_ns\tkind\tamplitude_permille\tseq\tdetail\n";

    w->fd = -1;
    if (!w->path) {
        return true;
    }
    w->fd = qemu_create(w->path, O_WRONLY | O_TRUNC | O_APPEND, 0644, errp);
    if (w->fd < 0) {
        return false;
    }
    put(w, header, sizeof(header) - 1);
    return true;
}

void tms_witness_close(TMSWitness *w)
{
    if (w->fd >= 0) {
        close(w->fd);
        w->fd = -1;
    }
}

void tms_witness_write(TMSWitness *w, int64_t t_ns, const char *kind,
                       uint32_t permille, uint32_t seq, const char *detail)
{
    char line[160];
    int n;

    if (w->fd < 0) {
        return;
    }
    n = snprintf(line, sizeof(line), "%" PRId64 "\t%s\t%" PRIu32 "\t%" PRIu32
                 "\t%s\n", t_ns, kind, permille, seq, detail);
    assert(n > 0 && n < sizeof(line));
    put(w, line, n);
}
