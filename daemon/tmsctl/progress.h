/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows the person beside the patient how far a session is: on a terminal in
 * one line that is drawn again and again, elsewhere in a new line every few
 * seconds.
 */
#ifndef TMSCTL_PROGRESS_H
#define TMSCTL_PROGRESS_H

#include "tmsctl.h"

struct progress {
        bool terminal;
        bool asks;        /* a pulse waits for the operator, who fires it with Enter */
        bool drawn;       /* the line is on the screen, without a line feed yet */
        uint64_t said_ns; /* when the last line was printed; not for a terminal */
        char said_state[48];
};

void progress_init(struct progress *p);
/* properties: those of the session, from bus_read_json(). since_ns: for how long its time left is known. */
void progress_show(struct progress *p, const json_t *properties, uint64_t since_ns);
/* Draws what is on the screen anew, for the last time: how the session has ended. */
void progress_finish(struct progress *p, const json_t *properties);
/* Ends the line; to be called before anything else is printed. */
void progress_end(struct progress *p);

#endif
