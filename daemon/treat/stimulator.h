/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One stimulator: a device node that exists. bus/stimulator-bus.c serves it as org.tmsd1.Stimulator.
 *
 * The daemon has it open as a monitor, which can always look and stop. The controller's file belongs to whoever uses
 * the stimulator.
 */
#ifndef TMSD_STIMULATOR_H
#define TMSD_STIMULATOR_H

#include "gates.h"
#include "tms.h"
#include "ward.h"

/* The user of a stimulator (a session), as far as the stimulator and its D-Bus interface know it. */
struct stimulator_user {
        const char *(*get_id)(void *userdata);
        const char *(*get_path)(void *userdata);           /* its path on the bus; NULL: it is not on the bus */
        struct tms_device *(*get_control)(void *userdata); /* the controller's file; NULL: it has none */
        void (*on_halt)(void *userdata);                   /* a Stop has come: stop the output at once */
        void (*on_stop)(void *userdata, json_t *who); /* then end; who is taken over, NULL: the caller is not known */
        void (*on_gone)(void *userdata);              /* the card is gone */
};

struct stimulator {
        TAILQ_ENTRY(stimulator) link;
        unsigned n_ref;
        struct ward *ward;
        char *node, *path;
        struct tms_info info;
        struct tms_status status;   /* as last looked at */
        struct tms_device *monitor; /* NULL once it is gone */
        sd_event_source *io, *timer;
        sd_bus_slot *slot;
        struct card_gates gates;
        const struct stimulator_user *user; /* NULL: nobody has it */
        void *user_data;
        uint64_t looked_usec;  /* the turn of the loop in which it was looked at last */
        uint64_t seen_seq;     /* records before this one have been dealt with */
        int32_t shown_coil_mC; /* temperatures as last signalled */
        int32_t shown_board_mC;
        int stop_error; /* the kernel's answer to the last Stop that no session took care of */
        bool stopped;   /* there was something to stop when the last Stop came */
        bool recovering;
        bool gone; /* unplugged: not on the bus any more */
};

/*
 * Makes the object of a node that has appeared, and puts it into the list but not on the bus. monitor is open on the
 * node, and is taken over if this succeeds.
 */
int stimulator_new(struct ward *w, const char *node, struct tms_device *monitor, struct stimulator **ret);
/* Puts it on the bus. To be called when the recovery of what an earlier run has left is done. */
void stimulator_publish(struct stimulator *st);
/* False once the kernel says that the card behind the file is gone. */
bool stimulator_is_there(struct stimulator *st);
/*
 * To be called when udev or the monitor's file says that the card is gone. Tells the user. Calling it again is
 * harmless.
 */
void stimulator_remove(struct stimulator *st);
/* The same, called by the user, who is not told. */
void stimulator_lost(struct stimulator *st);

struct stimulator *stimulator_ref(struct stimulator *st);
struct stimulator *stimulator_unref(struct stimulator *st); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct stimulator *, stimulator_unref)

/* Reads the card's status and signals what has changed. -ENODEV: the card is gone. */
int stimulator_refresh(struct stimulator *st);
/* Stops the output at once, and waits for nothing. */
int stimulator_halt(struct stimulator *st);
/* Logs that the card has counted other discharges than the audit log knows of. */
/*
 * The card has shown the odometer found; by the log it should show expected, or up to unknown more, since so many pulses
 * have an unknown outcome. Logs what nobody can explain. False: there is nothing to record. True: *ret is the data of a
 * stimulator.odometer record; NULL: there was no memory, and the log fails by it.
 */
bool stimulator_see_odometer(const struct stimulator *st, uint64_t expected, uint64_t unknown, uint64_t found,
                             json_t **ret);
/* Gives the stimulator to that user, who reads the records from now on. */
void stimulator_open(struct stimulator *st, const struct stimulator_user *user, void *userdata);
/* Takes it from the user that has given userdata. Calling it again is harmless. */
void stimulator_release(struct stimulator *st, const void *userdata);
/*
 * Puts a kernel's record about the stimulator itself (its state, an interlock) into the log; ignores every other
 * record.
 */
void stimulator_see(struct stimulator *st, const struct tms_event *e);

/*
 * The kernel keeps so many records until they are acknowledged, and nobody acknowledges one while records are read. What
 * is read beyond that in one go came after the reading began, and can wait for the next time.
 */
#define RECORDS_MAX 65536

#endif
