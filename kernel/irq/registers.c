// SPDX-License-Identifier: GPL-2.0-only
/*
 * What several files ask of the card's registers: is it there, its coil, its clock, its
 * waveform and interrupts. The fast accesses are where they are used; SAFE is inline in
 * device.h.
 *
 * Context: any, registers mapped. setup, set_waveform, listen: engine_lock held or nobody
 * else there yet. None takes a lock.
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

/* A card that is gone, or is another, does not answer with the right word. */
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
 * Both clocks at one instant; U64_MAX from a card that is gone. Whatever holds up the CPU during
 * the reading makes the instant uncertain, and NOT_AFTER with it: then it is read again.
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

/* Events of the trigger input only count while a pulse waits for one; older ones are void. */
void tms_card_listen(struct tms_device *tms, bool trigger)
{
	tms->listening = trigger;
	if (trigger)
		writel(TMS_IRQ_TRIGGER_IN, tms->mmio + TMS_REG_IRQ_EVENTS);
	writel(TMS_IRQ_ANSWER | TMS_IRQ_PANEL | (trigger ? TMS_IRQ_TRIGGER_IN : 0),
	       tms->mmio + TMS_REG_IRQ_ENABLE);
}

/* In SAFE only. False: the card has not taken the waveform (TMS_LOAD_*). */
bool tms_card_set_waveform(struct tms_device *tms, u32 waveform)
{
	/* The uAPI counts waveforms as the card does. */
	static_assert(!((TMS_LOAD_BIPHASIC ^ TMS_WAVEFORM_BIPHASIC) |
			(TMS_LOAD_MONOPHASIC ^ TMS_WAVEFORM_MONOPHASIC) |
			(TMS_LOAD_HALFSINE ^ TMS_WAVEFORM_HALFSINE) |
			(TMS_LOAD_REVERSE ^ TMS_WAVEFORM_REVERSE)));

	writel(waveform, tms->mmio + TMS_REG_WAVEFORM);
	return readl(tms->mmio + TMS_REG_WAVEFORM) == waveform;
}

/* After probe and after any reset: SAFE. Arming sets the waveform. */
void tms_card_setup(struct tms_device *tms)
{
	tms_card_safe(tms);
	writel(!!(tms->caps.flags & TMS_CAP_TRIGGER_OUT), tms->mmio + TMS_REG_TRIGGER_OUT);
	tms_card_listen(tms, false);
}
