/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One stimulator: a device node that is there. Serves org.tmsd1.Stimulator.
 *
 * The daemon keeps a monitor's file on it, through which it looks and can
 * always stop; the controller's file belongs to whoever uses it.
 */
#ifndef TMSD_STIMULATOR_H
#define TMSD_STIMULATOR_H

#include "tms.h"
#include "ward.h"

/* Whoever has the stimulator, as the stimulator and its interface know him. */
struct stimulator_user {
        const char *(*get_id)(void *userdata);
        const char *(*get_path)(void *userdata);           /* on the bus; NULL when he is not there */
        struct tms_device *(*get_control)(void *userdata); /* the controller's file; NULL when he has none */
        void (*on_halt)(void *userdata);                   /* a Stop has come: the output, at once */
        void (*on_stop)(void *userdata, json_t *who);      /* and his end; who is taken over, NULL: nobody knows */
        void (*on_gone)(void *userdata);                   /* the card is gone */
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
        const struct stimulator_user *user; /* NULL: nobody has it */
        void *user_data;
        uint64_t seen_seq; /* records before this one have been dealt with */
        int32_t shown_coil_mC; /* temperatures as last signalled */
        int32_t shown_board_mC;
        bool recovering;
        bool gone; /* unplugged: not on the bus any more */
};

/* A node appeared, and monitor is open on it, which is taken over if this succeeds. In the list, not on the bus yet. */
int stimulator_new(struct ward *w, const char *node, struct tms_device *monitor, struct stimulator **ret);
/* On the bus, once what an earlier run has left is dealt with. */
void stimulator_publish(struct stimulator *st);
/* False once the kernel says that the card behind the file is gone. */
bool stimulator_is_there(struct stimulator *st);
/* The card is gone, as udev or the monitor's file says; its user is told. Again is harmless. */
void stimulator_remove(struct stimulator *st);
/* The same, as its user says, who knows it. */
void stimulator_lost(struct stimulator *st);

struct stimulator *stimulator_ref(struct stimulator *st);
struct stimulator *stimulator_unref(struct stimulator *st); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct stimulator *, stimulator_unref)

/* Looks at the card and signals what has changed. */
int stimulator_refresh(struct stimulator *st);
/* At once, waits for nothing. */
void stimulator_halt(struct stimulator *st);
/* From now on it is his, who reads the records himself. */
void stimulator_open(struct stimulator *st, const struct stimulator_user *user, void *userdata);
/* Nobody has it any more; again is harmless. */
void stimulator_release(struct stimulator *st, const void *userdata);
/* Deals with one record that is about the stimulator itself: state and interlocks get into the log. */
void stimulator_see(struct stimulator *st, const struct tms_event *e);

/*
 * So many records the kernel keeps until they are acknowledged, and nobody acknowledges one while he reads. What is read
 * beyond that in one go is nothing that was there when he began: it can wait for the next time.
 */
#define RECORDS_MAX 65536

/* The sentences of all that are open, those of a newer driver as well; "" if none is. */
#define INTERLOCK_TEXT_SIZE 4096
void stimulator_interlock_text(uint32_t open, char *buf, size_t size);

#endif
