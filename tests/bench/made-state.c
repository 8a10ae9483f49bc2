// SPDX-License-Identifier: GPL-2.0-or-later
/* The state of a made log's checkpoints, by the daemon's own history; see made-state.h. */
#include "made-state.h"

#include "history.h"
#include "jsonline.h"
#include "made-log.h"

/* As a daemon has it whose configuration says nothing of it. */
#define MAX_OFF_NS (31 * DAY_NS)

static struct history *history;

static void begin(void)
{
        history_free(history);
        made_must(history_new(MAX_OFF_NS, &history) >= 0, "history");
}

static void see(const char *line, size_t size)
{
        json_t *record = json_loadb(line, size, 0, NULL);

        made_must(record, "record");
        history_see(record, history);
        json_decref(record);
}

static char *state(void)
{
        json_t *o = history_state(history);
        char *text;

        made_must(o && json_line(o, &text) >= 0, "state");
        json_decref(o);
        return text;
}

const struct made_watcher made_state = {begin, see, state};
