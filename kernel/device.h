/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all files of the module share: the structs, the locks, SAFE, and device.c.
 *
 * A folder of the module may use the folders below it, and none above:
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
 *   the PCI binding     from probe to remove: registers, interrupts and timers.
 *
 * Locks, in the order in which they nest. Nothing sleeps while it holds a lock that
 * is taken in hard IRQ, too. In the comments "lock" of a field means tms->lock.
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
 * The engine holds engine_lock while it spins for a pulse. So whoever else wants
 * engine_lock may wait, with interrupts off, for TMS_LEAD_MAX_NS plus a pulse's work.
 * A stop must not wait: tms_halt() sets the stop word and writes SAFE without a lock.
 * If the engine has read the stop word just before, the card refuses the trigger.
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
 * Written at probe, and by tms_back() when the card has come back with other constants. To
 * change them takes tms->lock and engine_lock, to read them one of the two.
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

/* The coil, as far as limits depend on it. Two equal structs mean the same coil. */
struct tms_coil {
	u64 serial;
	u32 type;
	u32 max_permille;
	u32 heat_mJ;
	u32 cool_mW;
};

/* tms_caps and tms_coil are compared by memcmp(): there must be no holes in them. */
static_assert(sizeof(struct tms_caps) == 64);
static_assert(sizeof(struct tms_coil) == 24);

/* All that a card says of itself and of its coil. */
struct tms_identity {
	struct tms_caps caps;
	struct tms_coil coil;
	u64 odometer;
};

/**
 * struct tms_timeline - a verified timeline; nothing changes it after LOAD
 * @gen: its number, never 0
 * @params_gen: tms_params_gen() when it was verified
 * @lateness_ns: a pulse that is later than this is not fired
 * @waveform: of each of its pulses, TMS_LOAD_*
 * @digest: SHA-256 of @pulses
 * @first_pulse: number of its first pulse in the whole that it is the rest of, or 0
 * @first_train: likewise of its first train
 * @coil: the coil that it was verified for
 * @env: the limits that it was verified under; max_pulses is what LOAD found left
 * @count: pulses
 * @pulses: the timeline
 */
struct tms_timeline {
	u32 gen;
	u32 params_gen;
	u64 lateness_ns;
	u32 waveform;
	u8 digest[TMS_DIGEST_SIZE];
	u32 first_pulse;
	u32 first_train;
	struct tms_coil coil;
	struct tms_envelope env;
	u32 count;
	struct tms_pulse pulses[];
};

/**
 * struct tms_shot - the trigger that the card has not answered yet
 * @pending: there is such a trigger
 * @run: number of its run
 * @told: what its record says, and what the record of its answer repeats
 * @before_ns: last reading of CLOCK_MONOTONIC before the trigger was written
 * @after_ns: first reading of it after that
 * @raw_before_ns: CLOCK_MONOTONIC_RAW, not later than @before_ns
 * @raw_ns: CLOCK_MONOTONIC_RAW, not earlier than @after_ns
 */
struct tms_shot {
	bool pending;
	u32 run;
	struct tms_event_pulse told;
	u64 before_ns;
	u64 after_ns;
	u64 raw_before_ns;
	u64 raw_ns;
};

/**
 * struct tms_setpoints - the card's queue of set-points, as the driver has filled it
 * @seq: the sequence number that the next trigger carries
 * @queued: how many set-points the card has, from number @seq on
 * @permille: the set-point of number n, at n modulo TMS_STORED_MAX
 */
struct tms_setpoints {
	u32 seq;
	u32 queued;
	u16 permille[TMS_STORED_MAX];
};

/**
 * struct tms_store - what outlives a device: its records and its history
 * @node: in the list of stores; tms_devices_lock
 * @card_serial: the serial number of its card; constant
 * @ring: its records; ring->lock
 * @since_ns: when the numbers of the records began, CLOCK_BOOTTIME; constant
 * @timeline_count: number of timelines so far; the device's lock
 * @holder: device that writes to it; tms_devices_lock
 * @lives: how many devices have held it so far; tms_devices_lock, READ_ONCE elsewhere
 * @history: what the card has fired; engine_lock of @holder
 * @history_known: false while @history may lack pulses; START waits for that, see
 *                 run_history_known(); engine_lock of @holder to write
 * @coil_serial: of the coil that the last timeline was loaded for; lock of @holder
 * @late_state: a change of state that found no place in @ring; engine_lock of @holder
 * @late: @late_state waits for a place; engine_lock of @holder to write, READ_ONCE elsewhere
 * @odometer: what the card's odometer should say; engine_lock of @holder. If the card says
 *            otherwise, it has fired pulses that this module has not seen.
 * @counted: @odometer comes from the card; false before the first probe is done;
 *           engine_lock of @holder
 * @unanswered: triggers that were never answered: the card's odometer may be ahead of
 *              @odometer by as many; engine_lock of @holder
 * @run: number of the last START; engine_lock of @holder
 * @fired: pulses fired since the module was loaded; engine_lock of @holder to write,
 *         READ_ONCE elsewhere
 */
struct tms_store {
	struct list_head node;
	u64 card_serial;
	struct tms_ring ring;
	u64 since_ns;
	u32 timeline_count;
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
 * @dev: class device; frees this struct with its last reference
 * @cdev: its node
 * @pdev: valid under rwsem while not dead
 * @mmio: registers, valid likewise; and in interrupts and timers, which end before the unmapping
 * @store: records and history; never NULL after probe
 * @life: value of the store's @lives at probe; constant after that
 * @node: in the list of devices; tms_devices_lock
 * @minor: of the node
 * @engine_cpu: where the engine and the card's interrupts run; tms_devices_lock to change
 * @caps: the card's constants; locks: see struct tms_caps
 * @coil: the coil, when the card was last asked; lock
 * @irq_name: of the vectors, as /proc/interrupts has them
 * @rwsem: see the lock table
 * @dead: the registers are gone for good, or belong to another card; never false again
 * @away: the card resets or sleeps, and calls fail with -EBUSY; rwsem and engine_lock to
 *        change, one of the two to read
 * @wait: readers, pollers, arming
 * @wake_work: wakes @wait from hard IRQ
 * @qos_work: drops the latency request after a treatment has ended in hard IRQ
 *
 * @lock: see the lock table
 * @owner: the controller's file, or NULL; lock
 * @owner_from: records before this number are an earlier controller's; lock
 * @limits: what @owner has set with LIMITS, if @limits_set; lock
 * @limits_set: @owner has set limits; false again when it closes its file; lock
 * @limits_fired: value of the store's @fired at the time of LIMITS; lock
 * @timeline: loaded, or NULL; lock, and engine_lock to change. The engine reads it under
 *            engine_lock alone, in the states in which LOAD is refused.
 * @behind: copy of the history that a START is verified behind; lock
 * @qos: latency request for engine_cpu; lock
 * @qos_active: @qos is in force; lock
 *
 * @engine_lock: see the lock table
 * @state: TMS_STATE_*; engine_lock to write, READ_ONCE elsewhere
 * @cause: TMS_CAUSE_* of the last change of @state; engine_lock
 * @epoch: changes of @state so far; engine_lock
 * @timeline_gen: of the timeline that may be played, 0: none; engine_lock
 * @stop: the stop word: while it is not 0, no trigger is written. tms_halt() sets it,
 *        without a lock, just before SAFE; arming clears it under engine_lock. Whoever
 *        sets it then takes engine_lock and changes the state.
 * @halting: how many callers are inside tms_halt(); no lock. Arming does not begin
 *           meanwhile: it would clear the stop word, and SAFE would come after that.
 * @live: interlocks that were open when last read; engine_lock
 * @latched: interlocks that opened since CLEAR_FAULT or ARM; engine_lock
 * @rest_ns: when the card was armed, or has last discharged, see rest.c; engine_lock
 * @break_ns: when the run came into its BREAK; engine_lock
 * @back_to: in BREAK, and in ARMING out of BREAK, the state that ARM leads to: RUNNING or
 *           PAUSED; else 0; engine_lock
 * @lease_end_ns: until when permission lasts; engine_lock
 * @listening: a pulse waits for an edge at the trigger input; engine_lock
 * @kick_value: last value written to the card's watchdog; engine_lock
 * @physics: limits by which a fired pulse is added to the history; engine_lock
 * @play: position in the timeline; engine_lock
 * @shot: the trigger without an answer; engine_lock
 * @setpoints: the card's queue; engine_lock
 * @anchor: one instant on both clocks; engine_lock
 * @undrained: the card has more answers than are read in one call; engine_lock
 * @drains_left: how often the kick timer may still read more; engine_lock
 * @probe_due_ns: next timer probe while arming; engine_lock
 * @probes: timer probes done in this arming; engine_lock
 * @probe_max_ns: worst error of these probes; engine_lock
 * @latency: what LATENCY says of the last run; engine_lock
 * @engine_timer: pulses and probes, hard, pinned to engine_cpu
 * @quiet_timer: starts @quiet_tasklet before each step, hard, pinned to engine_cpu
 * @quiet_tasklet: keeps tasks off engine_cpu before a step, quiet.c
 * @quiet_set: @quiet_timer is set for the next step; engine_lock
 * @kick_timer: card's watchdog, lost interrupts, the rest; hard, pinned to engine_cpu
 * @lease_timer: ends the lease; hard, not pinned
 *
 * @pm_nb: refuses system sleep during a treatment
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
 * @tms: its device; the file holds a reference to tms->dev
 * @controller: opened for writing: this file may command the card
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

/* A clock that NTP does not slew: for intervals that are compared with the card's clock. */
static inline u64 tms_raw(void)
{
	return ktime_get_raw_ns();
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

/* A treatment: energised, or in BREAK. A run in BREAK will go on, though its card is SAFE. */
static inline bool tms_treating(u32 state)
{
	return tms_energised(state) || state == TMS_STATE_BREAK;
}

/* --- safe: any context, no lock ------------------------------------------ */

/* SAFE: no charge, no trigger possible. Takes no lock and never fails. */
static inline void tms_card_safe(struct tms_device *tms)
{
	writel(TMS_CONTROL_SAFE, tms->mmio + TMS_REG_CONTROL);
}

/*
 * Sets the stop word, then writes SAFE; the caller changes the state afterwards, under
 * engine_lock. The engine reads GATE first and the stop word after that. So if the engine finds
 * the card SAFE without a stop word and without a latch, the card has gone to SAFE by itself.
 */
static inline void tms_halt(struct tms_device *tms)
{
	atomic_inc(&tms->halting);
	/* Pairs with the barrier in arm_energise(), which says what it is for. */
	smp_mb__after_atomic();
	WRITE_ONCE(tms->stop, 1);
	tms_card_safe(tms);
	/* SAFE is written before arming may begin, and so before CHARGE is written. */
	smp_mb__before_atomic();
	atomic_dec(&tms->halting);
}

/*
 * tms_halt() for a caller that then says that the card is safe. A write to the card is posted; a
 * read behind it only returns when the card has taken the write. Process context.
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
