/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tms - user interface of the transcranial magnetic stimulator driver
 *
 * One character device per card, /dev/tms0 and up; tms(4) is the manual.
 *
 * Opening for writing (O_RDWR) makes the file the card's one controller;
 * -EBUSY while there is another, -EAGAIN while the card is away. Opening
 * read-only makes a monitor. There may be any number of monitors; they may only
 * use INFO, STATUS, LATENCY, GET_LIMITS, LOADED, read(), poll(), and STOP, which
 * is refused to nobody.
 * Closing the controller's file stops the output.
 *
 * DOC: Errors
 *
 * What each errno means, whatever the call. Where one has several meanings, @why
 * of the call's argument says which (&struct tms_why):
 *
 *  - ENOTTY:     no such ioctl (number, type, direction or size).
 *  - EFAULT:     a pointer does not lead to memory of the caller, or to memory that cannot be
 *                written to. The call has had no effect.
 *  - EINVAL:     an unknown flag, a reserved word that is not zero, or a value
 *                outside the range that its field's description gives. read(): room for less than a
 *                record.
 *  - EOPNOTSUPP: the argument asks for a feature that this driver, or this card, does not
 *                have: a flag or field that is named here, whose bit is not in @features of
 *                &struct tms_info. @detail of &struct tms_why is the bit.
 *  - EBADF:      the call is the controller's and this file is a monitor.
 *  - EBUSY:      open(): there is a controller already. The state forbids the call, because
 *                something is under way; or the card is being reset, or sleeps. Such a
 *                card is safe and has no timeline: only STOP (returns 0), the
 *                acknowledgment of KEEPALIVE, read() and poll() have an effect then.
 *  - EPROTO:     the call is out of order: the state forbids it, the lease has run out, or
 *                another call has to come first.
 *  - ESHUTDOWN:  START, GO, RESUME: the run is in BREAK, with its card discharged, and
 *                needs ARM first. GO: also if the card would be discharged before the
 *                pulse could fire.
 *  - ERANGE:     the timeline breaks a hard limit; the verdict says which.
 *  - EPERM:      an interlock is open, or a fault is latched.
 *  - EAGAIN:     not yet: the same call may succeed later, at the earliest after @wait_ns of
 *                &struct tms_why. open(): the card is being reset, or sleeps. read(): there is
 *                nothing to read now.
 *  - ESTALE:     the caller's picture is old: an acknowledgment that makes no progress or
 *                claims more than was read, another timeline than the one that is loaded,
 *                another pulse than the one that waits.
 *  - ETIME:      arming took too long, or the host's timers are not fit.
 *  - ENOMEM:     no memory.
 *  - E2BIG:      more pulses than @pulses_max of &struct tms_info.
 *  - ECANCELED:  ARM: somebody or something has stopped the arming.
 *  - EINTR:      ARM: a signal has ended the arming.
 *  - ENODEV:     the card is gone. read() says so when nothing is left to read, and
 *                KEEPALIVE still takes the acknowledgment.
 *
 * DOC: Growth
 *
 * Structs do not grow. No struct has padding of the compiler's, and each is the same for 32-
 * and 64-bit programs, in the host's order of bytes. Reserved words are zero from the caller
 * and from the kernel; a program does not test those that it reads. A field or flag that
 * belongs to a feature stays zero or is refused (EOPNOTSUPP; of a pulse by the verifier:
 * ERANGE, TMS_RULE_LEG or TMS_RULE_DELAY), until the feature's bit is set in &struct tms_info.
 * A call that needs more gets a new number. Fields marked "out" are not read; the kernel writes
 * them. Sizes, offsets and numbers are held to tests/uapi/frozen.
 *
 * Each list of numbers and bits may get new ones. What a program does with one that it does not
 * know:
 *
 *  - state:          as one that fires: stop it, and do not load
 *  - cause:          act on the state
 *  - type of record: keep and acknowledge it like any other; no member of the union is known
 *  - flag of a record: ignore it
 *  - outcome:        TMS_EVENT_GIVEN says whether the patient has had a pulse
 *  - reason:         act on the errno
 *  - rule:           the timeline was refused; @limit and @actual have no unit
 *  - held:           as TMS_HELD_FIRED
 *  - interlock bit:  an interlock that is open
 *  - panel bit, bit of @card_flags or @features, waveform: ignore it
 *  - kind of coil:   no kind that anything is cleared for; a driver may also withhold the kind
 *
 * read() has no number that could change: it gives records of @event_size of &struct tms_info, and
 * that stays sizeof(struct tms_event) for every file whose program has not asked for another, by a
 * call that there is not yet. LOAD takes a @pulse_size of 24 for ever, and perhaps others later.
 *
 * DOC: Clocks
 *
 * A time is CLOCK_MONOTONIC of the host's initial time namespace in nanoseconds, unless its name
 * says otherwise; @mono_ns of STATUS tells a program in another one how far its own is off. Names
 * that end in card_ns are the card's own 64-bit clock, which starts at its power-on, is set by
 * nobody and goes on through a reset. The two drift apart; STATUS reads both at one instant.
 *
 * Intensities are in 0.1 % of maximum stimulator output (MSO), _permille.
 */
#ifndef _UAPI_LINUX_TMS_H
#define _UAPI_LINUX_TMS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* --- Features ---------------------------------------------------------------- */

/* In @features of &struct tms_info. What has no bit here is in every version. */
#define TMS_FEATURE_CONDITION	0x00000001	/* condition of pulses and records */
#define TMS_FEATURE_REST	0x00000002	/* first_pulse, first_train of LOAD */
#define TMS_FEATURE_DELAY	0x00000004	/* delay_ns of pulses, its bounds in LIMITS */
#define TMS_FEATURE_LEGS	0x00000008	/* legs of LOAD, leg of pulses */
#define TMS_FEATURE_AT		0x00000010	/* TMS_START_AT, TMS_RESUME_AT */
#define TMS_FEATURE_HOLD	0x00000020	/* the card holds triggers and keeps the time */
#define TMS_FEATURE_PAUSE_BREAK	0x00000040	/* TMS_PAUSE_BREAK */

/* --- Why a call was refused -------------------------------------------------- */

#define TMS_REASON_NONE		0	/* not refused, or the errno says it all */
/* EAGAIN */
#define TMS_REASON_HISTORY	1	/* pulses from before this driver: the card has to rest */
#define TMS_REASON_ANSWER	2	/* the card has not answered the last trigger */
#define TMS_REASON_RECORDS	3	/* an earlier one's; detail: acknowledge to this seq */
#define TMS_REASON_ROOM		4	/* no room for records: read and acknowledge */
#define TMS_REASON_DISCHARGES	5	/* the card discharges though nobody asks it to */
#define TMS_REASON_TOO_EARLY	6	/* ARM: the card would be discharged once more */
/* ESTALE */
#define TMS_REASON_ACK_AHEAD	16	/* acknowledges more than was read; detail: seq read */
#define TMS_REASON_ACK_LATE	17	/* a record waits for 2 s; detail: seq acknowledged */
#define TMS_REASON_TIMELINE	18	/* not the one that is loaded; detail: timeline_gen */
#define TMS_REASON_CHANGED	19	/* coil, limits or parameters have changed: dropped */
#define TMS_REASON_PULSE	20	/* GO: not the pulse that waits; detail: the next one */
/* EPROTO, EBUSY, ESHUTDOWN */
#define TMS_REASON_STATE	32	/* detail: TMS_STATE_* */
#define TMS_REASON_LEASE	33	/* the lease has run out: KEEPALIVE first */
#define TMS_REASON_LIMITS	34	/* LOAD: LIMITS first */
#define TMS_REASON_STOPPING	35	/* somebody stops the card at this moment */
#define TMS_REASON_OVER		36	/* PAUSE: no pulse is left */
#define TMS_REASON_AWAY		37	/* the card is being reset, or sleeps */
#define TMS_REASON_DISCHARGED	38	/* GO: it would be before the pulse could fire */
/* EPERM */
#define TMS_REASON_INTERLOCK	48	/* detail: TMS_INTERLOCK_* that are open or latched */
#define TMS_REASON_FAULT	49	/* detail: TMS_CAUSE_* */
#define TMS_REASON_NO_COIL	50	/* LOAD: there is no coil */
#define TMS_REASON_CARD		51	/* the card does not do what it is told; see the state */
/* ETIME, and EPROTO of START, GO, RESUME */
#define TMS_REASON_UNFIT	64	/* detail: worst timer error, ns */
#define TMS_REASON_CHARGE	65	/* the card did not get charged in time */
#define TMS_REASON_CPU		66	/* the engine's CPU is offline */
/* EINVAL, EOPNOTSUPP, ERANGE */
#define TMS_REASON_FLAG		80	/* an unknown flag; detail: the unknown bits */
#define TMS_REASON_RESERVED	81	/* a reserved word is not zero */
#define TMS_REASON_VALUE	82	/* a value is out of its range */
#define TMS_REASON_FEATURE	83	/* detail: the TMS_FEATURE_* that is missing */
#define TMS_REASON_VERDICT	84	/* see the verdict */

/**
 * struct tms_why - why a call was refused; first in the argument of each call of the controller
 * @reason: out: TMS_REASON_*; several may be true, then it is one of them
 * @reserved: out: zero
 * @wait_ns: out: EAGAIN: the same call may succeed after so long, not earlier; 0: not known
 * @detail: out: see the reason; else zero
 *
 * Written whatever the call returns, but for ENOTTY, EBADF and EFAULT.
 */
struct tms_why {
	__u32 reason;
	__u32 reserved;
	__aligned_u64 wait_ns;
	__aligned_u64 detail;
};

/* --- Timeline -------------------------------------------------------------- */

/**
 * struct tms_pulse - one pulse of a timeline
 * @t_ns: onset, from the start of the timeline; strictly rising
 * @intensity_permille: 1..1000, 0.1 %MSO
 * @flags: TMS_PULSE_*
 * @train: number of its train, from 0, rising by one after each END_OF_TRAIN
 * @condition: any number; the pulse's records carry it
 * @leg: index of its leg, see &struct tms_load
 * @delay_ns: from the external trigger to the pulse, with TMS_PULSE_WAIT_TRIGGER; 0: the
 *            card's own, trigger_delay_ns of INFO
 */
struct tms_pulse {
	__aligned_u64 t_ns;
	__u16 intensity_permille;
	__u16 flags;
	__u32 train;
	__u16 condition;
	__u16 leg;
	__u32 delay_ns;
};

/*
 * The last pulse of a train: where a pause may take hold. Needs END_OF_BURST as well. The last
 * pulse of a timeline carries both.
 */
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
#define TMS_CAUSE_EMERGENCY_STOP	16	/* 16 + number of the interlock's bit, 0 to 15 */
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

/* --- Records ------------------------------------------------------------------- */

#define TMS_EVENT_STATE		1	/* @state: the state has changed */
#define TMS_EVENT_PULSE_DUE	2	/* @pulse: handed to the card, or left out */
#define TMS_EVENT_PULSE_ANSWER	3	/* @pulse: what became of the trigger */
#define TMS_EVENT_INTERLOCK	4	/* @interlock: one has opened or closed */
#define TMS_EVENT_TRIGGER	5	/* @trigger: an edge at the trigger input */
#define TMS_EVENT_LOST		6	/* @lost: monitors: records are missing before this one */

/* @due_card_ns was computed from @due_ns: the card was not told the time of the pulse. */
#define TMS_EVENT_COMPUTED	0x0001
/*
 * In PULSE_ANSWER: the patient has had a pulse, or has to be taken to have had it (DELIVERED,
 * UNEXPECTED, UNKNOWN, and what later versions add to these).
 */
#define TMS_EVENT_GIVEN		0x0002

/*
 * What became of a pulse. Each trigger that was written has one PULSE_DUE and later one
 * PULSE_ANSWER; TMS_EVENT_GIVEN says of each answer whether there was a pulse.
 */
#define TMS_PULSE_OUTCOME_DELIVERED	0
#define TMS_PULSE_OUTCOME_NOT_ARMED	1
#define TMS_PULSE_OUTCOME_CARD_NOT_READY 2	/* refused by the card: not charged */
#define TMS_PULSE_OUTCOME_INTERLOCK	3	/* one was open */
#define TMS_PULSE_OUTCOME_WATCHDOG	4	/* the card's own had run out */
#define TMS_PULSE_OUTCOME_LOCKOUT	5	/* too soon after a discharge */
#define TMS_PULSE_OUTCOME_TOO_LATE	6	/* the trigger came to the card after its time */
#define TMS_PULSE_OUTCOME_WRONG_SEQ	7
#define TMS_PULSE_OUTCOME_NO_DISCHARGE	8	/* taken, but no current was seen in the coil */
#define TMS_PULSE_OUTCOME_UNEXPECTED	9	/* a discharge without a trigger */
#define TMS_PULSE_OUTCOME_CANCELLED	10	/* held, and withdrawn; @cause says by what */
#define TMS_PULSE_OUTCOME_TOO_EARLY	11	/* more than hold_max_ns ahead */
#define TMS_PULSE_OUTCOME_BUSY		12	/* another trigger was held */
#define TMS_PULSE_OUTCOME_TRIGGERED	16	/* handed to the card; what became of it follows */
#define TMS_PULSE_OUTCOME_LATE		17	/* no trigger: over the tolerance */
#define TMS_PULSE_OUTCOME_SKIPPED	18	/* no trigger: rest of a burst after a miss */
#define TMS_PULSE_OUTCOME_NOT_READY	19	/* no trigger: set-point not there in time */
#define TMS_PULSE_OUTCOME_UNKNOWN	20	/* the card did not answer: it may have fired */

/**
 * struct tms_event_pulse - TMS_EVENT_PULSE_DUE, TMS_EVENT_PULSE_ANSWER
 * @index: index in the timeline, from first_pulse of LOAD on
 * @card_seq: the card's sequence number; 0 without a trigger
 * @due_ns: when it was due, as the host's clock said when its time was fixed; on a card that
 *          holds triggers it drifts from the true time as the two clocks do
 * @triggered_ns: when the trigger was handed to the card; 0 without a trigger
 * @due_card_ns: when it was due, the card's clock; see TMS_EVENT_COMPUTED
 * @card_ns: when it was discharged, or refused, the card's clock; in TMS_EVENT_PULSE_ANSWER,
 *           0 without an answer
 * @slack_ns: by how much the trigger was earlier than due; negative: later
 * @set_permille: intensity asked for
 * @delivered_permille: intensity that the card reports
 * @outcome: TMS_PULSE_OUTCOME_*
 * @cause: TMS_CAUSE_* by which the trigger was cancelled; else 0
 * @condition: of its &struct tms_pulse
 * @leg: likewise
 * @train: likewise, from first_train of LOAD on
 * @timeline_gen: of its timeline
 * @reserved: zero
 *
 * A trigger's two records have the same @triggered_ns, which no other trigger of the card has.
 * Other records may lie between them, and PULSE_DUE of one trigger may come before PULSE_ANSWER
 * of the one before. The same @run and @index may come again, when a trigger was cancelled, and
 * @card_seq begins anew with each charging.
 *
 * With @timeline_gen 0 the answer belongs to no pulse of a timeline, whatever its outcome: a
 * discharge that nobody asked for, or an answer that came late or out of order, perhaps to a
 * trigger that was recorded as UNKNOWN before. Then only @card_ns, @delivered_permille, @outcome
 * and what the card gave as @card_seq are set.
 */
struct tms_event_pulse {
	__u32 index;
	__u32 card_seq;
	__aligned_u64 due_ns;
	__aligned_u64 triggered_ns;
	__aligned_u64 due_card_ns;
	__aligned_u64 card_ns;
	__s32 slack_ns;
	__u16 set_permille;
	__u16 delivered_permille;
	__u16 outcome;
	__u16 cause;
	__u16 condition;
	__u16 leg;
	__u32 train;
	__u32 timeline_gen;
	__u32 reserved[2];
};

/**
 * struct tms_event_state - TMS_EVENT_STATE
 * @to: TMS_STATE_* that was entered
 * @from: the one before
 * @cause: TMS_CAUSE_*
 * @back_to: as in &struct tms_status
 * @timeline_gen: of the timeline that is loaded; 0: none
 * @next_pulse: index of the pulse that is due next
 * @reserved: zero
 */
struct tms_event_state {
	__u32 to;
	__u32 from;
	__u32 cause;
	__u32 back_to;
	__u32 timeline_gen;
	__u32 next_pulse;
	__u32 reserved[12];
};

/**
 * struct tms_event_interlock - TMS_EVENT_INTERLOCK
 * @live: TMS_INTERLOCK_* that are open
 * @latched: those that have opened since CLEAR_FAULT or ARM
 * @reserved: zero
 */
struct tms_event_interlock {
	__u32 live;
	__u32 latched;
	__u32 reserved[16];
};

/**
 * struct tms_event_trigger - TMS_EVENT_TRIGGER, while a pulse waits for it; perhaps later others
 * @card_ns: the card's time of the edge
 * @edge_ns: the same by the host's clock, computed
 * @next_pulse: index of the pulse that is due next
 * @reserved: zero
 */
struct tms_event_trigger {
	__aligned_u64 card_ns;
	__aligned_u64 edge_ns;
	__u32 next_pulse;
	__u32 reserved[13];
};

/**
 * struct tms_event_lost - TMS_EVENT_LOST
 * @count: records that this reader has not got
 * @reserved: zero
 */
struct tms_event_lost {
	__aligned_u64 count;
	__u32 reserved[16];
};

/**
 * struct tms_event - one record, as read() returns them (whole ones only)
 * @seq: rises by one per record of this card, over controllers and re-plugs
 * @mono_ns: when it was made
 * @type: TMS_EVENT_*, says which member of the union holds; of a type that is not known, none
 * @flags: TMS_EVENT_COMPUTED, TMS_EVENT_GIVEN
 * @run: number of the START that it belongs to, 0 before the first
 * @pulse: see &struct tms_event_pulse
 * @state: see &struct tms_event_state
 * @interlock: see &struct tms_event_interlock
 * @trigger: see &struct tms_event_trigger
 * @lost: see &struct tms_event_lost
 * @room: the size of the union
 */
struct tms_event {
	__aligned_u64 seq;
	__aligned_u64 mono_ns;
	__u16 type;
	__u16 flags;
	__u32 run;
	union {
		struct tms_event_pulse pulse;
		struct tms_event_state state;
		struct tms_event_interlock interlock;
		struct tms_event_trigger trigger;
		struct tms_event_lost lost;
		__u32 room[18];
	};
};

/* --- INFO ---------------------------------------------------------------------- */

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

/* What the card can, card_flags of INFO. */
#define TMS_CARD_BIPHASIC	0x00000001	/* bit n, 0 to 7: waveform n of TMS_LOAD_* */
#define TMS_CARD_MONOPHASIC	0x00000002
#define TMS_CARD_HALFSINE	0x00000004
#define TMS_CARD_REVERSE	0x00000100	/* coil current in either direction */
#define TMS_CARD_TRIGGER_IN	0x00000200
#define TMS_CARD_TRIGGER_OUT	0x00000400
#define TMS_CARD_HOLD		0x00000800	/* holds a trigger until its time */

/* Kinds of coil. */
#define TMS_COIL_TYPE_NONE		0
#define TMS_COIL_TYPE_FIGURE8		1
#define TMS_COIL_TYPE_CIRCULAR		2
#define TMS_COIL_TYPE_DOUBLE_CONE	3
#define TMS_COIL_TYPE_H1		4
#define TMS_COIL_TYPE_H4		5
#define TMS_COIL_TYPE_H7		6
#define TMS_COIL_TYPE_SHAM		7

/**
 * struct tms_info - what the card, its coil and the driver are
 * @features: TMS_FEATURE_*
 * @card_version: register contract, major << 16 | minor
 * @firmware: major << 16 | minor << 8 | patch
 * @card_flags: TMS_CARD_*
 * @coil_type: TMS_COIL_TYPE_*
 * @card_serial: unique to the card
 * @coil_serial: unique to the coil, 0 without one
 * @coil_pulses: the coil's life-time count
 * @odometer: discharges in the card's life
 * @max_permille: smallest of card, coil and module parameter
 * @min_interval_ns: shortest interval the verifier lets pass at the default lateness tolerance
 * @stored_pulses: pulse capacitors
 * @pulse_mJ: energy of a pulse at 1000 permille
 * @charge_mW: reservoir to capacitors
 * @dump_mW: a capacitor to its dump load
 * @reservoir_mJ: reservoir, full
 * @refill_mW: mains to reservoir
 * @coil_heat_mJ: energy the coil takes at once, cold
 * @coil_cool_mW: power the coil takes for ever
 * @ampl_tol_permille: how far delivered may be from set
 * @max_pulses_per_s: in any second, module parameter
 * @max_pulses_per_day: module parameter
 * @lateness_default_ns: a later pulse is not fired
 * @lateness_max_ns: cap of the above
 * @lead_ns: the driver begins with a pulse so long before it is due
 * @trigger_delay_ns: from an edge at the trigger input to its pulse
 * @hold_max_ns: how long the card holds a trigger at most, below 2^31; 0 without
 *               TMS_FEATURE_HOLD
 * @hold_accuracy_ns: how far a held pulse may be from its time; likewise
 * @lease_ns: how long one KEEPALIVE lasts
 * @ring_slots: records kept until acknowledged
 * @event_size: size of a record, sizeof(struct tms_event)
 * @pulses_max: most pulses of one timeline
 * @legs_max: most legs of one timeline; 0 without TMS_FEATURE_LEGS
 * @duration_max_ns: longest timeline
 * @idle_limit_ns: so long a card stays charged without a pulse, whatever the state: counted
 *                 from the last pulse, or from ARM. Then SAFE: BREAK in a run, else LOADED.
 * @break_limit_ns: so long a run may be in BREAK, then it ends
 * @records_since_ns: when the numbers of the card's records began, CLOCK_BOOTTIME. They go on
 *                    as long as the module is loaded, whatever becomes of the card; another
 *                    value means other records, though their numbers may be the same.
 * @delay_min_ns: least delay_ns of a pulse; 0 without TMS_FEATURE_DELAY
 * @delay_max_ns: largest; likewise
 * @ack_age_max_ns: with a record older than this, and not acknowledged, KEEPALIVE is refused
 * @start_delay_min_ns: least delay_ns of START and RESUME
 * @start_delay_max_ns: largest
 * @arm_max_ns: so long ARM takes at most, then ETIME
 * @reserved: zero
 *
 * All is the card's, the coil's and the module's. The session's limits: GET_LIMITS.
 */
struct tms_info {
	__aligned_u64 features;
	__u32 card_version;
	__u32 firmware;
	__u32 card_flags;
	__u32 coil_type;
	__aligned_u64 card_serial;
	__aligned_u64 coil_serial;
	__aligned_u64 coil_pulses;
	__aligned_u64 odometer;
	__u32 max_permille;
	__u32 min_interval_ns;
	__u32 stored_pulses;
	__u32 pulse_mJ;
	__u32 charge_mW;
	__u32 dump_mW;
	__u32 reservoir_mJ;
	__u32 refill_mW;
	__u32 coil_heat_mJ;
	__u32 coil_cool_mW;
	__u32 ampl_tol_permille;
	__u32 max_pulses_per_s;
	__u32 max_pulses_per_day;
	__u32 lateness_default_ns;
	__u32 lateness_max_ns;
	__u32 lead_ns;
	__u32 trigger_delay_ns;
	__u32 hold_max_ns;
	__u32 hold_accuracy_ns;
	__u32 lease_ns;
	__u32 ring_slots;
	__u32 event_size;
	__u32 pulses_max;
	__u32 legs_max;
	__aligned_u64 duration_max_ns;
	__aligned_u64 idle_limit_ns;
	__aligned_u64 break_limit_ns;
	__aligned_u64 records_since_ns;
	__u32 delay_min_ns;
	__u32 delay_max_ns;
	__aligned_u64 ack_age_max_ns;
	__aligned_u64 start_delay_min_ns;
	__aligned_u64 start_delay_max_ns;
	__aligned_u64 arm_max_ns;
	__u32 reserved[8];
};

/* --- STATUS -------------------------------------------------------------------- */

/* The card's panel; a 1 is pressed. */
#define TMS_INPUT_ARM_KEY		0x00000001
#define TMS_INPUT_FOOTSWITCH		0x00000002
#define TMS_INPUT_PATIENT_STOP		0x00000004
#define TMS_INPUT_EMERGENCY_STOP	0x00000008

/**
 * struct tms_status - where things are now
 * @state: TMS_STATE_*
 * @cause: TMS_CAUSE_* of the last change of state
 * @interlocks: TMS_INTERLOCK_*, open now
 * @latched: opened since CLEAR_FAULT or ARM
 * @panel: TMS_INPUT_*
 * @coil_type: as in INFO, now
 * @coil_temp_mC: 0.001 degC
 * @board_temp_mC: 0.001 degC
 * @hv_mV: voltage of the pulse capacitor next in turn
 * @run: number of the last START, 0 before the first
 * @mono_ns: when this was taken
 * @card_ns: the card's clock at @mono_ns, within a few microseconds
 * @pulses: pulses of the timeline, the length of LOAD's array
 * @next_pulse: index of the pulse that is due next, from first_pulse of LOAD on; behind the last
 *              one it is first_pulse + @pulses
 * @train: number of the train that @next_pulse is in, from first_train of LOAD on
 * @fired: of this run, triggers written that were not refused as too late, and not cancelled
 * @delivered: of this run, confirmed by the card
 * @missed: of this run, late or skipped
 * @cancelled: of this run, triggers withdrawn before they fired
 * @unknown: of this run, triggers that the card has not answered; in @fired, too
 * @start_ns: when pulse time 0 was; 0 before START. Moves with each pause and wait.
 * @due_ns: when @next_pulse is due; 0 when none is. Also in BREAK, if the run was not paused.
 * @end_ns: when the last pulse is due; 0 before START
 * @start_card_ns: @start_ns, the card's clock; 0 when no run is under way. Without
 *                 TMS_FEATURE_HOLD it is computed for each call, and as exact as the two clocks
 *                 run alike
 * @due_card_ns: @due_ns, likewise
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
 * @flags: zero
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
	__aligned_u64 card_ns;
	__u32 pulses;
	__u32 next_pulse;
	__u32 train;
	__u32 fired;
	__u32 delivered;
	__u32 missed;
	__u32 cancelled;
	__u32 unknown;
	__aligned_u64 start_ns;
	__aligned_u64 due_ns;
	__aligned_u64 end_ns;
	__aligned_u64 start_card_ns;
	__aligned_u64 due_card_ns;
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
	__u32 flags;
	__u32 reserved[17];
};

/* --- LIMITS, GET_LIMITS --------------------------------------------------------- */

/**
 * struct tms_limits - the session's hard limits, from the prescription
 * @why: out
 * @max_permille: 1..1000
 * @max_pulses: 1..pulses_max of INFO, fired under these limits, over every START
 * @max_pulses_per_s: 1..1000, in any second
 * @flags: zero
 * @min_interval_ns: 0 for the card's own
 * @max_duration_ns: of a timeline, 1..duration_max_ns of INFO
 * @delay_min_ns: least delay_ns of a pulse; zero without TMS_FEATURE_DELAY
 * @delay_max_ns: largest; likewise
 * @pulses_fired: out, GET_LIMITS: pulses fired under these limits. LIMITS leaves it as it is
 * @reserved: zero
 *
 * The controller computes these limits independently of the timeline, so that
 * one mistake is not made twice. For each the tightest counts: this one, the
 * card's, the coil's or the module parameter's. Setting limits drops the timeline.
 * They last until the controller closes its file. LOAD is refused before they are set.
 *
 * GET_LIMITS reads them back; all is zero if none are set.
 */
struct tms_limits {
	struct tms_why why;
	__u32 max_permille;
	__u32 max_pulses;
	__u32 max_pulses_per_s;
	__u32 flags;
	__aligned_u64 min_interval_ns;
	__aligned_u64 max_duration_ns;
	__u32 delay_min_ns;
	__u32 delay_max_ns;
	__aligned_u64 pulses_fired;
	__u32 reserved[8];
};

/* --- LOAD, LOADED ---------------------------------------------------------------- */

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
#define TMS_RULE_LEG			18	/* limit: legs that there are, actual: leg */
#define TMS_RULE_DELAY			19	/* limit, actual: ns behind a trigger */

/**
 * struct tms_verdict - what the verifier found
 * @rule: TMS_RULE_*
 * @pulse: index of the first pulse that breaks it, in LOAD's array
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
#define TMS_LOAD_WAVEFORM		0x00000007	/* mask of the above, and of later ones */
#define TMS_LOAD_REVERSE		0x00000100	/* and this for reversed coil current */

/**
 * struct tms_leg - a part of a timeline, with pulses of one kind; needs TMS_FEATURE_LEGS
 * @waveform: TMS_LOAD_*
 * @reserved: zero
 *
 * The card changes its waveform in SAFE only: between two legs the run goes into BREAK.
 */
struct tms_leg {
	__u32 waveform;
	__u32 reserved[3];
};

#define TMS_DIGEST_SIZE			32	/* SHA-256 */

/**
 * struct tms_load - load and verify a timeline
 * @why: out
 * @pulses: in: address of an array of &struct tms_pulse
 * @count: in: its length, 1..pulses_max of INFO
 * @pulse_size: in: sizeof(struct tms_pulse); EINVAL for a size that the driver does not know
 * @flags: in: zero
 * @lateness_ns: in: 1000..lateness_max_ns; 0 for the default
 * @waveform: in: TMS_LOAD_* of all pulses; the card is set to it when it is armed. Zero with legs
 * @leg_count: in: zero; with TMS_FEATURE_LEGS up to legs_max of INFO
 * @legs: in: zero; with TMS_FEATURE_LEGS the address of an array of &struct tms_leg
 * @first_pulse: in: zero; with TMS_FEATURE_REST the index of the first pulse in the whole of which
 *               this timeline is the rest: records, STATUS and GO count from it. @first_pulse +
 *               @count is at most pulses_max of INFO
 * @first_train: in: the same for trains; at most @first_pulse. The trains of the array itself
 *               count from 0
 * @timeline_gen: out: number of this timeline, never 0; rises over re-plugs like @seq of a record
 * @leg_size: in: zero; with TMS_FEATURE_LEGS sizeof(struct tms_leg)
 * @reserved: zero
 * @verdict: out, also on ERANGE, and on EINVAL with TMS_REASON_VERDICT
 * @digest: out: SHA-256 of the pulses as they are in memory, @count * @pulse_size bytes
 *
 * IDLE or LOADED only. Replaces the timeline; on any error the old one stays.
 */
struct tms_load {
	struct tms_why why;
	__aligned_u64 pulses;
	__u32 count;
	__u32 pulse_size;
	__u32 flags;
	__u32 lateness_ns;
	__u32 waveform;
	__u32 leg_count;
	__aligned_u64 legs;
	__u32 first_pulse;
	__u32 first_train;
	__u32 timeline_gen;
	__u32 leg_size;
	__u32 reserved[6];
	struct tms_verdict verdict;
	__u8 digest[TMS_DIGEST_SIZE];
};

/**
 * struct tms_loaded - which timeline is loaded
 * @timeline_gen: its number; 0: none, then all is zero
 * @count: pulses
 * @pulse_size: sizeof(struct tms_pulse)
 * @lateness_ns: its tolerance
 * @waveform: TMS_LOAD_*; zero with legs
 * @leg_count: as in LOAD
 * @first_pulse: as in LOAD
 * @first_train: as in LOAD
 * @digest: as LOAD gave it
 * @reserved: zero
 */
struct tms_loaded {
	__u32 timeline_gen;
	__u32 count;
	__u32 pulse_size;
	__u32 lateness_ns;
	__u32 waveform;
	__u32 leg_count;
	__u32 first_pulse;
	__u32 first_train;
	__u8 digest[TMS_DIGEST_SIZE];
	__u32 reserved[16];
};

/* --- Running ------------------------------------------------------------------- */

/**
 * struct tms_arm - charge and get fit: LOADED -> ARMING -> ARMED, and out of BREAK
 * @why: out
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
	struct tms_why why;
	__u32 timeline_gen;
	__u32 flags;
	__u32 fitness_max_ns;
	__u32 reserved[5];
};

#define TMS_START_AT		0x00000001	/* at at_card_ns; needs TMS_FEATURE_AT */

/**
 * struct tms_start - ARMED -> RUNNING
 * @why: out
 * @timeline_gen: in: must be the one loaded
 * @flags: in: TMS_START_*
 * @delay_ns: in: pulse time 0 is now + this, or later if verifying takes longer;
 *            1000000..10000000000. Zero with TMS_START_AT
 * @at_card_ns: in: with TMS_START_AT when pulse time 0 is, the card's clock; else zero
 * @start_ns: out: pulse time 0
 * @start_card_ns: out: the same, see &struct tms_status
 * @run: out: number of this run
 * @reserved: zero
 * @verdict: out: on ERANGE, what the timeline breaks behind the pulses already fired
 */
struct tms_start {
	struct tms_why why;
	__u32 timeline_gen;
	__u32 flags;
	__aligned_u64 delay_ns;
	__aligned_u64 at_card_ns;
	__aligned_u64 start_ns;
	__aligned_u64 start_card_ns;
	__u32 run;
	__u32 reserved[5];
	struct tms_verdict verdict;
};

/**
 * struct tms_go - let a pulse that waits for the operator fire
 * @why: out
 * @pulse: in: its index; ESTALE when it is not the one that waits
 * @intensity_permille: in: 0 as verified, else at most that
 * @flags: in: zero
 * @reserved: zero
 * @due_ns: out: when it is due now
 * @due_card_ns: out: the same, see &struct tms_status
 */
struct tms_go {
	struct tms_why why;
	__u32 pulse;
	__u32 intensity_permille;
	__u32 flags;
	__u32 reserved[5];
	__aligned_u64 due_ns;
	__aligned_u64 due_card_ns;
};

#define TMS_PAUSE_NOW		0x00000001	/* else at the end of the train */
#define TMS_PAUSE_BREAK		0x00000002	/* and into BREAK; needs TMS_FEATURE_PAUSE_BREAK */

/* What became of a trigger that the card held when the pause came. */
#define TMS_HELD_NOTHING	0	/* none was held */
#define TMS_HELD_CANCELLED	1	/* it does not fire; its pulse is the next one again */
#define TMS_HELD_FIRED		2	/* it had fired already */

/**
 * struct tms_pause - RUNNING -> PAUSED
 * @why: out
 * @flags: in: TMS_PAUSE_*
 * @held: out: TMS_HELD_*
 * @reserved: zero
 *
 * In BREAK, and in ARMING out of BREAK, the state stays, and ARM then leads to PAUSED. In
 * BREAK, a STATE record from BREAK to BREAK says so.
 */
struct tms_pause {
	struct tms_why why;
	__u32 flags;
	__u32 held;
	__u32 reserved[4];
};

#define TMS_RESUME_AT		0x00000001	/* at at_card_ns; needs TMS_FEATURE_AT */

/**
 * struct tms_resume - PAUSED -> RUNNING, the rest of the timeline shifted later
 * @why: out
 * @flags: in: TMS_RESUME_*
 * @reserved0: zero
 * @delay_ns: in: next pulse no earlier than now + this; 1000000..10000000000. Zero with
 *            TMS_RESUME_AT
 * @at_card_ns: in: with TMS_RESUME_AT when the next pulse is due, the card's clock; else zero
 * @start_ns: out: pulse time 0, moved
 * @start_card_ns: out: the same, see &struct tms_status
 * @reserved: zero
 */
struct tms_resume {
	struct tms_why why;
	__u32 flags;
	__u32 reserved0;
	__aligned_u64 delay_ns;
	__aligned_u64 at_card_ns;
	__aligned_u64 start_ns;
	__aligned_u64 start_card_ns;
	__u32 reserved[4];
};

/**
 * struct tms_disarm - ARMING, ARMED, PAUSED, BREAK -> LOADED
 * @why: out
 * @flags: in: zero
 * @reserved: zero
 */
struct tms_disarm {
	struct tms_why why;
	__u32 flags;
	__u32 reserved[5];
};

/**
 * struct tms_clear_fault - FAULT -> IDLE, once its cause is gone
 * @why: out
 * @flags: in: zero
 * @reserved: zero
 */
struct tms_clear_fault {
	struct tms_why why;
	__u32 flags;
	__u32 reserved[5];
};

/**
 * struct tms_keepalive - renew the lease
 * @why: out
 * @acked_seq: in: all records before this seq are on disk; at most what was read
 * @lease_ends_ns: out
 * @event_head: out: seq that the next record will get
 * @flags: in: zero
 * @reserved: zero
 *
 * ESTALE, and the lease is not renewed, if a record is older than ack_age_max_ns of INFO and
 * still not acknowledged. An acknowledgment of what was read counts in any case, also when the
 * card is away or gone. It is no error to acknowledge the same records, or fewer, once more.
 */
struct tms_keepalive {
	struct tms_why why;
	__aligned_u64 acked_seq;
	__aligned_u64 lease_ends_ns;
	__aligned_u64 event_head;
	__u32 flags;
	__u32 reserved[5];
};

/**
 * struct tms_latency - how exact the triggers of the last run were
 * @run: its number
 * @count: pulses counted
 * @max_ns: worst
 * @buckets: entries of @bucket, and of @wakeup
 * @bucket: [0] below 1 ns, [i] from 2^(i-1) up to below 2^i ns, the last one open
 * @wakeup: the same buckets, for how late the timer's interrupt was
 * @reserved: zero
 */
struct tms_latency {
	__u32 run;
	__u32 count;
	__u32 max_ns;
	__u32 buckets;
	__u32 bucket[32];
	__u32 wakeup[32];
	__u32 reserved[44];
};

/* Not in Documentation/userspace-api/ioctl/ioctl-number.rst, and to be entered there. */
#define TMS_IOC_MAGIC		0xD6

#define TMS_IOC_INFO		_IOR(TMS_IOC_MAGIC, 0x00, struct tms_info)
#define TMS_IOC_STATUS		_IOR(TMS_IOC_MAGIC, 0x01, struct tms_status)
#define TMS_IOC_LIMITS		_IOWR(TMS_IOC_MAGIC, 0x02, struct tms_limits)
#define TMS_IOC_LOAD		_IOWR(TMS_IOC_MAGIC, 0x03, struct tms_load)
#define TMS_IOC_ARM		_IOWR(TMS_IOC_MAGIC, 0x04, struct tms_arm)
#define TMS_IOC_START		_IOWR(TMS_IOC_MAGIC, 0x05, struct tms_start)
#define TMS_IOC_GO		_IOWR(TMS_IOC_MAGIC, 0x06, struct tms_go)
#define TMS_IOC_PAUSE		_IOWR(TMS_IOC_MAGIC, 0x07, struct tms_pause)
#define TMS_IOC_RESUME		_IOWR(TMS_IOC_MAGIC, 0x08, struct tms_resume)
#define TMS_IOC_STOP		_IO(TMS_IOC_MAGIC, 0x09)	/* at once, anyone, any state */
#define TMS_IOC_DISARM		_IOWR(TMS_IOC_MAGIC, 0x0a, struct tms_disarm)
#define TMS_IOC_KEEPALIVE	_IOWR(TMS_IOC_MAGIC, 0x0b, struct tms_keepalive)
#define TMS_IOC_CLEAR_FAULT	_IOWR(TMS_IOC_MAGIC, 0x0c, struct tms_clear_fault)
#define TMS_IOC_LATENCY		_IOR(TMS_IOC_MAGIC, 0x0d, struct tms_latency)
#define TMS_IOC_GET_LIMITS	_IOR(TMS_IOC_MAGIC, 0x0e, struct tms_limits)
#define TMS_IOC_LOADED		_IOR(TMS_IOC_MAGIC, 0x0f, struct tms_loaded)

#endif /* _UAPI_LINUX_TMS_H */
