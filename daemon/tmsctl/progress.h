/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a session is, for the person beside the patient: on a terminal one
 * line that is drawn again in place, elsewhere a line now and then.
 */
#ifndef TMSCTL_PROGRESS_H
#define TMSCTL_PROGRESS_H

#include "tmsctl.h"

struct progress {
        bool terminal;
        bool asks;        /* Enter lets a pulse go that waits for the operator */
        bool drawn;       /* a line stands there without its end */
        uint64_t said_ns; /* when the last line was printed, elsewhere than on a terminal */
        char said_state[48];
};

void progress_init(struct progress *p);
/* properties: the session's, as bus_read_json() gives them. since_ns: how old its time left is. */
void progress_show(struct progress *p, const json_t *properties, uint64_t since_ns);
/* Before anything else is printed. */
void progress_end(struct progress *p);

#endif
