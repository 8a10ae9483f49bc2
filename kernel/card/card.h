/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * card/: the card in the machine: found, bound, asleep, reset, gone; its sensors and panel; and
 * what concerns all cards.
 *
 * Code here may use all other folders.
 * Context: process. Locks: tms_devices_lock, rwsem, tms->lock, engine_lock, in this order.
 */
#ifndef TMS_CARD_H
#define TMS_CARD_H

#include "call/call.h"

/* --- life.c: process ----------------------------------------------------- */

struct tms_device *tms_device_alloc(struct pci_dev *pdev);
void tms_device_free(struct tms_device *tms);
void tms_device_kill(struct tms_device *tms, u32 cause);

/* --- devices.c: process -------------------------------------------------- */

bool tms_devices_treating(void);
void tms_devices_parameters(void);
void tms_devices_add(struct tms_device *tms);			/* tms_devices_lock held */
void tms_devices_remove(struct tms_device *tms);		/* tms_devices_lock held */
void tms_devices_each(void (*fn)(struct tms_device *tms, void *data), void *data);
void tms_devices_panic(void);
int tms_devices_pick_cpu(const struct tms_device *tms, int except); /* tms_devices_lock held */

/* --- power.c: sleep, reset, errors, hotplug of CPUs ---------------------- */

int tms_power_register(void);
void tms_power_unregister(void);
int tms_power_add(struct tms_device *tms);
void tms_power_remove(struct tms_device *tms);
void tms_power_shutdown(struct pci_dev *pdev);
extern const struct pci_error_handlers tms_error_handlers;
extern const struct dev_pm_ops tms_pm_ops;

/* --- hwmon.c, panel.c: process ------------------------------------------- */

int tms_hwmon_add(struct tms_device *tms);
int tms_panel_add(struct tms_device *tms);
void tms_panel_remove(struct tms_device *tms);

#endif
