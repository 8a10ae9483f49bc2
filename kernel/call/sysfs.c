// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/tms/tmsN/: what a person or a udev rule may want to know without opening the device.
 * All files are read-only.
 *
 * Context: process. Takes rwsem through tms_device_enter() where registers are read.
 */
#include <linux/sysfs.h>

#include "call/call.h"

static struct tms_device *to_tms(struct device *dev)
{
	return container_of(dev, struct tms_device, dev);
}

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%016llx\n", to_tms(dev)->caps.serial);
}
static DEVICE_ATTR_RO(serial);

static ssize_t firmware_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 v = to_tms(dev)->caps.firmware;

	return sysfs_emit(buf, "%u.%u.%u\n", v >> 16, v >> 8 & 0xff, v & 0xff);
}
static DEVICE_ATTR_RO(firmware);

static ssize_t contract_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 v = to_tms(dev)->caps.version;

	return sysfs_emit(buf, "%u.%u\n", v >> 16, v & 0xffff);
}
static DEVICE_ATTR_RO(contract);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", tms_state_name(READ_ONCE(to_tms(dev)->state)));
}
static DEVICE_ATTR_RO(state);

static ssize_t engine_cpu_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_tms(dev)->engine_cpu));
}
static DEVICE_ATTR_RO(engine_cpu);

static ssize_t odometer_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tms_device *tms = to_tms(dev);
	u64 odometer;
	int r;

	r = tms_device_enter(tms);
	if (r < 0)
		return r;
	odometer = readq(tms->mmio + TMS_REG_ODOMETER);
	/* Registers of a card that has gone read all ones, which is no count. */
	if (!tms_card_present(tms))
		r = -ENODEV;
	tms_device_leave(tms);
	return r < 0 ? r : sysfs_emit(buf, "%llu\n", odometer);
}
static DEVICE_ATTR_RO(odometer);

static struct attribute *attributes[] = {
	&dev_attr_serial.attr,
	&dev_attr_firmware.attr,
	&dev_attr_contract.attr,
	&dev_attr_state.attr,
	&dev_attr_engine_cpu.attr,
	&dev_attr_odometer.attr,
	NULL,
};

static const struct attribute_group group = {
	.attrs = attributes,
};

const struct attribute_group *tms_sysfs_groups[] = {
	&group,
	NULL,
};
