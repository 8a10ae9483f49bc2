// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that a card says of itself: contract, serial number, capabilities, coil, odometer;
 * and whether it makes sense.
 *
 * Context: process, registers mapped. Takes no lock.
 */
#include <linux/dev_printk.h>

#include "call/call.h"

static u32 rd32(struct tms_device *tms, u32 reg)
{
	return readl(tms->mmio + reg);
}

static u64 rd64(struct tms_device *tms, u32 reg)
{
	return readq(tms->mmio + reg);
}

/*
 * Is it a card that this driver understands, and do its figures make sense? -ENODEV: no card
 * answers. -EPROTO: the card that answers is not usable.
 */
static int identity_ask_caps(struct tms_device *tms, struct tms_caps *ret_caps)
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

	/* The card may have gone while it was asked: its registers then read all ones. */
	if (!tms_card_present(tms))
		return -ENODEV;
	if (c.version >> 16 != TMS_VERSION_MAJOR) {
		dev_err(dev, "card has register contract %u.%u, expected %u.x: install the driver that is made for it\n",
			c.version >> 16, c.version & 0xffff, TMS_VERSION_MAJOR);
		return -EPROTO;
	}
	/* Records and history are kept by serial number: two cards without one would share them. */
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

/*
 * Asks a card that has come, for the first time or again, for everything that matters. Return:
 * see identity_ask_caps().
 */
int tms_identity_ask(struct tms_device *tms, struct tms_identity *ret)
{
	int r;

	r = identity_ask_caps(tms, &ret->caps);
	if (r < 0)
		return r;
	tms_card_coil(tms, &ret->coil);
	ret->odometer = rd64(tms, TMS_REG_ODOMETER);
	return tms_card_present(tms) ? 0 : -ENODEV;
}
