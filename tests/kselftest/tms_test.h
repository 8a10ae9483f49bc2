/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module's tests have in common: a controller whose lease is kept, the
 * card model's lab port, and the list of windows in which pulses are expected,
 * which the host compares with the witness afterwards.
 *
 * Include after kselftest_harness.h. Functions return 0 or a negative errno.
 */
#ifndef TMS_TEST_H
#define TMS_TEST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/tms.h>

#define MS 1000000ULL
#define S 1000000000ULL
#define BURST TMS_PULSE_END_OF_BURST
#define TRAIN (TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN)
#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
/* What this version allows; INFO says it. */
#define PULSES_MAX 4000000
#define DURATION_MAX_NS (86400 * S)
#define STATES (TMS_STATE_BREAK + 1)
/* A member of every struct tms_load. */
#define PULSE_SIZE .pulse_size = sizeof(struct tms_pulse)

/* In seconds of the machine's own time, which may run much faster than ours. */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600
#endif

/* --- the card model, from outside the card ---------------------------------- */

struct lab_state {
        uint64_t t_ns;   /* the witness's clock */
        uint64_t pulses; /* discharges since power-on, whoever caused them */
        uint64_t odometer;
        char state[16]; /* SAFE, CHARGE, ARM, REMOVED */
        unsigned int latch;
        unsigned int open;
};

/* Commands, several with ";" between them. -EINVAL, and why on stderr, when the model refuses. */
int lab(const char *format, ...) __attribute__((format(printf, 1, 2)));
int lab_query(struct lab_state *ret);
int lab_state_parse(const char *reply, struct lab_state *ret); /* of "query" */
int lab_query_card(unsigned int card, struct lab_state *ret);
/* How often the first card's register of that name was read since the machine began, or a negative errno. */
int64_t lab_reads(const char *reg);
/* The world as it was in the morning: nothing pressed, nothing open, nothing scheduled. */
int lab_reset(void);

/* --- pulses that are expected ------------------------------------------------- */

#define REFUSED_ANY -1

/*
 * Between window_open() and window_close() the coil discharges @pulses times and
 * the card refuses @refused triggers. Outside of all windows it does neither.
 */
struct window {
        const char *name;
        const char *detail;    /* what the witness must say of each pulse; NULL: anything */
        unsigned int permille; /* and how strong each is; 0: any */
        unsigned int card;
        uint64_t from_ns;
        uint64_t pulses;
};

int window_open(struct window *w, const char *name);
int window_open_card(struct window *w, const char *name, unsigned int card);
int window_close(struct window *w, unsigned int pulses, int refused);
/* Discharges since the window was opened. */
int window_pulses(const struct window *w);

/* --- calls ---------------------------------------------------------------------- */

/*
 * The second only does biphasic pulses, and its clock is 80 ppm fast. A machine with exact time has a third
 * one, whose clock is 80 ppm slow.
 */
#define CARDS 2
#define FIRST_SERIAL 1001

/* The first card's folder in sysfs; its number is another one while files of an earlier life are open. */
int node_class(char *ret, size_t size);
int node_path(char *ret, size_t size);
int node_open(int flags);
/* Any card's. */
int node_open_card(unsigned int card, int flags);
/* The first card's address, as the driver's folder in sysfs has it: "0000:01:00.0". */
int card_address(char *ret, size_t size);
/* Any card's. */
int address_of(unsigned int card, char *ret, size_t size);
int engine_cpu(unsigned int card);
int write_file(const char *path, const char *text);
/* Its first line, without the newline. */
int read_text(char *ret, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define TRACING "/sys/kernel/tracing"
int mount_tracing(void);
int clear_trace(void);
/* A module parameter, by name. */
int set_parameter(const char *name, unsigned int value);
/* Its value, or a negative errno. */
int64_t parameter(const char *name);
/* Unbinds the first card and binds it again. */
int rebind(void);
/* Waits until there is a node, or none. */
int wait_node(bool there);
int call(int fd, unsigned long cmd, const void *arg);
int call_disarm(int fd);
int call_clear_fault(int fd);
struct tms_status status_of(int fd);
struct tms_info info_of(int fd);
/* How late a trigger may be: 1 us, more on a kernel that checks its every step (TMS_TEST_SLOW). */
bool slow(void);
uint64_t error_bound_ns(void);
uint64_t now_ns(void);
void sleep_ns(uint64_t ns);

/* These wait up to five minutes, of the machine's own time; -ETIMEDOUT. */
int wait_state(int fd, uint32_t state);
int wait_fired(int fd, uint32_t fired);

/* A PC's firmware lets card and port report errors (SERR); the test machine's leaves that out. */
int report_errors(void);
/* Suspend to idle ("freeze") or to disk ("disk") and up again, but for the last step, which nobody would wake from. */
int nap(const char *how);

struct tms_limits wide_limits(void);
void flat(struct tms_pulse *pulses, uint32_t count, uint64_t interval_ns, uint16_t permille, uint32_t per_train);

/* A variant for each state into which a fixture brings a card. Only state.c reaches the break, and adds its variant itself. */
#define VARIANTS_OF_STATES(fixture)                                        \
        FIXTURE_VARIANT_ADD(fixture, idle){.state = TMS_STATE_IDLE};       \
        FIXTURE_VARIANT_ADD(fixture, loaded){.state = TMS_STATE_LOADED};   \
        FIXTURE_VARIANT_ADD(fixture, arming){.state = TMS_STATE_ARMING};   \
        FIXTURE_VARIANT_ADD(fixture, armed){.state = TMS_STATE_ARMED};     \
        FIXTURE_VARIANT_ADD(fixture, running){.state = TMS_STATE_RUNNING}; \
        FIXTURE_VARIANT_ADD(fixture, paused){.state = TMS_STATE_PAUSED};   \
        FIXTURE_VARIANT_ADD(fixture, fault){.state = TMS_STATE_FAULT};

/* --- a controller ------------------------------------------------------------------ */

/* A thread reads the records, acknowledges them and keeps the lease, until told to stop. */
struct controller {
        int fd;
        uint32_t waveform;    /* TMS_LOAD_*, of what is loaded next */
        uint32_t lateness_ns; /* likewise; 0 for the default */
        uint32_t gen;
        uint64_t start_ns;
        uint32_t run;
        uint64_t from_seq; /* records before this one are an earlier test's */
        pthread_t thread;
        bool keeping; /* lock */
        bool running;
        pthread_mutex_t lock;
        struct tms_event *events; /* all that were read; lock */
        size_t count;
        size_t room;
        int error; /* of the last KEEPALIVE; lock */
        int armed; /* of controller_arm_thread() */
};

/* Opens the node, keeps the lease, clears a fault that an earlier test has left. */
int controller_open(struct controller *c);
int controller_open_card(struct controller *c, unsigned int card);
void controller_close(struct controller *c);
/* Without the thread's exit, which a hung controller would not have. */
void controller_hang(struct controller *c);
void controller_keep(struct controller *c);

int controller_load(struct controller *c, const struct tms_pulse *pulses, uint32_t count);
int controller_arm(struct controller *c);
/* A thread's body: arms the controller that it is given, and leaves what it was told in armed. */
void *controller_arm_thread(void *controller);
/* What each call takes, but for the state. */
union controller_arg {
        uint8_t bytes[1024];
        struct tms_why why;
        struct tms_limits limits;
        struct tms_load load;
        struct tms_arm arm;
        struct tms_start start;
        struct tms_go go;
        struct tms_pause pause;
        struct tms_resume resume;
        struct tms_disarm disarm;
        struct tms_clear_fault clear_fault;
        struct tms_keepalive keepalive;
};
/* Makes it one that cmd accepts of this controller, for loading with these pulses; all else is zero. */
void controller_arg(const struct controller *c, unsigned long cmd, const struct tms_pulse *pulses, uint32_t count,
                    union controller_arg *ret);
/* At once, and told why not. */
int controller_try_start(struct controller *c, struct tms_start *start);
int controller_start(struct controller *c);
int controller_go(struct controller *c, uint32_t pulse, uint32_t permille);
int controller_pause(struct controller *c, uint32_t flags);
/* Load, arm, start. */
int controller_run(struct controller *c, const struct tms_pulse *pulses, uint32_t count);

/*
 * Copies of the records of one kind, in order, at most @max; the number that there are.
 * Waits a moment for records that are still on their way.
 */
size_t controller_events(struct controller *c, uint32_t type, struct tms_event *into, size_t max);
/* The last change of state. */
struct tms_event controller_last_state(struct controller *c);
/* Every record up to now is read. */
void controller_catch_up(struct controller *c);

#endif
