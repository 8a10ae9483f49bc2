/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One stimulator: a device node that is there. Serves org.tmsd1.Stimulator.
 *
 * The daemon keeps a monitor's file on it, through which it looks and can
 * always stop; the controller's file belongs to a session.
 */
#ifndef TMSD_STIMULATOR_H
#define TMSD_STIMULATOR_H

#include "manager.h"
#include "tms.h"

struct stimulator {
        TAILQ_ENTRY(stimulator) link;
        unsigned n_ref;
        struct manager *manager;
        char *node, *path;
        struct tms_info info;
        struct tms_status status;   /* as last looked at */
        struct tms_device *monitor; /* NULL once it is gone */
        sd_event_source *io, *timer;
        sd_bus_slot *slot;
        struct session *session;
        uint64_t seen_seq; /* records before this one have been dealt with */
        int shown_coil_mC; /* temperatures as last signalled */
        int shown_board_mC;
        bool recovering;
        bool gone; /* unplugged: not on the bus any more */
};

/* A node appeared. It is on the bus once what an earlier run left is dealt with. */
int stimulator_add(struct manager *m, const char *node);
/* False once the kernel says that the card behind the file is gone. */
bool stimulator_is_there(struct stimulator *st);
/* The card is gone, as udev or any of its files says; a session on it ends. Again is harmless. */
void stimulator_remove(struct stimulator *st);
struct stimulator *stimulator_find(struct manager *m, const char *node);
struct stimulator *stimulator_by_path(struct manager *m, const char *path); /* "/": the only one */

struct stimulator *stimulator_ref(struct stimulator *st);
struct stimulator *stimulator_unref(struct stimulator *st); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct stimulator *, stimulator_unref)

/* Looks at the card and signals what has changed. */
int stimulator_refresh(struct stimulator *st);
/* At once, waits for nothing. */
void stimulator_halt(struct stimulator *st);
/* While a session reads the records, the monitor need not. */
void stimulator_set_session(struct stimulator *st, struct session *s);
/* Deals with one record that is about the stimulator itself: state and interlocks get into the log. */
void stimulator_see(struct stimulator *st, const struct tms_event *e);

/* The sentences of all that are open, those of a newer driver as well; "" if none is. */
#define INTERLOCK_TEXT_SIZE 4096
void stimulator_interlock_text(uint32_t open, char *buf, size_t size);

extern const sd_bus_vtable stimulator_vtable[];

#endif
