/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * e2e-stop: drives Stop while everything around the daemon goes wrong. Runs as root in the virtual machine.
 *
 *  main.c     the matrix: every trouble at every step of a session
 *  scene.c    one scene: sessions to their step, trouble, Stop, what the cards say
 *  trouble.c  begins and ends a trouble
 *  peer.c     a program on the bus of its own: an owner, or the one who stops
 *  crowd.c    150 connections with a call outstanding each; and one that sends without reading
 *  polkit.c   a polkit that answers when it is told to
 *  lab.c      the card model's port: when did the card go to SAFE, in virtual time
 *  trace.c    when the bus wrote a Stop to the daemon's socket
 *
 * Times are CLOCK_MONOTONIC ns where the name says mono_ns, the card model's virtual time otherwise.
 */
#ifndef E2E_STOP_H
#define E2E_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define CARDS 2
#define NS_PER_MS INT64_C(1000000)
#define SERVICE "org.tmsd1"
/* A Stop's serial number on the bus; by it the trace knows the message again. */
#define COOKIE_FIRST 0x5a000000U

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t mono_ns(void);
void sleep_ms(unsigned ms);
/* A shell command; its failure is the end. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- lab.c ----------------------------------------------------------------------------- */

struct card {
        bool safe;
        int64_t safe_ns; /* when it last went to SAFE */
};

void lab_open(void);
/* Virtual time less CLOCK_MONOTONIC, now. */
int64_t lab_offset_ns(void);
struct card lab_card(unsigned card);

/* --- trace.c ---------------------------------------------------------------------------- */

void trace_begin(void);
/* All of it, to that file. */
void trace_end(const char *path);

/* --- peer.c: processes of their own, driven by orders -------------------------------------- */

enum order_kind {
        ORDER_CALL,
        ORDER_PREPARE,
        ORDER_FLOOD,   /* count calls, without reading */
        ORDER_CROWD,   /* calls, one outstanding each, for ever */
        ORDER_QUIET,   /* no new ones */
        ORDER_HOLD,    /* polkit keeps its answers back */
        ORDER_RELEASE, /* and gives them */
};

struct order {
        enum order_kind kind;
        bool unanswered; /* the one who orders does not wait for the outcome */
        char path[128];
        char interface[40], member[24];
        char types[8]; /* of the arguments: "", "b", "u", "oa{sv}" */
        uint32_t number;
        char text[128]; /* the object, the protocol */
        char subject[24];
        uint32_t cookie; /* 0: as they come */
        uint32_t count;
};

struct answer {
        char error[64]; /* empty: none */
        char text[256];
        int64_t call_mono_ns, reply_mono_ns;
};

struct peer {
        pid_t pid;
        int fd;
};

/* A child with that user's rights that runs body with its end of the orders, and is answered once it is ready. */
struct peer peer_start(const char *user, void (*body)(int fd));
void peer_order(struct peer *p, const struct order *o);
void peer_hear(struct peer *p, struct answer *ret);
void peer_signal(struct peer *p, int signal);
/* Kills it, if it is there. */
void peer_end(struct peer *p);

/* For bodies. */
bool order_next(int fd, struct order *ret); /* false: nobody orders any more */
void answer_send(int fd, const struct answer *a);
sd_bus *bus_open(void);
/* The call that an order wants; NULL: no memory. */
sd_bus_message *order_message(sd_bus *bus, const struct order *o);

/* Writes the calls and reads nothing. */
void unread_flood(sd_bus *bus, const struct order *o);

void client_body(int fd);
void crowd_body(int fd);
void unread_body(int fd);
void polkit_body(int fd);

/* --- trouble.c ------------------------------------------------------------------------------ */

struct world {
        FILE *stops; /* a line for each Stop */
        sd_bus *bus;
        bool full;
        uint32_t messages; /* of one that does not read */
        struct peer owner[CARDS], stopper, crowd[2], unread, polkit;
        unsigned n_scenes, n_stops, n_failed;
};

struct trouble {
        const char *name;
        bool flood; /* the bus itself is busy */
        void (*begin)(struct world *w, const char *session);
        /* At once after the owner has asked for the next step; may be NULL. */
        void (*owner)(struct world *w, const char *session);
        void (*end)(struct world *w);
};

extern const struct trouble troubles[];
extern const size_t n_troubles;

/* --- scene.c --------------------------------------------------------------------------------- */

enum step {
        STEP_CREATED,
        STEP_PREPARED,
        STEP_ARMING,
        STEP_ARMED,
        STEP_RUNNING,
        STEP_WAITING,
        STEP_PAUSED,
        STEP_ENDING,
        STEPS,
};

extern const char *const step_names[STEPS];

/*
 * variant: bit 0: which of Stimulator.Stop and Session.Stop goes to which card, bit 1: the order of the
 * cards, bit 2: a Pause comes first.
 */
void scene_run(struct world *w, const struct trouble *t, enum step step, unsigned variant);

#endif
