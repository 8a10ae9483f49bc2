// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the card still the one that it was when it was last asked? After a reset, a bus error, sleep
 * or a fault, and before a timeline is loaded or armed, the driver asks the card again for all
 * that probe asked for: identity, contract, capabilities, coil, odometer. The table rows[] says
 * what follows from each difference.
 *
 * Context: process, registers mapped, tms->lock held, not energised. Takes engine_lock.
 */
#include <linux/delay.h>

#include "call/call.h"

/*
 * The answer to a discharge is in the FIFO at most 100 us later (CARD.md, chapter 14); this is
 * twice that.
 */
#define ANSWERED_NS	200000
#define SETTLE_TRIES	5

#define GONE		BIT(0)	/* another card is in its place: this device is gone */
#define CHANGED		BIT(1)	/* the timeline is dropped, the new figures are taken */
#define REST		BIT(2)	/* the card has to rest: its history has other figures */
#define FIRED		BIT(3)	/* pulses that were fired unseen go into the history */

static bool other_serial(const struct tms_identity *was, const struct tms_identity *is)
{
	return was->caps.serial != is->caps.serial;
}

static bool other_contract(const struct tms_identity *was, const struct tms_identity *is)
{
	return was->caps.version != is->caps.version;
}

static bool other_firmware(const struct tms_identity *was, const struct tms_identity *is)
{
	return was->caps.firmware != is->caps.firmware;
}

static bool other_caps(const struct tms_identity *was, const struct tms_identity *is)
{
	struct tms_caps caps = is->caps;

	/* These three have rows of their own. */
	caps.serial = was->caps.serial;
	caps.version = was->caps.version;
	caps.firmware = was->caps.firmware;
	return memcmp(&caps, &was->caps, sizeof(caps));
}

static bool other_coil(const struct tms_identity *was, const struct tms_identity *is)
{
	return memcmp(&was->coil, &is->coil, sizeof(is->coil));
}

static bool other_odometer(const struct tms_identity *was, const struct tms_identity *is)
{
	return was->odometer != is->odometer;
}

static const struct {
	const char *what;
	bool (*differs)(const struct tms_identity *was, const struct tms_identity *is);
	u32 follows;
} rows[] = {
	{ "serial number",	other_serial,	GONE },
	{ "register contract",	other_contract,	CHANGED },
	{ "firmware",		other_firmware,	CHANGED },
	{ "capabilities",	other_caps,	CHANGED | REST },
	{ "coil",		other_coil,	CHANGED },
	{ "odometer",		other_odometer,	FIRED },
};

static u32 back_compare(const struct tms_identity *was, const struct tms_identity *is)
{
	u32 follows = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].differs(was, is))
			follows |= rows[i].follows;
	}
	return follows;
}

static void back_tell(struct tms_device *tms, const struct tms_identity *was,
		      const struct tms_identity *is)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].differs(was, is))
			dev_notice(&tms->pdev->dev, "another %s than before\n", rows[i].what);
	}
}

/*
 * Reads the odometer at a moment at which no answer is on its way: the pulse of such an answer
 * would be counted twice. *@ret_was is the count that the driver expects. False: the card may be
 * discharging just now. engine_lock held.
 */
static bool back_read_odometer(struct tms_device *tms, u64 *ret_was, u64 *ret_is)
{
	u64 rested_ns = readq(tms->mmio + TMS_REG_SINCE_PULSE_NS);

	if (!tms_answer_poll(tms) || tms->undrained)
		return false;
	*ret_was = tms->store->odometer;
	*ret_is = readq(tms->mmio + TMS_REG_ODOMETER);
	/*
	 * The history has already counted the triggers without an answer, whether they fired or
	 * not.
	 */
	if (*ret_is - *ret_was <= tms->store->unanswered)
		*ret_was = *ret_is;
	return rested_ns > ANSWERED_NS &&
	       readq(tms->mmio + TMS_REG_SINCE_PULSE_NS) >= rested_ns;
}

/*
 * Waits until no answer is on its way; takes the answers that come meanwhile, and reads the
 * odometer. -EAGAIN: the card goes on discharging.
 */
static int back_settle(struct tms_device *tms, struct tms_identity *was, struct tms_identity *is)
{
	unsigned int i;

	for (i = 0; i < SETTLE_TRIES; i++) {
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
			if (back_read_odometer(tms, &was->odometer, &is->odometer))
				return 0;
		}
		usleep_range(ANSWERED_NS / NSEC_PER_USEC, 2 * ANSWERED_NS / NSEC_PER_USEC);
	}
	return -EAGAIN;
}

/*
 * The device is gone: nobody can use the card through it any more. Its records can be read to the
 * last one.
 */
static void back_lose(struct tms_device *tms)
{
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms_answer_give_up(tms);
		if (tms->state != TMS_STATE_GONE)
			tms_set_state(tms, TMS_STATE_GONE, TMS_CAUSE_CARD_ABSENT);
	}
	tms_device_lose(tms);
	dev_err(&tms->pdev->dev, "card %016llx is gone, another is in its place: unbind the driver from %s and bind it again\n",
		tms->caps.serial, pci_name(tms->pdev));
}

static void back_take_over(struct tms_device *tms, const struct tms_identity *is, u32 follows)
{
	u64 unseen = 0;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->caps = is->caps;
		if (follows & CHANGED)
			tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
		if (follows & REST)
			tms->store->history_known = false;
		if (follows & FIRED)
			unseen = tms_store_odometer(tms->store, is->odometer);
	}
	tms->coil = is->coil;
	if (follows & CHANGED)
		tms_limits_physics(tms, &is->coil);
	tms_store_tell(tms, unseen);
}

/*
 * Asks the card, compares, and does what rows[] says. -ENODEV: no card answers; or another card
 * does, and then this device is gone. -EAGAIN: the card is discharging, or has not answered the
 * last trigger.
 */
int tms_back(struct tms_device *tms)
{
	struct tms_identity was = { .caps = tms->caps, .coil = tms->coil }, is;
	u32 follows;
	int r;

	lockdep_assert_held(&tms->lock);

	r = tms_identity_ask(tms, &is);
	if (r == -ENODEV)
		return r;
	/*
	 * The serial number is compared before the odometer is read: reading the odometer may
	 * have to wait, and the odometer of another card means nothing.
	 */
	if (r < 0 || back_compare(&was, &is) & GONE) {
		back_lose(tms);
		return -ENODEV;
	}
	r = back_settle(tms, &was, &is);
	if (r < 0)
		return r;
	if (!tms_card_present(tms))
		return -ENODEV;

	follows = back_compare(&was, &is);
	back_tell(tms, &was, &is);
	if (follows)
		back_take_over(tms, &is, follows);
	return 0;
}

/*
 * Probe takes over what the card has fired while no driver was bound. The card may still hold
 * answers to some of these pulses. They are taken first, and each is recorded and counted; the
 * odometer then adds the pulses without an answer. So no pulse counts twice. The caller has
 * adopted the store and requested the interrupts. Takes tms->lock and engine_lock. -ENODEV: the
 * card went meanwhile, and its count stays what it was.
 */
int tms_back_first(struct tms_device *tms)
{
	struct tms_store *store = tms->store;
	struct tms_identity was, is;
	u64 unseen = 0;
	int r;

	guard(mutex)(&tms->lock);

	r = back_settle(tms, &was, &is);
	if (r < 0)
		dev_warn(&tms->pdev->dev, "the card discharges though nobody asks it to: switch it off, and have it serviced\n");

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (r < 0)
			is.odometer = readq(tms->mmio + TMS_REG_ODOMETER);
		/* Registers of a card that has gone read all ones, which is no count. */
		if (!tms_card_present(tms))
			return -ENODEV;
		if (r < 0)
			store->history_known = false;
		/* The module meets the card for the first time: there is no earlier count. */
		if (!store->counted)
			store->odometer = is.odometer;
		store->counted = true;
		unseen = tms_store_odometer(store, is.odometer);
	}
	tms_store_tell(tms, unseen);
	return 0;
}
