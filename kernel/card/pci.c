// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI binding: probe, remove, module entry.
 *
 * Context: process. Probe takes tms->lock and engine_lock, each alone.
 */
#include <linux/interrupt.h>
#include <linux/module.h>

#include "card/card.h"
#include "version.h"

static void irqs_free(struct tms_device *tms, unsigned int count)
{
	while (count--)
		free_irq(pci_irq_vector(tms->pdev, count), tms);
}

/*
 * IRQF_NOBALANCING: the interrupts belong on the engine's CPU. IRQF_NO_THREAD: the handlers run
 * in hard IRQ on PREEMPT_RT, too, since SAFE must not wait for the scheduler.
 */
static int irqs_request(struct tms_device *tms)
{
	static const irq_handler_t handlers[TMS_VECTOR_COUNT] = {
		[TMS_VECTOR_FAULT] = tms_fault_irq,
		[TMS_VECTOR_PULSE] = tms_pulse_irq,
	};
	static const char * const names[TMS_VECTOR_COUNT] = {
		[TMS_VECTOR_FAULT] = "fault",
		[TMS_VECTOR_PULSE] = "pulse",
	};
	unsigned int i;
	int r;

	for (i = 0; i < TMS_VECTOR_COUNT; i++) {
		snprintf(tms->irq_name[i], sizeof(tms->irq_name[i]), "%s-%s",
			 dev_name(&tms->dev), names[i]);
		r = request_irq(pci_irq_vector(tms->pdev, i), handlers[i],
				IRQF_NO_THREAD | IRQF_NOBALANCING, tms->irq_name[i], tms);
		if (r < 0) {
			irqs_free(tms, i);
			return r;
		}
	}
	return 0;
}

/*
 * Waits for the irq_work and the work item. Interrupts and timers have ended, so that nobody
 * queues them any more.
 */
static void work_end(struct tms_device *tms)
{
	irq_work_sync(&tms->wake_work);
	cancel_work_sync(&tms->qos_work);
}

static void card_disable(void *data)
{
	pci_disable_device(data);
}

static void card_release_regions(void *data)
{
	pci_release_regions(data);
}

/*
 * pcim_enable_device() is not used: behind it, some kernels release requested regions by
 * themselves when the driver is unbound, and others (6.16 and later) do not. Plain calls enable
 * the device and request its regions, and these two actions undo that exactly once, on every
 * kernel.
 */
static int registers_map(struct tms_device *tms)
{
	struct pci_dev *pdev = tms->pdev;
	int r;

	r = pci_enable_device(pdev);
	if (r < 0)
		return r;
	r = devm_add_action_or_reset(&pdev->dev, card_disable, pdev);
	if (r < 0)
		return r;
	/* Exclusive: nobody can write to the card through /dev/mem or sysfs meanwhile. */
	r = pci_request_regions_exclusive(pdev, TMS_NAME);
	if (r < 0)
		return r;
	r = devm_add_action_or_reset(&pdev->dev, card_release_regions, pdev);
	if (r < 0)
		return r;
	if (pci_resource_len(pdev, TMS_BAR) < TMS_BAR_SIZE) {
		dev_err(&pdev->dev, "register window is %llu bytes, expected %u: have the card serviced\n",
			(u64)pci_resource_len(pdev, TMS_BAR), TMS_BAR_SIZE);
		return -ENODEV;
	}
	tms->mmio = pcim_iomap(pdev, TMS_BAR, 0);
	return tms->mmio ? 0 : -ENOMEM;
}

static int card_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct tms_identity identity;
	struct tms_device *tms;
	int r;

	tms = tms_device_alloc(pdev);
	if (IS_ERR(tms))
		return PTR_ERR(tms);

	r = registers_map(tms);
	if (r < 0)
		goto err_put;
	r = tms_identity_ask(tms, &identity);
	if (r < 0) {
		r = -ENODEV;
		goto err_put;
	}
	tms->caps = identity.caps;
	tms->coil = identity.coil;
	r = tms_store_adopt(tms);
	if (r < 0)
		goto err_put;
	tms_card_setup(tms);
	scoped_guard(mutex, &tms->lock)
		tms_limits_physics(tms, &identity.coil);

	/*
	 * GATE is read 3 us before a pulse; over a link that sleeps, the read would take up to
	 * 100 us.
	 */
	pci_disable_link_state(pdev, PCIE_LINK_STATE_L0S | PCIE_LINK_STATE_L1);
	pci_set_master(pdev);
	r = pci_alloc_irq_vectors(pdev, TMS_VECTOR_COUNT, TMS_VECTOR_COUNT, PCI_IRQ_MSIX);
	if (r < 0)
		goto err_leave_store;
	r = tms_panel_add(tms);
	if (r < 0)
		goto err_free_vectors;
	r = irqs_request(tms);
	if (r < 0)
		goto err_remove_panel;
	r = tms_back_first(tms);
	if (r < 0)
		goto err_free_irqs;
	pci_set_drvdata(pdev, tms);
	r = tms_power_add(tms);
	if (r < 0)
		goto err_free_irqs;
	/*
	 * A fault that the card has latched before probe is shown now, and not only when somebody
	 * arms.
	 */
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_interlock_scan(tms, 0);
	r = tms_cdev_add(tms);
	if (r < 0)
		goto err_remove_power;
	r = tms_hwmon_add(tms);
	if (r < 0)
		dev_warn(&pdev->dev, "no hwmon device: %d; sensors does not show its temperatures, tmsctl does\n",
			 r);

	pci_save_state(pdev);
	dev_info(&pdev->dev, "%s: card %016llx, firmware %u.%u.%u\n", dev_name(&tms->dev),
		 tms->caps.serial, tms->caps.firmware >> 16, tms->caps.firmware >> 8 & 0xff,
		 tms->caps.firmware & 0xff);
	return 0;

err_remove_power:
	tms_power_remove(tms);
err_free_irqs:
	tms_device_kill(tms, TMS_CAUSE_SHUTDOWN);
	irqs_free(tms, TMS_VECTOR_COUNT);
err_remove_panel:
	tms_panel_remove(tms);
	work_end(tms);
err_free_vectors:
	pci_free_irq_vectors(pdev);
err_leave_store:
	tms_store_leave(tms);
err_put:
	tms_device_free(tms);
	return r;
}

static void card_remove(struct pci_dev *pdev)
{
	struct tms_device *tms = pci_get_drvdata(pdev);

	tms_device_kill(tms, tms_card_present(tms) ? TMS_CAUSE_SHUTDOWN : TMS_CAUSE_CARD_ABSENT);
	tms_cdev_del(tms);
	tms_power_remove(tms);
	irqs_free(tms, TMS_VECTOR_COUNT);
	tms_panel_remove(tms);
	work_end(tms);
	pci_free_irq_vectors(pdev);
	tms_store_leave(tms);
	tms_device_free(tms);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(TMS_PCI_VENDOR_ID, TMS_PCI_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = TMS_NAME,
	.id_table = ids,
	.probe = card_probe,
	.remove = card_remove,
	.shutdown = tms_power_shutdown,
	.err_handler = &tms_error_handlers,
	.driver.pm = pm_sleep_ptr(&tms_pm_ops),
};

static int __init tms_init(void)
{
	int r;

	r = tms_cdev_register();
	if (r < 0)
		return r;
	r = tms_power_register();
	if (r < 0)
		goto err_cdev;
	r = pci_register_driver(&driver);
	if (r < 0)
		goto err_power;
	return 0;

err_power:
	tms_power_unregister();
err_cdev:
	tms_cdev_unregister();
	return r;
}

static void __exit tms_exit(void)
{
	pci_unregister_driver(&driver);
	tms_power_unregister();
	tms_cdev_unregister();
	tms_store_destroy_all();
}

module_init(tms_init);
module_exit(tms_exit);

MODULE_AUTHOR("The tmsd authors");
MODULE_DESCRIPTION("Transcranial magnetic stimulator cards: hard-IRQ pulse engine and safety");
MODULE_LICENSE("GPL");
MODULE_VERSION(TMS_VERSION);
