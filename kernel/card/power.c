// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to the whole machine, and to the card's place in it: system sleep, shutdown,
 * panic, a CPU that goes away, resets and bus errors. Each makes the card SAFE; a treatment never
 * goes on after any of them. A kernel that crashes into another one (kdump) may not get as far as
 * this file: then the card's watchdog makes it SAFE.
 *
 * Context: process, panic excepted. Takes tms_devices_lock, tms->lock and engine_lock; rwsem only
 * without tms->lock.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/panic_notifier.h>
#include <linux/suspend.h>

#include "card/card.h"

/* --- out of reach, and back ------------------------------------------------------ */

static void power_end_for_reset(struct tms_device *tms)
{
	if (tms_treating(tms->state))
		tms_fault(tms, TMS_CAUSE_CARD_RESET);
	else
		tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
}

#define ANSWER_TRIES	3
#define ANSWER_US	100	/* most that an answer takes */

/*
 * A reset makes the card forget its answers. So this takes the answer to the last trigger, and
 * all others, or gives the last one up.
 */
static void power_take_answer(struct tms_device *tms)
{
	bool taken = READ_ONCE(tms->dead), more = false;
	int i;

	for (i = 0; !taken && i < (more ? TMS_DRAINS_MAX : ANSWER_TRIES); i++) {
		if (i)
			usleep_range(ANSWER_US, 2 * ANSWER_US);
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
			taken = tms_answer_poll(tms) && !tms->undrained;
			more = tms->undrained;
		}
	}
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_answer_give_up(tms);
}

/*
 * Makes the card SAFE, and waits until no caller is between enter and leave. From then on callers
 * get -EBUSY, and nothing touches a register. @end ends the treatment, with engine_lock held.
 */
static void power_go_away(struct tms_device *tms, void (*end)(struct tms_device *tms))
{
	tms_halt_now(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		end(tms);

	down_write(&tms->rwsem);
	/* Before rwsem was held for writing, somebody may have loaded or armed again. */
	tms_halt_now(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		end(tms);
	power_take_answer(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->undrained = false;
		tms->away = true;
	}
	up_write(&tms->rwsem);
}

/*
 * The card may be there again: asks it, and lets callers in. -ENODEV: no card answers, or another
 * one does.
 */
static int power_come_back(struct tms_device *tms)
{
	int r = -ENODEV;

	scoped_guard(mutex, &tms->lock) {
		if (READ_ONCE(tms->dead))
			break;
		/* After a bus error callers were not kept out: somebody may have armed. */
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
			power_end_for_reset(tms);
		r = tms_back(tms);
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
			/*
			 * The card goes on discharging, so that its odometer cannot be compared:
			 * it has to rest before START.
			 */
			if (r == -EAGAIN)
				tms->store->history_known = false;
			if (r == -ENODEV)
				tms_fault(tms, TMS_CAUSE_CARD_ABSENT);
			else
				tms_card_setup(tms);
		}
	}

	down_write(&tms->rwsem);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->away = false;
		/*
		 * The fault handler has ignored what opened while the card was away: it is looked
		 * at now.
		 */
		tms_interlock_scan(tms, 0);
	}
	up_write(&tms->rwsem);
	tms_wake_panel(tms);
	return r == -ENODEV ? r : 0;
}

/* --- system sleep ------------------------------------------------------------ */

/* Called before any task is frozen: during a treatment, system sleep is refused. */
static int power_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct tms_device *tms = container_of(nb, struct tms_device, pm_nb);

	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (tms_treating(READ_ONCE(tms->state)))
			return notifier_from_errno(-EBUSY);
		break;
	}
	return NOTIFY_DONE;
}

/*
 * If somebody has armed after power_notify() looked, this ends it. The lease ends, too: it must
 * not last beyond sleep.
 */
static void power_end_for_sleep(struct tms_device *tms)
{
	tms_drop_timeline(tms, TMS_CAUSE_SUSPEND);
	tms->lease_end_ns = 0;
}

static int power_sleep(struct device *dev)
{
	struct tms_device *tms = dev_get_drvdata(dev);

	power_go_away(tms, power_end_for_sleep);
	tms_timers_cancel(tms);
	return 0;
}

/* Wakes up: the card may have lost its power and all that was set in it, or may be another card. */
static int power_wake(struct device *dev)
{
	struct tms_device *tms = dev_get_drvdata(dev);

	/*
	 * The PCI core has used up the saved state when it restored it. It is saved anew, for a
	 * bus error that may come at any time.
	 */
	if (pci_device_is_present(tms->pdev))
		pci_save_state(tms->pdev);
	power_come_back(tms);
	return 0;
}

const struct dev_pm_ops tms_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(power_sleep, power_wake)
};

/* Reboot, power-off, kexec: the device is not used any more after this. */
void tms_power_shutdown(struct pci_dev *pdev)
{
	tms_device_kill(pci_get_drvdata(pdev), TMS_CAUSE_SHUTDOWN);
}

/* --- resets and bus errors ------------------------------------------------------ */

/*
 * Somebody is about to reset the function, or the whole bus. No lock is held until reset_done():
 * a reset may take a minute, and several cards may be reset at once.
 */
static void reset_prepare(struct pci_dev *pdev)
{
	power_go_away(pci_get_drvdata(pdev), power_end_for_reset);
}

static void reset_done(struct pci_dev *pdev)
{
	/* The configuration of a card that is absent reads as all ones, and is not saved. */
	if (pci_device_is_present(pdev))
		pci_save_state(pdev);
	power_come_back(pci_get_drvdata(pdev));
}

/*
 * A bus error: the registers may be out of reach already, so that SAFE is written and nothing is
 * read.
 */
static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t channel)
{
	struct tms_device *tms = pci_get_drvdata(pdev);

	tms_halt(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms_treating(tms->state))
			tms_fault(tms, TMS_CAUSE_CARD_ABSENT);
		else
			tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	}
	return channel == pci_channel_io_perm_failure ? PCI_ERS_RESULT_DISCONNECT :
							PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct tms_device *tms = pci_get_drvdata(pdev);

	pci_restore_state(pdev);
	pci_save_state(pdev);
	pci_set_master(pdev);
	return power_come_back(tms) < 0 ? PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_RECOVERED;
}

const struct pci_error_handlers tms_error_handlers = {
	.error_detected = error_detected,
	.slot_reset = slot_reset,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};

/* --- CPUs --------------------------------------------------------------------------- */

static enum cpuhp_state hotplug_state;

/*
 * Moves the engine to @cpu. Its timers and the card's interrupts are on one CPU: so an answer is
 * never taken at the same time as the next pulse is fired.
 */
static void power_engine_to(struct tms_device *tms, int cpu)
{
	unsigned int i;

	if (cpu < 0 || cpu == tms->engine_cpu)
		return;
	WRITE_ONCE(tms->engine_cpu, cpu);
	for (i = 0; i < TMS_VECTOR_COUNT; i++)
		irq_set_affinity_and_hint(pci_irq_vector(tms->pdev, i), cpumask_of(cpu));
}

static void power_leave_cpu(struct tms_device *tms, void *data)
{
	unsigned int cpu = *(unsigned int *)data;
	bool energised = false;
	int other;

	if (tms->engine_cpu != cpu)
		return;
	/*
	 * The engine moves before the stop: what is armed after the stop is armed on the other
	 * CPU.
	 */
	other = tms_devices_pick_cpu(tms, cpu);
	power_engine_to(tms, other);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		energised = tms_energised(tms->state);
	/*
	 * A card that is not energised is left alone: on the way to system sleep it sleeps
	 * already, and its registers must not be touched.
	 */
	if (energised)
		tms_stop(tms, TMS_CAUSE_CPU_OFFLINE);
}

/*
 * Moves the engine to the CPU that a probe would choose now: after sleep that is the CPU of
 * before. Never during a treatment that is energised.
 */
static void power_spread(struct tms_device *tms, void *data)
{
	guard(mutex)(&tms->lock);
	if (!tms_energised(READ_ONCE(tms->state)))
		power_engine_to(tms, tms_devices_pick_cpu(tms, -1));
}

static int power_cpu_comes(unsigned int cpu)
{
	tms_devices_each(power_spread, NULL);
	return 0;
}

/* A CPU goes away: if an engine is on it, its run ends, and the engine moves to another CPU. */
static int power_cpu_goes(unsigned int cpu)
{
	tms_devices_each(power_leave_cpu, &cpu);
	return 0;
}

/* --- panic ------------------------------------------------------------------------------ */

static int panic_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	tms_devices_panic();
	return NOTIFY_DONE;
}

static struct notifier_block panic_nb = {
	.notifier_call = panic_notify,
	.priority = INT_MAX,
};

/* --- registration ------------------------------------------------------------------------- */

/* Called when the interrupts have been requested, and before the node is there. */
int tms_power_add(struct tms_device *tms)
{
	int r;

	tms->pm_nb.notifier_call = power_notify;
	r = register_pm_notifier(&tms->pm_nb);
	if (r < 0)
		return r;

	cpus_read_lock();
	mutex_lock(&tms_devices_lock);
	power_engine_to(tms, tms_devices_pick_cpu(tms, -1));
	tms_devices_add(tms);
	mutex_unlock(&tms_devices_lock);
	cpus_read_unlock();
	return 0;
}

void tms_power_remove(struct tms_device *tms)
{
	unsigned int i;

	mutex_lock(&tms_devices_lock);
	tms_devices_remove(tms);
	mutex_unlock(&tms_devices_lock);

	for (i = 0; i < TMS_VECTOR_COUNT; i++)
		irq_update_affinity_hint(pci_irq_vector(tms->pdev, i), NULL);
	unregister_pm_notifier(&tms->pm_nb);
}

int tms_power_register(void)
{
	int r;

	r = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "tms:engine", power_cpu_comes,
				      power_cpu_goes);
	if (r < 0)
		return r;
	hotplug_state = r;
	atomic_notifier_chain_register(&panic_notifier_list, &panic_nb);
	return 0;
}

void tms_power_unregister(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_nb);
	cpuhp_remove_state_nocalls(hotplug_state);
}
