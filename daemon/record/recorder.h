/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the higher floors see of the records: the audit writer, what the log says of the past, and a limit on the
 * records that anybody may cause.
 *
 * For the loop. It calls back only through the handlers that recorder_open() is given and the done of entries, and only
 * from the loop.
 */
#ifndef TMSD_RECORDER_H
#define TMSD_RECORDER_H

#include "audit.h"
#include "history.h"
#include "index.h"

/* recorder_note_limited() writes up to so many records at once, and so many a second on average. */
#define RECORDER_BURST 50
#define RECORDER_PER_S 2

struct recorder {
        int state_fd; /* the state directory; borrowed */
        uint64_t max_off_ns;
        char boot[40];
        struct audit *audit; /* NULL until recorder_open() */
        struct history *history;
        struct index *index; /* NULL: there is none, since the log has failed or there was no memory */
        audit_failed_fn failed;
        audit_no_room_fn no_room;
        void *userdata;              /* of the two handlers */
        bool clock_was_synchronised; /* it was at some time since the daemon began; the gates set and read it */
        /* What recorder_note_limited() may still write, when that last grew, and how many records were left out. */
        unsigned left;
        uint64_t earned_ns;
        uint64_t unrecorded;
};

/* max_off_ns: as for history_new(). */
int recorder_new(int state_fd, uint64_t max_off_ns, struct recorder **ret);
/* Opens the log. Blocking, so called before the loop runs. free_min and the handlers: as in struct audit_config. */
int recorder_open(struct recorder *r, sd_event *event, uint64_t free_min, audit_failed_fn failed,
                  audit_no_room_fn no_room, void *userdata);
/*
 * Waits until everything is written, and calls the callbacks of all entries that were under way. Nothing may be
 * recorded afterwards.
 */
void recorder_close(struct recorder *r);
struct recorder *recorder_free(struct recorder *r); /* after recorder_close(); returns NULL, takes NULL */

/* Writes an outcome without waiting. A failure is told by the audit writer's handlers. who and data are taken over. */
void recorder_note(struct recorder *r, const char *type, json_t *who, const char *on, json_t *data);
/*
 * The same for what anybody may cause as often as he likes, so that nobody can fill the disk with it. Records beyond
 * the limit are counted instead, and the next record that this function writes, of whatever type, says how many they
 * were. False: it was left out.
 */
bool recorder_note_limited(struct recorder *r, const char *type, json_t *who, const char *on, json_t *data);
/* Counts one more record that is left out. */
void recorder_count(struct recorder *r);

#endif
