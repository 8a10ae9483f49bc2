// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's panel as an input device: arm key, footswitch, the patient's and the emergency stop,
 * for libevdev and everybody else who reads input devices.
 *
 * This only reports. A stop button works by the card's interlock and the fault handler, and waits
 * for nothing in this file. The input core takes spinlocks that may sleep on PREEMPT_RT, so that
 * a work item reads and reports the levels, and not the interrupt handler.
 *
 * Context: process. Takes rwsem for reading, no other lock. tms_wake_panel() queues the work
 * item, from hard IRQ.
 */
#include <linux/input.h>

#include "card/card.h"

/*
 * Codes without a meaning of their own: a desktop must not take the emergency stop for a key of
 * its media player.
 */
static const struct {
	u32 bit;
	unsigned int code;
} panel_keys[] = {
	{ TMS_PANEL_ARM_KEY, BTN_0 },
	{ TMS_PANEL_FOOTSWITCH, BTN_1 },
	{ TMS_PANEL_PATIENT_STOP, BTN_2 },
	{ TMS_PANEL_EMERGENCY_STOP, BTN_3 },
};

/*
 * Reports the levels as they are now: a button that was pressed and released before the work item
 * ran is not reported. An absent card reads as all ones; that is not reported either.
 */
static void panel_report(struct tms_device *tms)
{
	u32 levels, i;

	if (tms_device_enter(tms))
		return;
	levels = readl(tms->mmio + TMS_REG_PANEL);
	tms_device_leave(tms);
	if (levels & ~TMS_PANEL_MASK)
		return;

	for (i = 0; i < ARRAY_SIZE(panel_keys); i++)
		input_report_key(tms->panel, panel_keys[i].code,
				 levels & panel_keys[i].bit);
	input_sync(tms->panel);
}

static void panel_work(struct work_struct *work)
{
	panel_report(container_of(work, struct tms_device, panel_work));
}

/* Called before the interrupts are requested, since they queue the work item. */
int tms_panel_add(struct tms_device *tms)
{
	struct input_dev *input;
	unsigned int i;
	int ret;

	INIT_WORK(&tms->panel_work, panel_work);

	input = input_allocate_device();
	if (!input)
		return -ENOMEM;

	input->name = "TMS panel";
	input->phys = pci_name(tms->pdev);
	input->id.bustype = BUS_PCI;
	input->id.vendor = tms->pdev->vendor;
	input->id.product = tms->pdev->device;
	input->id.version = tms->caps.version >> 16;
	input->dev.parent = &tms->pdev->dev;
	for (i = 0; i < ARRAY_SIZE(panel_keys); i++)
		input_set_capability(input, EV_KEY, panel_keys[i].code);

	ret = input_register_device(input);
	if (ret) {
		input_free_device(input);
		return ret;
	}
	tms->panel = input;
	/*
	 * A button that is already pressed causes no interrupt: the levels are reported once
	 * here.
	 */
	panel_report(tms);
	return 0;
}

/* Called after the interrupts have been freed: nobody queues the work item any more. */
void tms_panel_remove(struct tms_device *tms)
{
	cancel_work_sync(&tms->panel_work);
	input_unregister_device(tms->panel);
	tms->panel = NULL;
}
