/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reasons for which the daemon itself ends a session; the kernel's causes are in the library. Each has a name for
 * programs, which never changes, and a text for people, which says what to do next.
 */
#ifndef TMSD_ENDINGS_H
#define TMSD_ENDINGS_H

enum ending {
        ENDING_STOPPED,
        ENDING_CLOSED,
        ENDING_OWNER_LEFT,
        ENDING_OWNER_UNSEEN,
        ENDING_OWNER_FROZEN,
        ENDING_OWNER_REFUSED,
        ENDING_OWNER_NOT_ASKED,
        ENDING_ABANDONED,
        ENDING_GONE,
        ENDING_SHUTDOWN,
        ENDING_SWITCHED_OFF,
        ENDING_ANEW,
        ENDING_BUS_LOST,
        ENDING_NO_NAME,
        ENDING_NOT_PUBLISHED,
        ENDING_SEIZURE,
        ENDING_STALLED,
        ENDING_NO_MEMORY,
        ENDINGS,
};

extern const struct ending_words {
        const char *reason, *text;
} endings[ENDINGS];

#endif
