/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tms - user interface of the transcranial magnetic stimulator driver
 *
 * One character device per card, /dev/tms0 and up.
 *
 * Opening for writing (O_RDWR) makes the file the card's one controller;
 * -EBUSY while there is another. Opening read-only makes a monitor. There may
 * be any number of monitors; they may only use INFO, STATUS, LATENCY, read(),
 * poll(), and STOP, which is refused to nobody. Closing the controller's file
 * stops the output.
 *
 * DOC: Errors
 *
 * What each errno means, whatever the call:
 *
 *  - ENOTTY:    no such ioctl (number, type, direction or size).
 *  - EFAULT:    a pointer does not lead to memory of the caller.
 *  - EINVAL:    an unknown flag, a reserved word that is not zero, or a value
 *               outside the range that its field's description gives.
 *  - EBADF:     the call is the controller's and this file is a monitor.
 *  - EBUSY:     there is a controller already; or the state forbids the call, because
 *               something is under way; or the card is being reset, or sleeps. Such a
 *               card is safe and has no timeline: only STOP (returns 0), the
 *               acknowledgment of KEEPALIVE, read() and poll() have an effect then.
 *  - EPROTO:    the state forbids it: the call is out of order, or the lease has run out.
 *  - ESHUTDOWN: START, GO, RESUME: the run is in BREAK, with its card discharged, and
 *               needs ARM first. GO: also if the card would be discharged before the
 *               pulse could fire.
 *  - ERANGE:    the timeline breaks a hard limit; the verdict says which.
 *  - EPERM:     an interlock is open, or a fault is latched.
 *  - EAGAIN:    not yet: the history of the card is not known, its answer to the last
 *               trigger has not come, or records wait to be read and acknowledged.
 *               read(): there is nothing to read now.
 *  - ESTALE:    an acknowledgment that makes no progress or claims more than
 *               was read; the timeline's limits have changed since LOAD; GO: not
 *               the pulse that waits.
 *  - ETIME:     arming took too long, or the host's timers are not fit.
 *  - ENOMEM:    no memory.
 *  - E2BIG:     more pulses than TMS_PULSES_MAX.
 *  - ECANCELED: ARM: somebody or something has stopped the arming.
 *  - EINTR:     ARM: a signal has ended the arming.
 *  - ENODEV:    the card is gone. read() says so when nothing is left to read, and
 *               KEEPALIVE still takes the acknowledgment.
 *
 * DOC: Growth
 *
 * Structs do not grow; reserved words are zero from the caller and from the
 * kernel until a feature bit of &struct tms_info gives them a meaning. A call
 * that needs more gets a new number.
 *
 * Times are CLOCK_MONOTONIC nanoseconds unless the name says otherwise.
 * Intensities are in 0.1 % of maximum stimulator output (MSO), _permille.
 */
#ifndef _UAPI_LINUX_TMS_H
#define _UAPI_LINUX_TMS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TMS_PULSES_MAX		4000000		/* pulses of one timeline */
#define TMS_DURATION_MAX_NS	86400000000000ULL	/* of one timeline: a day */

/* --- Timeline -------------------------------------------------------------- */

/**
 * struct tms_pulse - one pulse of a timeline
 * @t_ns: onset, from the start of the timeline; strictly rising
 * @intensity_permille: 1..1000, 0.1 %MSO
 * @flags: TMS_PULSE_*
 * @train: number of its train, from 0, rising by one after each END_OF_TRAIN
 */
struct tms_pulse {
	__aligned_u64 t_ns;
	__u16 intensity_permille;
	__u16 flags;
	__u32 train;
};

/* The last pulse of a train: where a pause may take hold. Implies END_OF_BURST. */
#define TMS_PULSE_END_OF_TRAIN		0x0001
/*
 * The last pulse of a burst or pair. A pulse that belongs to no burst carries this
 * flag, too. After a miss, the other pulses of the burst are skipped.
 */
#define TMS_PULSE_END_OF_BURST		0x0002
/* Fires at the external trigger, never before its own time. */
#define TMS_PULSE_WAIT_TRIGGER		0x0004
/*
 * Fires at TMS_IOC_GO, never before its own time. With both WAIT flags: at
 * whichever comes first.
 */
#define TMS_PULSE_WAIT_OPERATOR		0x0008
#define TMS_PULSE_FLAGS			0x000f

/* --- States and causes ------------------------------------------------------ */

#define TMS_STATE_IDLE		0	/* nothing loaded */
#define TMS_STATE_LOADED	1	/* a verified timeline; output SAFE */
#define TMS_STATE_ARMING	2	/* charging, timers on trial */
#define TMS_STATE_ARMED		3
#define TMS_STATE_RUNNING	4
#define TMS_STATE_PAUSED	5
#define TMS_STATE_FAULT		6	/* latched, see the cause; output SAFE */
#define TMS_STATE_GONE		7	/* unplugged */
/*
 * A run whose card has been discharged, because it has not fired for idle_limit_ns, or
 * because its next pulse is due only after that time; output SAFE. Nothing fires. The run
 * keeps its place and its time, and ARM by the same controller leads back into it.
 */
#define TMS_STATE_BREAK		8
#define TMS_STATE_COUNT		9

/* Why a state was entered: in STATE events, and in STATUS for the last one. */
#define TMS_CAUSE_NONE			0
#define TMS_CAUSE_REQUEST		1	/* an ioctl asked for it */
#define TMS_CAUSE_COMPLETE		2	/* the timeline has ended */
#define TMS_CAUSE_CLOSED		3	/* the controller's file was closed */
#define TMS_CAUSE_LEASE			4	/* no KEEPALIVE in time */
#define TMS_CAUSE_IDLE_LIMIT		5	/* charged for idle_limit_ns without a pulse */
#define TMS_CAUSE_LATE			6	/* three misses: paused */
#define TMS_CAUSE_GAP			8	/* next pulse due later than idle_limit_ns: BREAK */
#define TMS_CAUSE_BREAK_LIMIT		9	/* in BREAK for an hour: the run has ended */
#define TMS_CAUSE_ARMED_LATE		10	/* out of BREAK, but too late: paused */
#define TMS_CAUSE_EMERGENCY_STOP	16	/* 16 + bit number of the interlock */
#define TMS_CAUSE_PATIENT_STOP		17
#define TMS_CAUSE_COIL_ABSENT		18
#define TMS_CAUSE_COIL_HOT		19
#define TMS_CAUSE_CONTACT_LOST		20
#define TMS_CAUSE_COVER_OPEN		21
#define TMS_CAUSE_HV_FAULT		22
#define TMS_CAUSE_OVERCURRENT		23
#define TMS_CAUSE_WATCHDOG		24
#define TMS_CAUSE_CARD_UNEXPECTED	32	/* the card reports a pulse nobody asked for */
#define TMS_CAUSE_CARD_LOST_PULSE	33	/* trigger taken, no discharge */
#define TMS_CAUSE_CARD_NO_ANSWER	34	/* no answer before the next pulse was due */
#define TMS_CAUSE_CARD_REJECTED		35	/* the card refused a trigger */
#define TMS_CAUSE_CARD_AMPLITUDE	36	/* delivered is not what was set */
#define TMS_CAUSE_CARD_SEQUENCE		37	/* an answer out of order */
#define TMS_CAUSE_CARD_INTERVAL		38	/* card time and host time disagree */
#define TMS_CAUSE_CARD_LATCH		39	/* any other latched error of the card */
#define TMS_CAUSE_CARD_ABSENT		40	/* the card reads as all ones, or not as itself */
#define TMS_CAUSE_CARD_RESET		41	/* the card left ARM by itself, no cause latched */
#define TMS_CAUSE_RECORD_FULL		48	/* no free record slot */
#define TMS_CAUSE_CPU_OFFLINE		49	/* the engine's CPU is going away */
#define TMS_CAUSE_SUSPEND		50
#define TMS_CAUSE_SHUTDOWN		51	/* reboot, kexec, unbind, module unload */
#define TMS_CAUSE_CHANGED		52	/* coil or limits changed: timeline dropped */
#define TMS_CAUSE_UNFIT			53	/* timer probes above the bound */
#define TMS_CAUSE_ARM_TIMEOUT		54	/* the card did not get ready */

/* --- Events ------------------------------------------------------------------ */

#define TMS_EVENT_STATE		1	/* @code: cause; @pulse: new state; @card_seq: old state */
#define TMS_EVENT_PULSE_FIRED	2	/* trigger written; @code: TMS_PULSE_OUTCOME_* */
#define TMS_EVENT_PULSE_ANSWER	3	/* the card's answer; @code: TMS_PULSE_OUTCOME_* */
#define TMS_EVENT_INTERLOCK	4	/* @pulse: live, @card_seq: latched, TMS_INTERLOCK_* */
#define TMS_EVENT_TRIGGER	5	/* external trigger; @card_ns: its card time */
#define TMS_EVENT_LOST		6	/* monitors: @pulse records were dropped before this */

/* Outcomes 0..15 are the card's own, as in its manual. */
#define TMS_PULSE_OUTCOME_DELIVERED	0
#define TMS_PULSE_OUTCOME_FIRED		16	/* trigger written, answer follows */
#define TMS_PULSE_OUTCOME_LATE		17	/* not fired: over the tolerance */
#define TMS_PULSE_OUTCOME_SKIPPED	18	/* not fired: rest of a burst after a miss */
#define TMS_PULSE_OUTCOME_NOT_READY	19	/* not fired: set-point not there in time */
#define TMS_PULSE_OUTCOME_NO_ANSWER	20	/* fired, the card did not answer */

/**
 * struct tms_event - one record, as read() returns them (whole ones only)
 * @seq: rises by one per record of this card, over controllers and re-plugs
 * @mono_ns: when it was made
 * @type: TMS_EVENT_*
 * @run: number of the START that it belongs to, 0 before the first
 * @pulse: index in the timeline (pulse events; others as said at the type)
 * @card_seq: the card's sequence number (pulse events; others as said)
 * @scheduled_ns: when the pulse was due
 * @triggered_ns: when the trigger was written
 * @card_ns: the card's own time of the discharge, its 64-bit clock
 * @set_permille: intensity asked for
 * @delivered_permille: intensity the card reports
 * @code: outcome or cause
 */
struct tms_event {
	__aligned_u64 seq;
	__aligned_u64 mono_ns;
	__u32 type;
	__u32 run;
	__u32 pulse;
	__u32 card_seq;
	__aligned_u64 scheduled_ns;
	__aligned_u64 triggered_ns;
	__aligned_u64 card_ns;
	__u16 set_permille;
	__u16 delivered_permille;
	__u32 code;
};

/* --- INFO ---------------------------------------------------------------------- */

#define TMS_FEATURE_LATENCY	0x00000001	/* TMS_IOC_LATENCY */
#define TMS_FEATURE_BREAK	0x00000002	/* TMS_STATE_BREAK, back_to of STATUS */
#define TMS_FEATURE_SINCE	0x00000004	/* records_since_ns of INFO */

/* Interlock bits, a 1 is open; the same in STATUS and INTERLOCK events. */
#define TMS_INTERLOCK_EMERGENCY_STOP	0x00000001
#define TMS_INTERLOCK_PATIENT_STOP	0x00000002
#define TMS_INTERLOCK_COIL_ABSENT	0x00000004
#define TMS_INTERLOCK_COIL_HOT		0x00000008
#define TMS_INTERLOCK_CONTACT_LOST	0x00000010
#define TMS_INTERLOCK_COVER_OPEN	0x00000020
#define TMS_INTERLOCK_HV_FAULT		0x00000040
#define TMS_INTERLOCK_OVERCURRENT	0x00000080
#define TMS_INTERLOCK_WATCHDOG		0x00000100

/**
 * struct tms_info - what the card, its coil and the driver are
 * @features: TMS_FEATURE_*
 * @card_version: register contract, major << 16 | minor
 * @firmware: major << 16 | minor << 8 | patch
 * @card_caps: the card's capability flags
 * @card_serial: unique to the card
 * @coil_serial: unique to the coil, 0 without one
 * @coil_pulses: the coil's life-time count
 * @odometer: discharges in the card's life
 * @coil_type: the card's code: 1 figure-8, 2 circular, 3 double cone, 4 H1, 5 H4,
 *             6 H7, 7 sham; 0 none
 * @max_permille: smallest of card, coil and module parameter
 * @min_interval_ns: shortest interval the verifier lets pass at the default lateness tolerance
 * @stored_pulses: pulse capacitors
 * @pulse_mJ: energy of a pulse at 1000 permille
 * @charge_mW: reservoir to capacitors
 * @reservoir_mJ: reservoir, full
 * @refill_mW: mains to reservoir
 * @coil_heat_mJ: energy the coil takes at once, cold
 * @coil_cool_mW: power the coil takes for ever
 * @ampl_tol_permille: how far delivered may be from set
 * @max_pulses_per_s: in any second, smallest of module parameter and session
 * @lateness_default_ns: a later pulse is not fired
 * @lateness_max_ns: cap of the above
 * @lease_ns: how long one KEEPALIVE lasts
 * @idle_limit_ns: so long a card stays charged without a pulse, whatever the state: counted
 *                 from the last pulse, or from ARM. Then SAFE: BREAK in a run, else LOADED.
 * @ring_slots: records kept until acknowledged
 * @max_pulses_per_day: module parameter
 * @reserved0: zero
 * @records_since_ns: when the numbers of the card's records began, CLOCK_BOOTTIME. They go on
 *                    as long as the module is loaded, whatever becomes of the card; another
 *                    value means other records, though their numbers may be the same.
 * @reserved: zero
 */
struct tms_info {
	__u32 features;
	__u32 card_version;
	__u32 firmware;
	__u32 card_caps;
	__aligned_u64 card_serial;
	__aligned_u64 coil_serial;
	__aligned_u64 coil_pulses;
	__aligned_u64 odometer;
	__u32 coil_type;
	__u32 max_permille;
	__u32 min_interval_ns;
	__u32 stored_pulses;
	__u32 pulse_mJ;
	__u32 charge_mW;
	__u32 reservoir_mJ;
	__u32 refill_mW;
	__u32 coil_heat_mJ;
	__u32 coil_cool_mW;
	__u32 ampl_tol_permille;
	__u32 max_pulses_per_s;
	__u32 lateness_default_ns;
	__u32 lateness_max_ns;
	__u32 lease_ns;
	__u32 ring_slots;
	__aligned_u64 idle_limit_ns;
	__u32 max_pulses_per_day;
	__u32 reserved0;
	__aligned_u64 records_since_ns;
	__u32 reserved[4];
};

/* --- STATUS -------------------------------------------------------------------- */

/**
 * struct tms_status - where things are now
 * @state: TMS_STATE_*
 * @cause: TMS_CAUSE_* of the last change of state
 * @interlocks: open now
 * @latched: opened since CLEAR_FAULT or ARM
 * @panel: bit 0 arm key, 1 footswitch, 2 patient stop, 3 emergency stop; 1 is pressed
 * @coil_type: as in INFO, now
 * @coil_temp_mC: 0.001 degC
 * @board_temp_mC: 0.001 degC
 * @hv_mV: voltage of the pulse capacitor next in turn
 * @run: number of the last START, 0 before the first
 * @mono_ns: when this was taken
 * @pulses: in the timeline
 * @next_pulse: index of the pulse that is due next
 * @fired: of this run, triggers written
 * @delivered: of this run, confirmed by the card
 * @missed: of this run, late or skipped
 * @train: number of the train that @next_pulse is in
 * @start_ns: when pulse time 0 was; 0 before START. Moves with each pause and wait.
 * @due_ns: when @next_pulse is due; 0 when none is. Also in BREAK, if the run was not paused.
 * @end_ns: when the last pulse is due; 0 before START
 * @lease_ends_ns: when permission runs out
 * @event_head: seq that the next record will get
 * @event_acked: all records before this seq are acknowledged
 * @total_fired: pulses fired on this card since the module was loaded
 * @fitness_max_ns: worst timer error of the last arming
 * @error_max_ns: worst trigger error of this run
 * @timeline_gen: changes with every LOAD and every drop of a timeline; 0 none loaded
 * @pulses_today: pulses fired on this card in the last 24 hours
 * @records_dropped: records for which the ring had no room, since the module was loaded:
 *                   interlocks (still told in @latched), external triggers, discharges that
 *                   nobody asked for (still counted in @total_fired). A change of state is
 *                   not dropped, but comes later.
 * @back_to: in BREAK, and in ARMING out of BREAK, the state that ARM leads to:
 *           TMS_STATE_RUNNING or TMS_STATE_PAUSED. Else 0.
 * @reserved: zero
 */
struct tms_status {
	__u32 state;
	__u32 cause;
	__u32 interlocks;
	__u32 latched;
	__u32 panel;
	__u32 coil_type;
	__s32 coil_temp_mC;
	__s32 board_temp_mC;
	__u32 hv_mV;
	__u32 run;
	__aligned_u64 mono_ns;
	__u32 pulses;
	__u32 next_pulse;
	__u32 fired;
	__u32 delivered;
	__u32 missed;
	__u32 train;
	__aligned_u64 start_ns;
	__aligned_u64 due_ns;
	__aligned_u64 end_ns;
	__aligned_u64 lease_ends_ns;
	__aligned_u64 event_head;
	__aligned_u64 event_acked;
	__aligned_u64 total_fired;
	__u32 fitness_max_ns;
	__u32 error_max_ns;
	__u32 timeline_gen;
	__u32 pulses_today;
	__u32 records_dropped;
	__u32 back_to;
	__u32 reserved[2];
};

/* --- LIMITS -------------------------------------------------------------------- */

/**
 * struct tms_limits - the session's hard limits, from the prescription
 * @max_permille: 1..1000
 * @max_pulses: 1..TMS_PULSES_MAX, fired under these limits, over every START
 * @max_pulses_per_s: 1..1000, in any second
 * @flags: zero
 * @min_interval_ns: 0 for the card's own
 * @max_duration_ns: of a timeline, 1..TMS_DURATION_MAX_NS
 * @reserved: zero
 *
 * The controller computes these limits independently of the timeline, so that
 * one mistake is not made twice. For each the tightest counts: this one, the
 * card's, the coil's or the module parameter's. Setting limits drops the timeline.
 * They last until the controller closes its file. LOAD is refused before they are set.
 */
struct tms_limits {
	__u32 max_permille;
	__u32 max_pulses;
	__u32 max_pulses_per_s;
	__u32 flags;
	__aligned_u64 min_interval_ns;
	__aligned_u64 max_duration_ns;
	__u32 reserved[8];
};

/* --- LOAD ---------------------------------------------------------------------- */

/* Rules of the verifier; 0 in a verdict means that the timeline holds all. */
#define TMS_RULE_NONE			0
#define TMS_RULE_EMPTY			1	/* no pulses */
#define TMS_RULE_FLAGS			2	/* unknown flag, or END flags inconsistent */
#define TMS_RULE_ORDER			3	/* t_ns does not rise */
#define TMS_RULE_TRAIN			4	/* train numbers do not follow the flags */
#define TMS_RULE_INTERVAL		5	/* limit, actual: ns */
#define TMS_RULE_INTENSITY		6	/* limit, actual: permille */
#define TMS_RULE_INTENSITY_ZERO		7
#define TMS_RULE_SETTLING		8	/* limit: ns when there, actual: ns when due */
#define TMS_RULE_PULSES_PER_S		9	/* limit, actual: pulses in a half-open second */
#define TMS_RULE_RESERVOIR		10	/* limit: mJ left, actual: mJ wanted */
#define TMS_RULE_COIL_HEAT		11	/* limit, actual: mJ */
#define TMS_RULE_PULSES			12	/* limit, actual: pulses, by the session */
#define TMS_RULE_PULSES_PER_DAY		13	/* limit, actual: pulses */
#define TMS_RULE_DURATION		14	/* limit, actual: ns */
#define TMS_RULE_WAVEFORM		15	/* actual: as in LOAD; limit: see below */
#define TMS_RULE_TRIGGER_IN		16	/* no trigger input; limit, actual: pulse flags */
#define TMS_RULE_GAP			17	/* limit, actual: ns behind a pulse, or START */

/**
 * struct tms_verdict - what the verifier found
 * @rule: TMS_RULE_*
 * @pulse: index of the first pulse that breaks it
 * @limit: what was allowed, unit by rule
 * @actual: what was asked
 *
 * In a gap longer than idle_limit_ns the card is discharged, and is charged again from
 * empty within the last seconds of the gap. If these seconds are too few, the verdict is
 * SETTLING (capacitors) or RESERVOIR, with the pulse after the gap.
 *
 * The limit of TMS_RULE_WAVEFORM is a set: bit n stands for waveform n,
 * TMS_LOAD_REVERSE for the other direction as well. Its pulse is 0.
 */
struct tms_verdict {
	__u32 rule;
	__u32 pulse;
	__aligned_u64 limit;
	__aligned_u64 actual;
};

/* Waveform of a timeline's every pulse: one of these, */
#define TMS_LOAD_BIPHASIC		0
#define TMS_LOAD_MONOPHASIC		1
#define TMS_LOAD_HALFSINE		2
#define TMS_LOAD_WAVEFORM		0x00000003	/* mask of the above */
#define TMS_LOAD_REVERSE		0x00000100	/* and this for reversed coil current */

/**
 * struct tms_load - load and verify a timeline
 * @pulses: in: address of an array of &struct tms_pulse
 * @count: in: its length, 1..TMS_PULSES_MAX
 * @flags: in: zero
 * @lateness_ns: in: 1000..lateness_max_ns; 0 for the default
 * @timeline_gen: out: number of this timeline
 * @waveform: in: TMS_LOAD_*; the card is set to it when it is armed
 * @reserved: zero
 * @verdict: out, also on ERANGE
 *
 * IDLE or LOADED only. Replaces the timeline; on any error the old one stays.
 */
struct tms_load {
	__aligned_u64 pulses;
	__u32 count;
	__u32 flags;
	__u32 lateness_ns;
	__u32 timeline_gen;
	__u32 waveform;
	__u32 reserved;
	struct tms_verdict verdict;
};

/* --- Running ------------------------------------------------------------------- */

/**
 * struct tms_arm - charge and get fit: LOADED -> ARMING -> ARMED, and out of BREAK
 * @timeline_gen: in: must be the one loaded
 * @flags: in: zero
 * @fitness_max_ns: out: worst timer error of the probes
 * @reserved: zero
 *
 * Sleeps until the card is charged and the probes are done. Needs a fresh
 * lease: KEEPALIVE first.
 *
 * Out of BREAK, ARM leads to the state that the run had before (back_to of STATUS). It leads
 * to PAUSED, with the cause ARMED_LATE, if the time of the next pulse has passed meanwhile. Call
 * it ten seconds before that time; EAGAIN if the time is so far away that the card would be
 * discharged once more. An arming that ends without a fault (ETIME, EINTR) leads back to BREAK.
 */
struct tms_arm {
	__u32 timeline_gen;
	__u32 flags;
	__u32 fitness_max_ns;
	__u32 reserved[5];
};

/**
 * struct tms_start - ARMED -> RUNNING
 * @timeline_gen: in: must be the one loaded
 * @flags: in: zero
 * @delay_ns: in: first pulse no earlier than now + this; 1000000..10000000000
 * @start_ns: out: pulse time 0
 * @run: out: number of this run
 * @reserved: zero
 * @verdict: out: on ERANGE, what the timeline breaks behind the pulses already fired
 */
struct tms_start {
	__u32 timeline_gen;
	__u32 flags;
	__aligned_u64 delay_ns;
	__aligned_u64 start_ns;
	__u32 run;
	__u32 reserved[3];
	struct tms_verdict verdict;
};

/**
 * struct tms_go - let a pulse that waits for the operator fire
 * @pulse: in: its index; ESTALE when it is not the one that waits
 * @intensity_permille: in: 0 as verified, else at most that
 * @reserved: zero
 */
struct tms_go {
	__u32 pulse;
	__u32 intensity_permille;
	__u32 reserved[6];
};

#define TMS_PAUSE_NOW		0x00000001	/* else at the end of the train */

/**
 * struct tms_pause - RUNNING -> PAUSED
 * @flags: TMS_PAUSE_*
 * @reserved: zero
 *
 * In BREAK, and in ARMING out of BREAK, the state stays, and ARM then leads to PAUSED. In
 * BREAK, a STATE event from BREAK to BREAK says so.
 */
struct tms_pause {
	__u32 flags;
	__u32 reserved[3];
};

/**
 * struct tms_resume - PAUSED -> RUNNING, the rest of the timeline shifted later
 * @flags: zero
 * @reserved: zero
 * @delay_ns: in: next pulse no earlier than now + this; 1000000..10000000000
 * @start_ns: out: pulse time 0, moved
 */
struct tms_resume {
	__u32 flags;
	__u32 reserved;
	__aligned_u64 delay_ns;
	__aligned_u64 start_ns;
};

/**
 * struct tms_keepalive - renew the lease
 * @acked_seq: in: all records before this seq are on disk; at most what was read
 * @lease_ends_ns: out
 * @event_head: out: seq that the next record will get
 * @flags: zero
 * @reserved: zero
 *
 * ESTALE, and the lease is not renewed, if a record is older than 2 s and still
 * not acknowledged. The acknowledgment counts in any case. It is no error to
 * acknowledge the same records, or fewer, once more.
 */
struct tms_keepalive {
	__aligned_u64 acked_seq;
	__aligned_u64 lease_ends_ns;
	__aligned_u64 event_head;
	__u32 flags;
	__u32 reserved[3];
};

#define TMS_LATENCY_BUCKETS	32

/**
 * struct tms_latency - how exact the triggers of the last run were
 * @run: its number
 * @count: pulses counted
 * @max_ns: worst
 * @reserved: zero
 * @bucket: [0] below 1 ns, [i] from 2^(i-1) up to below 2^i ns, the last one open
 * @wakeup: the same buckets, for how late the timer's interrupt was
 */
struct tms_latency {
	__u32 run;
	__u32 count;
	__u32 max_ns;
	__u32 reserved;
	__u32 bucket[TMS_LATENCY_BUCKETS];
	__u32 wakeup[TMS_LATENCY_BUCKETS];
};

#define TMS_IOC_MAGIC		0xB7

#define TMS_IOC_INFO		_IOR(TMS_IOC_MAGIC, 0x00, struct tms_info)
#define TMS_IOC_STATUS		_IOR(TMS_IOC_MAGIC, 0x01, struct tms_status)
#define TMS_IOC_LIMITS		_IOW(TMS_IOC_MAGIC, 0x02, struct tms_limits)
#define TMS_IOC_LOAD		_IOWR(TMS_IOC_MAGIC, 0x03, struct tms_load)
#define TMS_IOC_ARM		_IOWR(TMS_IOC_MAGIC, 0x04, struct tms_arm)
#define TMS_IOC_START		_IOWR(TMS_IOC_MAGIC, 0x05, struct tms_start)
#define TMS_IOC_GO		_IOW(TMS_IOC_MAGIC, 0x06, struct tms_go)
#define TMS_IOC_PAUSE		_IOW(TMS_IOC_MAGIC, 0x07, struct tms_pause)
#define TMS_IOC_RESUME		_IOWR(TMS_IOC_MAGIC, 0x08, struct tms_resume)
#define TMS_IOC_STOP		_IO(TMS_IOC_MAGIC, 0x09)	/* at once, anyone, any state */
#define TMS_IOC_DISARM		_IO(TMS_IOC_MAGIC, 0x0a)	/* ARMING, ARMED, PAUSED, BREAK */
#define TMS_IOC_KEEPALIVE	_IOWR(TMS_IOC_MAGIC, 0x0b, struct tms_keepalive)
#define TMS_IOC_CLEAR_FAULT	_IO(TMS_IOC_MAGIC, 0x0c)	/* FAULT -> IDLE, cause gone */
#define TMS_IOC_LATENCY		_IOR(TMS_IOC_MAGIC, 0x0d, struct tms_latency)

#endif /* _UAPI_LINUX_TMS_H */
