/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stimulators that come and go; see hotplug.h. */
#include <assert.h>
#include <libudev.h>
#include <sys/epoll.h>

#include "hotplug.h"
#include "recovery.h"
#include "stimulator.h"

struct hotplug {
        struct ward *ward;
        hotplug_forbidden_fn forbidden;
        void *userdata;
        struct udev_monitor *monitor;
        sd_event_source *source;
};

/* --- Coming ------------------------------------------------------------------------------ */

/* The records that an earlier run has left are on disk, or could not be had. */
static void on_recovered(int error, const struct tms_event *events, size_t n, void *userdata)
{
        struct stimulator *st = userdata;
        struct ward *w = st->ward;

        assert(st->recovering && w->recovering > 0);
        st->recovering = false;
        w->recovering--;
        if (!st->gone)
                stimulator_publish(st);
        w->settled(w->userdata);
        stimulator_unref(st);
}

static int add(struct ward *w, const char *node)
{
        struct tms_device *monitor;
        struct stimulator *st;
        int r;

        r = tms_device_open(node, false, &monitor);
        if (r < 0) {
                (void)snprintf(w->unusable_node, sizeof(w->unusable_node), "%s", node);
                w->unusable_error = r;
                log_event(STIMULATOR_UNUSABLE, FIELDS(field_text("DEVICE_NODE", node), field_errno(r)),
                          "%s: cannot be opened: %s; see who may (ls -l), then: systemctl restart tmsd", node,
                          strerror(-r));
                return r;
        }
        if (STREQ(node, w->unusable_node))
                *w->unusable_node = '\0';
        r = stimulator_new(w, node, monitor, &st);
        if (r < 0) {
                tms_device_close(monitor);
                return r;
        }
        st->recovering = true;
        w->recovering++;
        recovery_begin(stimulator_ref(st), NULL, on_recovered, st);
        return 0;
}

/* --- What udev says ------------------------------------------------------------------------ */

static int see_node(struct hotplug *h, const char *action, const char *node)
{
        struct stimulator *st = ward_find_stimulator(h->ward, node);

        /* Told late or not at all; another card may have the same node by now. What the file says counts. */
        if (st && !stimulator_is_there(st)) {
                stimulator_remove(st);
                st = NULL;
        }
        if (STREQ(action, "remove") && STREQ(node, h->ward->unusable_node))
                *h->ward->unusable_node = '\0';
        return st || STREQ(action, "remove") || h->ward->stopping ? 0 : add(h->ward, node);
}

void hotplug_see(struct hotplug *h, const char *action, const char *node)
{
        if (see_node(h, action, node) == -EPERM)
                h->forbidden(node, h->userdata);
}

static int found_node(const char *node, void *userdata)
{
        /* One card that cannot be opened does not hide the others. */
        (void)see_node(userdata, "add", node);
        return 0;
}

static int on_udev(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct hotplug *h = userdata;
        struct udev_device *d;
        const char *action, *node;

        errno = 0;
        d = udev_monitor_receive_device(h->monitor);
        if (!d) {
                /* What did not fit into the socket's buffer is lost: look for oneself. */
                if (errno == ENOBUFS && !h->ward->stopping)
                        (void)tms_enumerate(found_node, h);
                return 0;
        }
        action = udev_device_get_action(d);
        node = udev_device_get_devnode(d);
        if (action && node)
                hotplug_see(h, action, node);
        udev_device_unref(d);
        return 0;
}

static int listen_to_udev(struct hotplug *h)
{
        struct udev *udev = udev_new();
        int r;

        if (!udev)
                return -ENOMEM;
        h->monitor = udev_monitor_new_from_netlink(udev, "udev");
        /* The monitor keeps what it needs of the context. */
        udev_unref(udev);
        if (!h->monitor)
                return log_error_errno(-EIO, "see systemctl status systemd-udevd", "udev cannot be listened to");
        r = udev_monitor_filter_add_match_subsystem_devtype(h->monitor, "tms", NULL);
        if (r >= 0)
                r = udev_monitor_enable_receiving(h->monitor);
        if (r >= 0)
                r = sd_event_add_io(h->ward->event, &h->source, udev_monitor_get_fd(h->monitor), EPOLLIN, on_udev, h);
        if (r < 0)
                return log_error_errno(r, "see systemctl status systemd-udevd", "udev cannot be listened to");
        (void)sd_event_source_set_description(h->source, "udev");
        return 0;
}

/* --- Life ------------------------------------------------------------------------------------ */

int hotplug_start(struct hotplug *h)
{
        int r;

        /* First listen, then look, so that nothing falls between. */
        r = listen_to_udev(h);
        if (r < 0)
                return r;
        r = tms_enumerate(found_node, h);
        if (r < 0)
                (void)log_error_errno(r, "see systemctl status systemd-udevd, then: systemctl restart tmsd",
                                      "stimulators cannot be enumerated");
        return 0;
}

int hotplug_new(struct ward *w, hotplug_forbidden_fn forbidden, void *userdata, struct hotplug **ret)
{
        struct hotplug *h = calloc(1, sizeof(*h));

        assert(forbidden);
        if (!h)
                return -ENOMEM;
        h->ward = w;
        h->forbidden = forbidden;
        h->userdata = userdata;
        *ret = h;
        return 0;
}

struct hotplug *hotplug_free(struct hotplug *h)
{
        if (!h)
                return NULL;
        sd_event_source_disable_unref(h->source);
        udev_monitor_unref(h->monitor);
        free(h);
        return NULL;
}
