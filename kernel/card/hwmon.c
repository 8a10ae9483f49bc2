// SPDX-License-Identifier: GPL-2.0-only
/*
 * Temperatures and the high voltage for `sensors` and all other readers of hwmon: coil, board,
 * and the pulse capacitor that fires next.
 *
 * Context: process (sysfs). Takes rwsem for reading, no other lock; the card answers reads of
 * these registers at any time, also while it fires.
 */
#include <linux/hwmon.h>

#include "card/card.h"

#define TEMP_COIL	0
#define TEMP_BOARD	1

static umode_t hwmon_is_visible(const void *data, enum hwmon_sensor_types type,
				u32 attr, int channel)
{
	return 0444;
}

/* rwsem held for reading, not dead. */
static int hwmon_read_card(struct tms_device *tms, enum hwmon_sensor_types type,
			   u32 attr, int channel, long *val)
{
	bool of_coil = type == hwmon_temp && channel == TEMP_COIL;

	/* An absent card reads as all ones: as 0.001 degrees below zero, and 4 MV. */
	if (!tms_card_present(tms))
		return -ENODEV;
	if (of_coil && readl(tms->mmio + TMS_REG_COIL_TYPE) == TMS_COIL_NONE)
		return -ENODATA;

	if (type == hwmon_in)
		*val = readl(tms->mmio + TMS_REG_HV_MV);
	else if (attr == hwmon_temp_crit)
		*val = (s32)readl(tms->mmio + TMS_REG_COIL_TEMP_MAX_MC);
	else if (attr == hwmon_temp_crit_alarm)
		*val = !!(readl(tms->mmio + TMS_REG_STATUS) & TMS_IL_COIL_HOT);
	else
		*val = (s32)readl(tms->mmio + (of_coil ? TMS_REG_COIL_TEMP_MC :
							 TMS_REG_BOARD_TEMP_MC));
	return 0;
}

static int hwmon_read(struct device *dev, enum hwmon_sensor_types type,
		      u32 attr, int channel, long *val)
{
	struct tms_device *tms = dev_get_drvdata(dev);
	int ret;

	ret = tms_device_enter(tms);
	if (ret)
		return ret;
	ret = hwmon_read_card(tms, type, attr, channel, val);
	tms_device_leave(tms);
	return ret;
}

static int hwmon_read_string(struct device *dev, enum hwmon_sensor_types type,
			     u32 attr, int channel, const char **str)
{
	if (type == hwmon_in)
		*str = "capacitor";
	else
		*str = channel == TEMP_COIL ? "coil" : "board";
	return 0;
}

static const struct hwmon_ops hwmon_card_ops = {
	.is_visible = hwmon_is_visible,
	.read = hwmon_read,
	.read_string = hwmon_read_string,
};

static const struct hwmon_channel_info *hwmon_card_channels[] = {
	HWMON_CHANNEL_INFO(temp,
			   HWMON_T_INPUT | HWMON_T_LABEL | HWMON_T_CRIT | HWMON_T_CRIT_ALARM,
			   HWMON_T_INPUT | HWMON_T_LABEL),
	HWMON_CHANNEL_INFO(in, HWMON_I_INPUT | HWMON_I_LABEL),
	NULL
};

static const struct hwmon_chip_info hwmon_card_chip = {
	.ops = &hwmon_card_ops,
	.info = hwmon_card_channels,
};

static void hwmon_put(void *data)
{
	struct tms_device *tms = data;

	put_device(&tms->dev);
}

/*
 * Registers the hwmon device, which ends with the PCI binding. That is after remove(): a late
 * reader still finds struct tms_device, since a reference to it is held here, and gets -ENODEV.
 */
int tms_hwmon_add(struct tms_device *tms)
{
	struct device *parent = &tms->pdev->dev;
	struct device *hwmon;
	int ret;

	get_device(&tms->dev);
	ret = devm_add_action_or_reset(parent, hwmon_put, tms);
	if (ret)
		return ret;

	hwmon = devm_hwmon_device_register_with_info(parent, TMS_NAME, tms, &hwmon_card_chip, NULL);
	return PTR_ERR_OR_ZERO(hwmon);
}
