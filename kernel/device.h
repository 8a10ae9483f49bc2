/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the module: what its files share, and the leaf that all may use (device.c).
 *
 * A folder is what a room may know, and each knows those below it:
 *
 *   card/   the card in the machine: bound, asleep, reset, gone; its sensors and panel
 *   call/   what a caller asks for
 *   irq/    what runs in hard interrupts, or under engine_lock
 *   pure/   arithmetic and the ring, without a card
 *
 * A card is three objects with three lifetimes:
 *
 *   struct tms_store    from its first probe to module unload: records, history.
 *                       Known by the card's serial number.
 *   struct tms_device   from probe until the last file is closed.
 *   the PCI binding     from probe to remove: registers, interrupts, timers run.
 *
 * Locks, in the order in which they nest. Nothing sleeps while it holds one that
 * is taken in hard IRQ.
 *
 * lock                  type            protects                      taken from         order
 * --------------------- --------------- ----------------------------- ------------------ -----
 * cpu_hotplug_lock      the kernel's    which CPUs are online         process            0
 * tms_devices_lock      mutex           the list of devices, stores   process            1
 * file->read_lock       mutex           the file's cursor             process            1
 * tms->rwsem            rw_semaphore    away; registers stay mapped   process            2
 * tms->lock             mutex           owner, limits, timeline, caps process            3
 * tms->engine_lock      raw_spinlock    state, play, shot, set-points, process, softirq, 4
 *                                       lease, anchor, history         hard IRQ
 * ring->lock            raw_spinlock    records, head, acknowledged   process, hard IRQ  5
 *
 * The engine holds engine_lock while it spins for a pulse, so whoever else
 * wants it may wait for TMS_LEAD_MAX_NS plus a pulse's work with interrupts
 * off. The two things that must not wait take no lock at all: the stop word, and
 * SAFE in the card (tms_halt). If the engine has just looked at the one, the card
 * refuses by the other.
 */
#ifndef TMS_DEVICE_H
#define TMS_DEVICE_H

#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/pm_qos.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/tms.h>

#include "compat.h"
#include "numbers.h"
#include "pure/pure.h"
#include "regs.h"

/**
 * struct tms_caps - the card's constants
 * Written at probe, and by tms_back() when the card has come back with others: tms->lock and
 * engine_lock to change, one of them to read.
 */
struct tms_caps {
	u64 serial;
	u32 version;
	u32 firmware;
	u32 flags;
	u32 max_permille;
	u32 min_interval_ns;
	u32 stored_pulses;
	u32 pulse_mJ;
	u32 charge_mW;
	u32 dump_mW;
	u32 reservoir_mJ;
	u32 refill_mW;
	u32 ampl_tol_permille;
	u32 watchdog_ms;
	u32 fifo_depth;
};

/* The coil, as far as limits depend on it. All equal: the same coil. */
struct tms_coil {
	u64 serial;
	u32 type;
	u32 max_permille;
	u32 heat_mJ;
	u32 cool_mW;
};

/* Both are compared as memory: no holes. */
static_assert(sizeof(struct tms_caps) == 64);
static_assert(sizeof(struct tms_coil) == 24);

/* All that a card says of itself, and of its coil. */
struct tms_identity {
	struct tms_caps caps;
	struct tms_coil coil;
	u64 odometer;
};

/**
 * struct tms_timeline - a verified timeline; not changed after LOAD
 * @gen: its number, never 0
 * @params_gen: state of the module's parameters that it was verified under
 * @lateness_ns: a later pulse is not fired
 * @waveform: of its every pulse, TMS_LOAD_*
 * @coil: the coil that it was verified for
 * @env: the limits that it was verified under; max_pulses as of then
 * @count: pulses
 * @pulses: the timeline
 */
struct tms_timeline {
	u32 gen;
	u32 params_gen;
	u64 lateness_ns;
	u32 waveform;
	struct tms_coil coil;
	struct tms_envelope env;
	u32 count;
	struct tms_pulse pulses[];
};

/**
 * struct tms_shot - the trigger that the card has not answered yet
 * @pending: there is one
 * @pulse: index in the timeline
 * @run: of this run
 * @seq: the card's number for it
 * @permille: set
 * @scheduled_ns: due
 * @before_ns: last look at the clock before the trigger was written
 * @after_ns: first one after
 * @raw_before_ns: CLOCK_MONOTONIC_RAW, not after @before_ns
 * @raw_ns: CLOCK_MONOTONIC_RAW, not before @after_ns
 */
struct tms_shot {
	bool pending;
	u32 pulse;
	u32 run;
	u32 seq;
	u32 permille;
	u64 scheduled_ns;
	u64 before_ns;
	u64 after_ns;
	u64 raw_before_ns;
	u64 raw_ns;
};

/**
 * struct tms_setpoints - the card's queue, as the driver has filled it
 * @seq: the number that the next trigger carries
 * @queued: set-points from @seq on that the card has
 * @permille: what they are, by number modulo TMS_STORED_MAX
 */
struct tms_setpoints {
	u32 seq;
	u32 queued;
	u16 permille[TMS_STORED_MAX];
};

/**
 * struct tms_store - what outlives a device: its records and its history
 * @node: in the list of stores; tms_devices_lock
 * @card_serial: whose it is
 * @ring: its records; own lock
 * @since_ns: when their numbers began, CLOCK_BOOTTIME; constant
 * @holder: device that writes to it; tms_devices_lock
 * @lives: how many there have been; tms_devices_lock, READ_ONCE elsewhere
 * @history: what the card has fired; engine_lock of @holder
 * @history_known: false until the card has rested for the longest window; engine_lock of
 *                 @holder to write
 * @coil_serial: of the coil that the last timeline was loaded for; lock of @holder
 * @late_state: a change of state that found no place in @ring; engine_lock of @holder
 * @late: there is one; engine_lock of @holder
 * @odometer: the card's, by its answers; engine_lock of @holder. A card that comes
 *            back with another has fired where nobody here saw it.
 * @counted: @odometer holds a count that the card gave; engine_lock of @holder
 * @unanswered: triggers that were never answered, so that @odometer may be that much behind;
 *              engine_lock of @holder
 * @run: number of the last START; engine_lock of @holder
 * @fired: triggers written since the module was loaded; engine_lock of @holder
 */
struct tms_store {
	struct list_head node;
	u64 card_serial;
	struct tms_ring ring;
	u64 since_ns;
	struct tms_device *holder;
	u32 lives;
	struct tms_history history;
	bool history_known;
	u64 coil_serial;
	struct tms_event late_state;
	bool late;
	u64 odometer;
	bool counted;
	u32 unanswered;
	u32 run;
	u64 fired;
};

/**
 * struct tms_device - one card
 * @dev: class device; frees this struct when the last reference goes
 * @cdev: its node
 * @pdev: valid under rwsem while not dead
 * @mmio: registers, valid likewise; and in handlers and timers, which end before it does
 * @store: records and history; never NULL after probe
 * @life: which of the store's lives this one is; constant after probe
 * @node: in the list of devices; tms_devices_lock
 * @minor: of the node
 * @engine_cpu: where engine and card's interrupts run; tms_devices_lock to change
 * @caps: the card's constants, see there
 * @coil: when last asked; lock
 * @irq_name: of the vectors, as /proc/interrupts has them
 * @rwsem: see the lock table
 * @dead: registers are gone for good, or another card's; never false again
 * @away: the card resets or sleeps, and calls are turned away; rwsem and engine_lock to
 *        change, one of them to read
 * @wait: readers, pollers, arming
 * @wake_work: wakes @wait from hard IRQ
 * @qos_work: drops the latency request when treating ends in hard IRQ
 *
 * @lock: see the lock table
 * @owner: the controller's file, or NULL; lock
 * @owner_from: records before this one are an earlier controller's; lock
 * @limits: the session's; lock
 * @limits_set: by this controller; lock
 * @limits_fired: value of @total at the time of LIMITS; lock
 * @timeline: loaded, or NULL; lock, and engine_lock to change. The engine reads it
 *            in the states in which LOAD is refused.
 * @timeline_count: number of timelines so far; lock
 * @behind: copy of the history that a START is verified behind; lock
 * @qos: latency request for engine_cpu; lock
 * @qos_active: it is in force; lock
 *
 * @engine_lock: see the lock table
 * @state: TMS_STATE_*; engine_lock to write, READ_ONCE for a look
 * @cause: of the last change; engine_lock
 * @epoch: changes of state so far; engine_lock
 * @timeline_gen: of the timeline that may be played, 0: none; engine_lock
 * @stop: the stop word: not 0 forbids the trigger. Set by anybody, without a lock,
 *        just before SAFE is written; cleared under engine_lock when arming begins.
 *        Whoever sets it goes on to take the lock and to change the state.
 * @halting: whoever is between setting the stop word and SAFE; no lock. Arming does
 *           not begin meanwhile: it would clear the word, and then find the card SAFE.
 * @live: interlocks when last looked at; engine_lock
 * @latched: interlocks that opened since CLEAR_FAULT or ARM; engine_lock
 * @rest_ns: when it was armed, or has discharged since, see rest.c; engine_lock
 * @break_ns: when the run came into its BREAK; engine_lock
 * @back_to: in BREAK and in ARMING out of it: RUNNING or PAUSED, which ARM leads to; else
 *           0; engine_lock
 * @lease_end_ns: until when permission lasts; engine_lock
 * @listening: edges of the trigger input count; engine_lock
 * @kick_value: last value written to the card's watchdog; engine_lock
 * @physics: what history is reckoned with, as of the last LOAD; engine_lock
 * @play: position in the timeline; engine_lock
 * @shot: the unanswered trigger; engine_lock
 * @setpoints: the card's queue; engine_lock
 * @anchor: the two clocks; engine_lock
 * @undrained: the card has more answers than are taken in one go; engine_lock
 * @drains_left: how often more are taken; engine_lock
 * @probe_due_ns: next timer probe while arming; engine_lock
 * @probes: done in this arming; engine_lock
 * @probe_max_ns: worst error of them; engine_lock
 * @latency: of the last run; engine_lock
 * @engine_timer: pulses and probes, hard, pinned to engine_cpu
 * @quiet_timer: before each of them, to keep tasks from engine_cpu, hard, pinned likewise
 * @quiet_tasklet: does so, quiet.c
 * @quiet_set: there will be a quiet before the next one; engine_lock
 * @kick_timer: card's watchdog, lost interrupts, the rest; hard, pinned likewise
 * @lease_timer: hard
 *
 * @pm_nb: refuses system sleep while treating
 * @panel: the panel's input device, panel.c
 * @panel_work: reads the panel in process context, panel.c
 */
struct tms_device {
	struct device dev;
	struct cdev cdev;
	struct pci_dev *pdev;
	void __iomem *mmio;
	struct tms_store *store;
	u32 life;
	struct list_head node;
	int minor;
	int engine_cpu;
	struct tms_caps caps;
	struct tms_coil coil;
	char irq_name[TMS_VECTOR_COUNT][16];

	struct rw_semaphore rwsem;
	bool dead;
	bool away;
	wait_queue_head_t wait;
	struct irq_work wake_work;
	struct work_struct qos_work;

	struct mutex lock; /* see the lock table */
	struct tms_file *owner;
	u64 owner_from;
	struct tms_limits limits;
	bool limits_set;
	u64 limits_fired;
	struct tms_timeline *timeline;
	u32 timeline_count;
	struct tms_history behind;
	struct dev_pm_qos_request qos;
	bool qos_active;

	raw_spinlock_t engine_lock; /* see the lock table */
	u32 state;
	u32 cause;
	u64 epoch;
	u32 timeline_gen;
	u32 stop;
	atomic_t halting;
	u32 live;
	u32 latched;
	u64 rest_ns;
	u64 break_ns;
	u32 back_to;
	u64 lease_end_ns;
	bool listening;
	u32 kick_value;
	struct tms_envelope physics;
	struct tms_play play;
	struct tms_shot shot;
	struct tms_setpoints setpoints;
	struct tms_anchor anchor;
	bool undrained;
	u32 drains_left;
	u64 probe_due_ns;
	u32 probes;
	u32 probe_max_ns;
	struct tms_latency latency;
	struct hrtimer engine_timer;
	struct hrtimer quiet_timer;
	struct tasklet_struct quiet_tasklet;
	bool quiet_set;
	struct hrtimer kick_timer;
	struct hrtimer lease_timer;

	struct notifier_block pm_nb;
	struct input_dev *panel;
	struct work_struct panel_work;
};

/**
 * struct tms_file - one open file
 * @tms: holds a reference to tms->dev
 * @controller: opened for writing: the one that may command
 * @read_lock: see the lock table
 * @cursor: next record to read; read_lock
 */
struct tms_file {
	struct tms_device *tms;
	bool controller;
	struct mutex read_lock; /* see the lock table */
	u64 cursor;
};

static inline u64 tms_now(void)
{
	return ktime_get_ns();
}

/* What no NTP slews: for intervals that are compared with the card's. */
static inline u64 tms_raw(void)
{
	return ktime_get_raw_ns();
}

/* Both, in the order that a moment promises. */
static inline struct tms_moment tms_moment(void)
{
	struct tms_moment m = { .raw_ns = tms_raw() };

	m.mono_ns = tms_now();
	return m;
}

static inline bool tms_in_range(u32 value, u32 low, u32 high)
{
	return value >= low && value <= high;
}

static inline bool tms_energised(u32 state)
{
	return state == TMS_STATE_ARMING || state == TMS_STATE_ARMED ||
	       state == TMS_STATE_RUNNING || state == TMS_STATE_PAUSED;
}

/* Energised, or about to be again: a run in BREAK is under way, though its card is SAFE. */
static inline bool tms_treating(u32 state)
{
	return tms_energised(state) || state == TMS_STATE_BREAK;
}

/* --- safe: any context, no lock ------------------------------------------ */

/* SAFE: no charge, no trigger possible. Needs no lock and never fails. */
static inline void tms_card_safe(struct tms_device *tms)
{
	writel(TMS_CONTROL_SAFE, tms->mmio + TMS_REG_CONTROL);
}

/*
 * The stop word, then SAFE; whoever needs a state then takes the lock. The engine
 * reads the other way round, the card first: what it finds SAFE without a stop
 * word and without a latch, the card has done by itself.
 */
static inline void tms_halt(struct tms_device *tms)
{
	atomic_inc(&tms->halting);
	/* Pairs with the one in arm_energise(): one of the two sees the other. */
	smp_mb__after_atomic();
	WRITE_ONCE(tms->stop, 1);
	tms_card_safe(tms);
	/* SAFE is on its way to the card before arming may begin, and write CHARGE. */
	smp_mb__before_atomic();
	atomic_dec(&tms->halting);
}

/*
 * The same for whoever goes on to say that it is safe: what is written is posted, and a read
 * behind it comes back when the card has both. Process context.
 */
static inline void tms_halt_now(struct tms_device *tms)
{
	tms_halt(tms);
	readl(tms->mmio + TMS_REG_STATUS);
}

/* --- device.c: process --------------------------------------------------- */

int tms_device_enter(struct tms_device *tms);
void tms_device_leave(struct tms_device *tms);
void tms_device_lose(struct tms_device *tms);

#endif
