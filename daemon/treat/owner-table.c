/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a session's owner is there, as one table; see owner-table.h. */
#include <assert.h>

#include "owner-table.h"

static const unsigned char table[OWNER_STATES][OWNER_EVENTS] = {
                [OWNER_THERE] = {[OWNER_LEAVES] = OWNER_LEFT,
                                 [OWNER_FALLS_SILENT] = OWNER_SILENT,
                                 [OWNER_CALLS] = OWNER_THERE},
                [OWNER_SILENT] = {[OWNER_LEAVES] = OWNER_LEFT,
                                  /* Another program of its user may have resumed the session. */
                                  [OWNER_FALLS_SILENT] = OWNER_SILENT,
                                  [OWNER_CALLS] = OWNER_THERE,
                                  [OWNER_TAKEN] = OWNER_THERE},
                [OWNER_LEFT] = {[OWNER_TAKEN] = OWNER_THERE},
};

static const char *const states[OWNER_STATES] = {
                [OWNER_NOWHERE] = "", [OWNER_THERE] = "there", [OWNER_SILENT] = "silent", [OWNER_LEFT] = "left"};
static const char *const events[OWNER_EVENTS] = {[OWNER_LEAVES] = "leaves",
                                                 [OWNER_FALLS_SILENT] = "falls-silent",
                                                 [OWNER_CALLS] = "calls",
                                                 [OWNER_TAKEN] = "taken"};

enum owner_state owner_next(enum owner_state from, enum owner_event event)
{
        assert(from > OWNER_NOWHERE && from < OWNER_STATES && event < OWNER_EVENTS);
        return table[from][event];
}

const char *owner_state_name(enum owner_state state)
{
        assert(state < OWNER_STATES);
        return states[state];
}

const char *owner_event_name(enum owner_event event)
{
        assert(event < OWNER_EVENTS);
        return events[event];
}
