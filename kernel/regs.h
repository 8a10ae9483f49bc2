/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The register contract between a TMS stimulator card and its host.
 *
 * This file is the one source of every offset, field and code. The driver
 * and the card model both include it; CARD.md beside it is the manual, with
 * timing and meaning. It uses nothing but the preprocessor, so that a
 * gateware author's tools can read it too.
 *
 * All registers are little-endian. 32-bit registers take aligned 4-byte
 * accesses, 64-bit registers aligned 8-byte accesses. Other sizes and
 * offsets read as all ones, and writes to them are ignored and latched as
 * TMS_LATCH_BAD_ACCESS.
 */
#ifndef TMS_REGS_H
#define TMS_REGS_H

#define TMS_PCI_VENDOR_ID		0x1209	/* the model's placeholder, see CARD.md */
#define TMS_PCI_DEVICE_ID		0x7435
#define TMS_PCI_CLASS			0x118000 /* signal processing, other */
#define TMS_BAR				0
#define TMS_BAR_SIZE			0x1000
#define TMS_MSIX_BAR			1

#define TMS_VECTOR_FAULT		0	/* faults and interlocks */
#define TMS_VECTOR_PULSE		1	/* answers, readiness, triggers */
#define TMS_VECTOR_COUNT		2

/* --- Identity and capabilities: constant while powered ------------------ */

#define TMS_REG_MAGIC			0x000	/* RO 32: TMS_MAGIC */
#define TMS_MAGIC			0x31534d54 /* "TMS1" */
#define TMS_REG_VERSION			0x004	/* RO 32: major << 16 | minor */
#define TMS_VERSION_MAJOR		1
#define TMS_VERSION_MINOR		0
#define TMS_REG_CARD_SERIAL		0x008	/* RO 64 */
#define TMS_REG_CAP_FLAGS		0x010	/* RO 32 */
#define TMS_CAP_BIPHASIC		0x00000001
#define TMS_CAP_MONOPHASIC		0x00000002
#define TMS_CAP_HALFSINE		0x00000004
#define TMS_CAP_REVERSE_CURRENT		0x00000008
#define TMS_CAP_TRIGGER_IN		0x00000010
#define TMS_CAP_TRIGGER_OUT		0x00000020
#define TMS_REG_CAP_MAX_PERMILLE	0x014	/* RO 32: 1..1000, 0.1 %MSO */
#define TMS_REG_CAP_MIN_INTERVAL_NS	0x018	/* RO 32: the lock-out */
#define TMS_REG_CAP_STORED_PULSES	0x01c	/* RO 32: N, 1..TMS_STORED_MAX */
#define TMS_STORED_MAX			16
#define TMS_REG_CAP_PULSE_MJ		0x020	/* RO 32: mJ of a pulse at 1000 permille */
#define TMS_REG_CAP_CHARGE_MW		0x024	/* RO 32: reservoir -> capacitors, mW */
#define TMS_REG_CAP_DUMP_MW		0x028	/* RO 32: capacitors -> dump load, mW */
#define TMS_REG_CAP_RESERVOIR_MJ	0x02c	/* RO 32 */
#define TMS_REG_CAP_REFILL_MW		0x030	/* RO 32: mains -> reservoir, mW */
#define TMS_REG_CAP_FIFO_DEPTH		0x034	/* RO 32: answers held, >= TMS_FIFO_MIN */
#define TMS_FIFO_MIN			16
#define TMS_REG_CAP_AMPL_TOL_PERMILLE	0x038	/* RO 32: |delivered - set| <= this, 0.1 %MSO */
#define TMS_AMPL_TOL_MAX		50
#define TMS_REG_CAP_WATCHDOG_MS		0x03c	/* RO 32: 1..TMS_WATCHDOG_MAX_MS */
#define TMS_WATCHDOG_MAX_MS		200
#define TMS_REG_FIRMWARE		0x040	/* RO 32: major << 16 | minor << 8 | patch */

/* --- Control ------------------------------------------------------------- */

/*
 * The two keys are the only values that leave SAFE; every other value, all
 * zeros and all ones among them, means SAFE. So a stray write is safe.
 */
#define TMS_REG_CONTROL			0x080	/* WO 32 */
#define TMS_CONTROL_SAFE		0x00000000
#define TMS_CONTROL_CHARGE		0x43484152 /* "CHAR": from SAFE */
#define TMS_CONTROL_ARM			0x41524d21 /* "ARM!": from CHARGE */
#define TMS_CONTROL_RESET		0x52534554 /* "RSET": to SAFE, volatile state lost */

/*
 * GATE: everything that permission to fire depends on, in one read. The
 * engine compares it with TMS_GATE_PERMIT under TMS_GATE_PERMIT_MASK.
 */
#define TMS_REG_GATE			0x084	/* RO 32 */
#define TMS_REG_STATUS			0x088	/* RO 32: the same word, not for the engine */
#define TMS_IL_EMERGENCY_STOP		0x00000001 /* a 1 is open: firing forbidden */
#define TMS_IL_PATIENT_STOP		0x00000002
#define TMS_IL_COIL_ABSENT		0x00000004
#define TMS_IL_COIL_HOT			0x00000008
#define TMS_IL_CONTACT_LOST		0x00000010
#define TMS_IL_COVER_OPEN		0x00000020
#define TMS_IL_HV_FAULT			0x00000040
#define TMS_IL_OVERCURRENT		0x00000080
#define TMS_IL_WATCHDOG			0x00000100
#define TMS_IL_MASK			0x000001ff
#define TMS_IL_COUNT			9
#define TMS_STATUS_LATCHED		0x00001000 /* LATCH is not zero */
#define TMS_STATUS_READY		0x00002000 /* the next set-point is charged */
#define TMS_STATUS_FULL			0x00004000 /* all queued set-points are */
#define TMS_STATUS_RESERVOIR_FULL	0x00008000
#define TMS_STATUS_STATE_MASK		0x00030000
#define TMS_STATUS_STATE_SAFE		0x00010000
#define TMS_STATUS_STATE_CHARGE		0x00020000
#define TMS_STATUS_STATE_ARM		0x00030000
#define TMS_STATUS_ANSWER		0x00040000 /* the answer FIFO is not empty */
#define TMS_STATUS_LOCKOUT		0x00080000 /* min interval not yet over */
#define TMS_STATUS_TRIGGER_IN		0x00100000 /* level of the trigger input */
#define TMS_STATUS_SIGN_MASK		0xff000000
#define TMS_STATUS_SIGN			0x5a000000 /* all ones and all zeros both fail */

#define TMS_GATE_PERMIT_MASK		(TMS_STATUS_SIGN_MASK | TMS_STATUS_STATE_MASK | \
					 TMS_STATUS_READY | TMS_STATUS_LATCHED | TMS_IL_MASK)
#define TMS_GATE_PERMIT			(TMS_STATUS_SIGN | TMS_STATUS_STATE_ARM | TMS_STATUS_READY)

/*
 * LATCH: what has happened since it was last cleared. Writing a 1 clears the
 * bit if its cause is gone. CHARGE and ARM are refused while it is not zero.
 * A bit that appears drops the card to SAFE and raises TMS_VECTOR_FAULT.
 */
#define TMS_REG_LATCH			0x08c	/* RW1C 32: bits 0..8 as TMS_IL_* */
#define TMS_LATCH_UNEXPECTED_PULSE	0x00000200 /* a discharge that no trigger asked for */
#define TMS_LATCH_LOST_PULSE		0x00000400 /* a trigger taken, no discharge seen */
#define TMS_LATCH_FIFO_OVERFLOW		0x00000800 /* an answer was lost */
#define TMS_LATCH_BAD_ACCESS		0x00001000
#define TMS_LATCH_BAD_SETPOINT		0x00002000 /* out of range, order or queue space */
#define TMS_LATCH_SELF_TEST		0x00004000
#define TMS_LATCH_MASK			0x00007fff
/* Reads as zero in bits 31..15; all ones is an absent card. */

#define TMS_REG_IRQ_ENABLE		0x090	/* RW 32; reset: only TMS_IRQ_ANSWER */
#define TMS_REG_IRQ_EVENTS		0x094	/* RW1C 32: pending, for TMS_VECTOR_PULSE */
#define TMS_IRQ_ANSWER			0x00000001 /* an answer entered the FIFO */
#define TMS_IRQ_READY			0x00000002 /* STATUS_FULL rose */
#define TMS_IRQ_TRIGGER_IN		0x00000004 /* external trigger, time in TRIGGER_IN_NS */
#define TMS_IRQ_PANEL			0x00000008 /* a panel input changed */
#define TMS_IRQ_MASK			0x0000000f

/* --- Set-points and triggers ---------------------------------------------- */

/*
 * N pulse capacitors are used in turn. A write queues the set-point of one
 * pulse: bits 31..16 the low half of its sequence number, bits 15..0 the
 * intensity. It is either the next in order (and fewer than N are queued)
 * or one already queued, whose capacitor is then charged or dumped to the
 * new value. Zero permille is refused.
 */
#define TMS_REG_SETPOINT		0x100	/* WO 32 */
#define TMS_SETPOINT(seq, permille)	((((seq) & 0xffff) << 16) | ((permille) & 0xffff))
#define TMS_REG_SEQ_EXPECTED		0x104	/* RO 32: number TRIGGER must carry, from 1 */
#define TMS_REG_NOT_AFTER		0x108	/* RW 64: card ns; used up by the next TRIGGER */
#define TMS_REG_TRIGGER			0x110	/* WO 32: the expected sequence number fires */
#define TMS_REG_WAVEFORM		0x114	/* RW 32: 1..0 waveform, 8 reverse; SAFE only */
#define TMS_WAVEFORM_BIPHASIC		0
#define TMS_WAVEFORM_MONOPHASIC		1
#define TMS_WAVEFORM_HALFSINE		2
#define TMS_WAVEFORM_REVERSE		0x00000100

/*
 * ANSWER: one 64-bit read takes the oldest answer off the FIFO. Every write
 * to TRIGGER gives exactly one; a discharge without a trigger gives one too.
 */
#define TMS_REG_ANSWER			0x118	/* RO 64, reading pops */
#define TMS_ANSWER_TIME_BITS		40	/* bits 39..0: card ns, modulo 2^40 (18.3 min) */
#define TMS_ANSWER_TIME_MASK		0x000000ffffffffffULL
#define TMS_ANSWER_PERMILLE_SHIFT	40	/* bits 49..40: delivered, 0.1 %MSO, 0..1023 */
#define TMS_ANSWER_PERMILLE_MASK	0x3ff
#define TMS_ANSWER_SEQ_SHIFT		50	/* bits 56..50: sequence number modulo 128 */
#define TMS_ANSWER_SEQ_MASK		0x7f
#define TMS_ANSWER_OUTCOME_SHIFT	57	/* bits 60..57: TMS_OUTCOME_* */
#define TMS_ANSWER_OUTCOME_MASK		0xf
#define TMS_ANSWER_EVENTS		0x2000000000000000ULL /* bit 61: IRQ_EVENTS has more */
#define TMS_ANSWER_MORE			0x4000000000000000ULL /* bit 62: FIFO still not empty */
#define TMS_ANSWER_VALID		0x8000000000000000ULL /* bit 63: 0 when FIFO was empty */
/* Outcome 15 is never used, so that an absent card's all ones is no answer. */

#define TMS_OUTCOME_DELIVERED		0
#define TMS_OUTCOME_NOT_ARMED		1
#define TMS_OUTCOME_NOT_READY		2
#define TMS_OUTCOME_INTERLOCK		3
#define TMS_OUTCOME_WATCHDOG		4
#define TMS_OUTCOME_LOCKOUT		5
#define TMS_OUTCOME_TOO_LATE		6	/* after NOT_AFTER, or none was set */
#define TMS_OUTCOME_WRONG_SEQ		7
#define TMS_OUTCOME_NO_DISCHARGE	8	/* taken, but no coil current was seen */
#define TMS_OUTCOME_UNEXPECTED		9	/* a discharge without a trigger */

/* --- Time ------------------------------------------------------------------ */

#define TMS_REG_CLOCK_NS		0x140	/* RO 64: since power-on, keeps running in reset */
#define TMS_REG_SINCE_PULSE_NS		0x148	/* RO 64: since a discharge; ~0 - 1: none yet */
#define TMS_REG_TRIGGER_IN_NS		0x150	/* RO 64: card time of the trigger input's edge */
#define TMS_REG_TRIGGER_OUT		0x158	/* RW 32: bit 0: each discharge on the output */

/* --- Watchdog --------------------------------------------------------------- */

#define TMS_REG_WATCHDOG_KICK		0x160	/* WO 32: must differ from the last value written */

/* --- Coil, temperatures, counters ------------------------------------------ */

#define TMS_REG_COIL_TYPE		0x180	/* RO 32: TMS_COIL_* ; 0 none */
#define TMS_COIL_NONE			0
#define TMS_COIL_FIGURE8		1
#define TMS_COIL_CIRCULAR		2
#define TMS_COIL_DOUBLE_CONE		3
#define TMS_COIL_H1			4
#define TMS_COIL_H4			5
#define TMS_COIL_H7			6
#define TMS_COIL_SHAM			7
#define TMS_REG_COIL_MAX_PERMILLE	0x184	/* RO 32 */
#define TMS_REG_COIL_SERIAL		0x188	/* RO 64 */
#define TMS_REG_COIL_HEAT_MJ		0x190	/* RO 32: energy it may take at once, cold */
#define TMS_REG_COIL_COOL_MW		0x194	/* RO 32: power it may take for ever */
#define TMS_REG_COIL_PULSES		0x198	/* RO 64: life-time count, non-volatile */
#define TMS_REG_COIL_TEMP_MC		0x1a0	/* RO 32 signed, 0.001 degC */
#define TMS_REG_COIL_TEMP_MAX_MC	0x1a4	/* RO 32: COIL_HOT opens at this */
#define TMS_REG_BOARD_TEMP_MC		0x1a8	/* RO 32 signed */
#define TMS_REG_HV_MV			0x1ac	/* RO 32: voltage of the next capacitor, mV */
#define TMS_REG_RESERVOIR_MJ		0x1b0	/* RO 32: energy in the reservoir now */
#define TMS_REG_ODOMETER		0x1b8	/* RO 64: discharges of this card, non-volatile */

/* --- Panel ------------------------------------------------------------------ */

#define TMS_REG_PANEL			0x1c0	/* RO 32: levels, 1 = pressed */
#define TMS_PANEL_ARM_KEY		0x00000001
#define TMS_PANEL_FOOTSWITCH		0x00000002
#define TMS_PANEL_PATIENT_STOP		0x00000004
#define TMS_PANEL_EMERGENCY_STOP	0x00000008
#define TMS_PANEL_MASK			0x0000000f

#endif
