// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register accesses that several files need: whether the card is there, its coil, its clock and
 * the host's, its waveform and interrupts. The accesses of the pulse's way stand where they are
 * used; the write of SAFE is inline in device.h.
 *
 * Context: any, registers mapped. None takes a lock. tms_card_setup(), tms_card_set_waveform()
 * and tms_card_listen() want engine_lock held, or a device that nobody else can reach yet.
 */
#include "irq/irq.h"

static u32 rd32(struct tms_device *tms, u32 reg)
{
	return readl(tms->mmio + reg);
}

static u64 rd64(struct tms_device *tms, u32 reg)
{
	return readq(tms->mmio + reg);
}

/*
 * The user interface has names of its own, which happen to have the card's numbers. Where a later
 * contract numbers anew, these functions and answer_take() have to translate.
 */
#define SAME(ours, cards)	static_assert((ours) == (cards))

SAME(TMS_COIL_TYPE_NONE, TMS_COIL_NONE);
SAME(TMS_COIL_TYPE_FIGURE8, TMS_COIL_FIGURE8);
SAME(TMS_COIL_TYPE_CIRCULAR, TMS_COIL_CIRCULAR);
SAME(TMS_COIL_TYPE_DOUBLE_CONE, TMS_COIL_DOUBLE_CONE);
SAME(TMS_COIL_TYPE_H1, TMS_COIL_H1);
SAME(TMS_COIL_TYPE_H4, TMS_COIL_H4);
SAME(TMS_COIL_TYPE_H7, TMS_COIL_H7);
SAME(TMS_COIL_TYPE_SHAM, TMS_COIL_SHAM);

SAME(TMS_INPUT_ARM_KEY, TMS_PANEL_ARM_KEY);
SAME(TMS_INPUT_FOOTSWITCH, TMS_PANEL_FOOTSWITCH);
SAME(TMS_INPUT_PATIENT_STOP, TMS_PANEL_PATIENT_STOP);
SAME(TMS_INPUT_EMERGENCY_STOP, TMS_PANEL_EMERGENCY_STOP);

SAME(TMS_INTERLOCK_EMERGENCY_STOP, TMS_IL_EMERGENCY_STOP);
SAME(TMS_INTERLOCK_PATIENT_STOP, TMS_IL_PATIENT_STOP);
SAME(TMS_INTERLOCK_COIL_ABSENT, TMS_IL_COIL_ABSENT);
SAME(TMS_INTERLOCK_COIL_HOT, TMS_IL_COIL_HOT);
SAME(TMS_INTERLOCK_CONTACT_LOST, TMS_IL_CONTACT_LOST);
SAME(TMS_INTERLOCK_COVER_OPEN, TMS_IL_COVER_OPEN);
SAME(TMS_INTERLOCK_HV_FAULT, TMS_IL_HV_FAULT);
SAME(TMS_INTERLOCK_OVERCURRENT, TMS_IL_OVERCURRENT);
SAME(TMS_INTERLOCK_WATCHDOG, TMS_IL_WATCHDOG);

SAME(TMS_PULSE_OUTCOME_DELIVERED, TMS_OUTCOME_DELIVERED);
SAME(TMS_PULSE_OUTCOME_NOT_ARMED, TMS_OUTCOME_NOT_ARMED);
SAME(TMS_PULSE_OUTCOME_CARD_NOT_READY, TMS_OUTCOME_NOT_READY);
SAME(TMS_PULSE_OUTCOME_INTERLOCK, TMS_OUTCOME_INTERLOCK);
SAME(TMS_PULSE_OUTCOME_WATCHDOG, TMS_OUTCOME_WATCHDOG);
SAME(TMS_PULSE_OUTCOME_LOCKOUT, TMS_OUTCOME_LOCKOUT);
SAME(TMS_PULSE_OUTCOME_TOO_LATE, TMS_OUTCOME_TOO_LATE);
SAME(TMS_PULSE_OUTCOME_WRONG_SEQ, TMS_OUTCOME_WRONG_SEQ);
SAME(TMS_PULSE_OUTCOME_NO_DISCHARGE, TMS_OUTCOME_NO_DISCHARGE);
SAME(TMS_PULSE_OUTCOME_UNEXPECTED, TMS_OUTCOME_UNEXPECTED);

SAME(TMS_LOAD_BIPHASIC, TMS_WAVEFORM_BIPHASIC);
SAME(TMS_LOAD_MONOPHASIC, TMS_WAVEFORM_MONOPHASIC);
SAME(TMS_LOAD_HALFSINE, TMS_WAVEFORM_HALFSINE);
SAME(TMS_LOAD_REVERSE, TMS_WAVEFORM_REVERSE);

/* What a card can, as TMS_CARD_*: no bit that this driver does not know. */
u32 tms_card_flags(const struct tms_caps *caps)
{
	static const struct {
		u32 cap, flag;
	} known[] = {
		{ TMS_CAP_BIPHASIC, TMS_CARD_BIPHASIC },
		{ TMS_CAP_MONOPHASIC, TMS_CARD_MONOPHASIC },
		{ TMS_CAP_HALFSINE, TMS_CARD_HALFSINE },
		{ TMS_CAP_REVERSE_CURRENT, TMS_CARD_REVERSE },
		{ TMS_CAP_TRIGGER_IN, TMS_CARD_TRIGGER_IN },
		{ TMS_CAP_TRIGGER_OUT, TMS_CARD_TRIGGER_OUT },
	};
	u32 flags = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (caps->flags & known[i].cap)
			flags |= known[i].flag;
	return flags;
}

/* Levels of the panel, as TMS_INPUT_*. */
u32 tms_card_inputs(u32 panel)
{
	return panel & (TMS_INPUT_ARM_KEY | TMS_INPUT_FOOTSWITCH | TMS_INPUT_PATIENT_STOP |
			TMS_INPUT_EMERGENCY_STOP);
}

/* Does a card answer? A slot without a card reads as all ones. */
bool tms_card_present(struct tms_device *tms)
{
	return rd32(tms, TMS_REG_MAGIC) == TMS_MAGIC;
}

void tms_card_coil(struct tms_device *tms, struct tms_coil *ret_coil)
{
	*ret_coil = (struct tms_coil) {
		.serial = rd64(tms, TMS_REG_COIL_SERIAL),
		.type = rd32(tms, TMS_REG_COIL_TYPE),
		.max_permille = rd32(tms, TMS_REG_COIL_MAX_PERMILLE),
		.heat_mJ = rd32(tms, TMS_REG_COIL_HEAT_MJ),
		.cool_mW = rd32(tms, TMS_REG_COIL_COOL_MW),
	};
}

/*
 * Reads both clocks at one instant; @card_ns is U64_MAX if the card is gone. If something holds
 * up the CPU between the readings, the instant is known less exactly, and so is the NOT_AFTER
 * that is computed from it. Then both are read again, three times at most.
 */
void tms_card_clocks(struct tms_device *tms, struct tms_anchor *ret_anchor)
{
	int i;

	for (i = 0; i < 3; i++) {
		ret_anchor->before_ns = tms_raw();
		ret_anchor->card_ns = rd64(tms, TMS_REG_CLOCK_NS);
		ret_anchor->after_ns = tms_raw();
		if (ret_anchor->after_ns - ret_anchor->before_ns <= TMS_CLOCK_SLACK_NS)
			return;
	}
}

/*
 * Reads both of the host's clocks at one instant. If something holds up the CPU between the
 * readings, they are read again, three times at most.
 */
struct tms_moment tms_moment(void)
{
	struct tms_moment m;
	int i;

	for (i = 0; i < 3; i++) {
		m.raw_ns = tms_raw();
		m.mono_ns = tms_now();
		m.raw_after_ns = tms_raw();
		if (m.raw_after_ns - m.raw_ns <= TMS_MOMENT_NS)
			break;
	}
	return m;
}

/*
 * What the card's clock reads when CLOCK_MONOTONIC is @mono_ns: as exact as the two run alike, and
 * as near as @mono_ns is to the anchor. engine_lock held.
 */
u64 tms_card_at(struct tms_device *tms, u64 mono_ns)
{
	struct tms_moment now = tms_moment();

	lockdep_assert_held(&tms->engine_lock);
	return tms_clock_about(&tms->anchor, tms_moment_raw(&now, mono_ns));
}

/*
 * Lets the trigger input interrupt or not. Its edges count only while a pulse waits for one: an
 * edge from before is discarded.
 */
void tms_card_listen(struct tms_device *tms, bool trigger)
{
	tms->listening = trigger;
	if (trigger)
		writel(TMS_IRQ_TRIGGER_IN, tms->mmio + TMS_REG_IRQ_EVENTS);
	writel(TMS_IRQ_ANSWER | TMS_IRQ_PANEL | (trigger ? TMS_IRQ_TRIGGER_IN : 0),
	       tms->mmio + TMS_REG_IRQ_ENABLE);
}

/* Sets the waveform (TMS_LOAD_*); the card must be SAFE. False: the card has not taken it. */
bool tms_card_set_waveform(struct tms_device *tms, u32 waveform)
{
	writel(waveform, tms->mmio + TMS_REG_WAVEFORM);
	return readl(tms->mmio + TMS_REG_WAVEFORM) == waveform;
}

/*
 * Sets up the card after probe and after each reset, in SAFE. Only the waveform is left to
 * arming.
 */
void tms_card_setup(struct tms_device *tms)
{
	tms_card_safe(tms);
	writel(!!(tms->caps.flags & TMS_CAP_TRIGGER_OUT), tms->mmio + TMS_REG_TRIGGER_OUT);
	tms_card_listen(tms, false);
}
