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
	/* The uAPI numbers the waveforms as the card does. */
	static_assert(!((TMS_LOAD_BIPHASIC ^ TMS_WAVEFORM_BIPHASIC) |
			(TMS_LOAD_MONOPHASIC ^ TMS_WAVEFORM_MONOPHASIC) |
			(TMS_LOAD_HALFSINE ^ TMS_WAVEFORM_HALFSINE) |
			(TMS_LOAD_REVERSE ^ TMS_WAVEFORM_REVERSE)));

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
