// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the card's identity and coil, and preparing its interrupts. The fast
 * accesses are where they are used; SAFE is inline in tms.h.
 *
 * Context: ask and coil: process, registers mapped. setup, set_waveform, listen: any,
 * engine_lock held or nobody else there yet. None takes a lock.
 */
#include <linux/dev_printk.h>

#include "tms.h"

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

/*
 * Is it a card that this driver understands, with figures that make sense? -ENODEV: no card
 * answers; -EPROTO: one that is not.
 */
static int ask_caps(struct tms_device *tms, struct tms_caps *ret_caps)
{
	struct device *dev = &tms->pdev->dev;
	struct tms_caps c;
	u32 magic = rd32(tms, TMS_REG_MAGIC);

	if (magic != TMS_MAGIC) {
		dev_err_ratelimited(dev, "card does not answer: identity reads 0x%08x, expected 0x%08x: switch the computer off and see that it sits in its slot\n",
				    magic, TMS_MAGIC);
		return -ENODEV;
	}

	c = (struct tms_caps) {
		.version = rd32(tms, TMS_REG_VERSION),
		.serial = rd64(tms, TMS_REG_CARD_SERIAL),
		.flags = rd32(tms, TMS_REG_CAP_FLAGS),
		.max_permille = rd32(tms, TMS_REG_CAP_MAX_PERMILLE),
		.min_interval_ns = rd32(tms, TMS_REG_CAP_MIN_INTERVAL_NS),
		.stored_pulses = rd32(tms, TMS_REG_CAP_STORED_PULSES),
		.pulse_mJ = rd32(tms, TMS_REG_CAP_PULSE_MJ),
		.charge_mW = rd32(tms, TMS_REG_CAP_CHARGE_MW),
		.dump_mW = rd32(tms, TMS_REG_CAP_DUMP_MW),
		.reservoir_mJ = rd32(tms, TMS_REG_CAP_RESERVOIR_MJ),
		.refill_mW = rd32(tms, TMS_REG_CAP_REFILL_MW),
		.ampl_tol_permille = rd32(tms, TMS_REG_CAP_AMPL_TOL_PERMILLE),
		.watchdog_ms = rd32(tms, TMS_REG_CAP_WATCHDOG_MS),
		.fifo_depth = rd32(tms, TMS_REG_CAP_FIFO_DEPTH),
		.firmware = rd32(tms, TMS_REG_FIRMWARE),
	};

	/* It may have gone while it was asked. */
	if (!tms_card_present(tms))
		return -ENODEV;
	if (c.version >> 16 != TMS_VERSION_MAJOR) {
		dev_err(dev, "card has register contract %u.%u, expected %u.x: install the driver that is made for it\n",
			c.version >> 16, c.version & 0xffff, TMS_VERSION_MAJOR);
		return -EPROTO;
	}
	/* Records and history are kept by it: two cards without one would share them. */
	if (!c.serial || c.serial == U64_MAX) {
		dev_err(dev, "card has no serial number: it reads %016llx: have it serviced\n",
			c.serial);
		return -EPROTO;
	}
	if (!c.max_permille || c.max_permille > 1000 || !c.min_interval_ns ||
	    !c.stored_pulses || c.stored_pulses > TMS_STORED_MAX || !c.pulse_mJ ||
	    !c.charge_mW || !c.dump_mW || !c.refill_mW ||
	    c.watchdog_ms * NSEC_PER_MSEC <= 2 * TMS_KICK_NS ||
	    c.watchdog_ms > TMS_WATCHDOG_MAX_MS || c.fifo_depth < TMS_FIFO_MIN ||
	    c.ampl_tol_permille > TMS_AMPL_TOL_MAX) {
		dev_err(dev, "card states capabilities outside of its contract: have it serviced\n");
		return -EPROTO;
	}

	*ret_caps = c;
	return 0;
}

/* Everything that matters of a card that has come, for the first time or again. */
int tms_card_ask(struct tms_device *tms, struct tms_identity *ret)
{
	int r;

	r = ask_caps(tms, &ret->caps);
	if (r < 0)
		return r;
	tms_card_coil(tms, &ret->coil);
	ret->odometer = rd64(tms, TMS_REG_ODOMETER);
	return tms_card_present(tms) ? 0 : -ENODEV;
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
