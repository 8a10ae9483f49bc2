/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which stimulators are there: the devices of class "tms" for which udev has
 * run its rules, so that the node already has its owner and its mode.
 */
#include "base.h"

#include <errno.h>
#include <libudev.h>

int tms_enumerate(int (*found)(const char *node, void *userdata), void *userdata)
{
        struct udev_enumerate *enumerate = NULL;
        struct udev_list_entry *entry;
        struct udev *udev;
        int r = -ENOMEM;

        udev = udev_new();
        if (!udev)
                return -ENOMEM;

        enumerate = udev_enumerate_new(udev);
        if (!enumerate)
                goto finish;

        r = udev_enumerate_add_match_subsystem(enumerate, "tms");
        if (r >= 0)
                r = udev_enumerate_add_match_is_initialized(enumerate);
        if (r >= 0)
                r = udev_enumerate_scan_devices(enumerate);
        if (r < 0)
                goto finish;

        r = 0;
        udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate)) {
                struct udev_device *device;
                const char *node;

                device = udev_device_new_from_syspath(udev, udev_list_entry_get_name(entry));
                if (!device)
                        continue; /* unplugged since the scan */

                node = udev_device_get_devnode(device);
                if (node)
                        r = found(node, userdata);
                udev_device_unref(device);
                if (r != 0)
                        break;
        }

finish:
        if (enumerate)
                udev_enumerate_unref(enumerate);
        udev_unref(udev);
        return r;
}
