/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records as everybody else sees them: the audit writer, what the log says
 * of the past, and how much of what anybody may bring about gets into it.
 *
 * For the loop. Nothing here calls back but through the handlers that
 * recorder_open() is given, and those the audit writer calls from the loop.
 */
#ifndef TMSD_RECORDER_H
#define TMSD_RECORDER_H

#include "audit.h"
#include "history.h"

/* What recorder_note_limited() writes at once, and on average. */
#define RECORDER_BURST 50
#define RECORDER_PER_S 2

struct recorder {
        int state_fd; /* the state directory; borrowed */
        char boot[40];
        struct audit *audit; /* NULL until recorder_open() */
        struct history *history;
        audit_failed_fn failed;
        audit_no_room_fn no_room;
        void *userdata;              /* of the two */
        bool clock_was_synchronised; /* seen since the daemon began; the gates' */
        /* See recorder_note_limited(). */
        unsigned left;
        uint64_t earned_ns;
        uint64_t unrecorded;
};

/* max_off_ns: as for history_new(). */
int recorder_new(int state_fd, uint64_t max_off_ns, struct recorder **ret);
/* Opens the log; blocking: before the loop runs. free_min and the handlers: as in struct audit_config. */
int recorder_open(struct recorder *r, sd_event *event, uint64_t free_min, audit_failed_fn failed,
                  audit_no_room_fn no_room, void *userdata);
/* Waits until everything is written; callbacks of what was under way come now. Nothing may be recorded any more. */
void recorder_close(struct recorder *r);
struct recorder *recorder_free(struct recorder *r); /* after recorder_close(); returns NULL, takes NULL */

/* Writes an outcome: no waiting, a failure is the audit writer's to tell. who and data are taken over. */
void recorder_note(struct recorder *r, const char *type, json_t *who, const char *on, json_t *data);
/*
 * The same for what anybody may bring about as often as he likes, so that nobody can fill the disk with it: what
 * comes too fast is counted instead, and the next of these records, of whatever type, says how many there were.
 */
void recorder_note_limited(struct recorder *r, const char *type, json_t *who, const char *on, json_t *data);
/* One more that is only counted. */
void recorder_count(struct recorder *r);

#endif
