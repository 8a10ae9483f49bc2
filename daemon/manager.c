/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's centre: start, hotplug, end. The D-Bus interface is in manager-bus.c. */
#include <systemd/sd-daemon.h>

#include "admission.h"
#include "callers.h"
#include "interrupted.h"
#include "manager.h"
#include "protocol-list.h"
#include "recovery.h"
#include "request.h"
#include "session.h"
#include "stimulator.h"

/* --- Hotplug ------------------------------------------------------------------------------ */

static int see_node(struct manager *m, const char *action, const char *node)
{
        struct stimulator *st = stimulator_find(m, node);

        /* Told late or not at all; another card may have the same node by now. What the file says counts. */
        if (st && !stimulator_is_there(st)) {
                stimulator_remove(st);
                st = NULL;
        }
        if (STREQ(action, "remove") && STREQ(node, m->unusable_node))
                *m->unusable_node = '\0';
        return st || STREQ(action, "remove") || m->stopping ? 0 : stimulator_add(m, node);
}

void manager_see_node(struct manager *m, const char *action, const char *node)
{
        int r = see_node(m, action, node);

        /*
         * The unit's device policy names the driver, whose number the service manager looked up when it started us; a
         * module that was loaded for the first time since then is not in it. A new start looks it up anew. At the start
         * itself there is no such hope, so that nothing goes round in circles. With a stimulator here it is another
         * cause, and somebody may be treated.
         */
        if (r != -EPERM || !m->ready || !TAILQ_EMPTY(&m->stimulators) || !TAILQ_EMPTY(&m->sessions))
                return;
        log_notice("%s: forbidden by the device policy of an earlier time; the daemon is started anew", node);
        manager_stop(m, "shutdown", "The daemon is started anew.", EXIT_START_ANEW);
}

static int found_node(const char *node, void *userdata)
{
        /* One card that cannot be opened does not hide the others. */
        (void)see_node(userdata, "add", node);
        return 0;
}

static int on_udev(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct manager *m = userdata;
        struct udev_device *d;
        const char *action, *node;

        errno = 0;
        d = udev_monitor_receive_device(m->udev_monitor);
        if (!d) {
                /* What did not fit into the socket's buffer is lost: look for oneself. */
                if (errno == ENOBUFS && !m->stopping)
                        (void)tms_enumerate(found_node, m);
                return 0;
        }
        action = udev_device_get_action(d);
        node = udev_device_get_devnode(d);
        if (action && node)
                manager_see_node(m, action, node);
        udev_device_unref(d);
        return 0;
}

static int watch_udev(struct manager *m)
{
        struct udev *udev = udev_new();
        int r;

        if (!udev)
                return -ENOMEM;
        m->udev_monitor = udev_monitor_new_from_netlink(udev, "udev");
        /* The monitor keeps what it needs of the context. */
        udev_unref(udev);
        if (!m->udev_monitor)
                return log_error_errno(-EIO, "udev cannot be listened to");
        r = udev_monitor_filter_add_match_subsystem_devtype(m->udev_monitor, "tms", NULL);
        if (r >= 0)
                r = udev_monitor_enable_receiving(m->udev_monitor);
        if (r >= 0)
                r = sd_event_add_io(m->event, &m->udev_source, udev_monitor_get_fd(m->udev_monitor), EPOLLIN, on_udev,
                                    m);
        if (r < 0)
                return log_error_errno(r, "udev cannot be listened to");
        (void)sd_event_source_set_description(m->udev_source, "udev");
        return 0;
}

/* --- Start ------------------------------------------------------------------------------------ */

static void on_audit_failed(const char *sentence, void *userdata)
{
        struct manager *m = userdata;
        struct session *s;

        /* An end takes effect on the loop, later: nobody leaves the list meanwhile. */
        TAILQ_FOREACH(s, &m->sessions, link)
                session_end(s, "audit_failed", sentence, NULL);
        if (m->ready)
                (void)sd_bus_emit_properties_changed(m->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState", NULL);
        (void)sd_notifyf(false, "STATUS=%s", sentence);
}

/* The records of the end still find room. */
static void on_audit_no_room(const char *sentence, void *userdata)
{
        struct manager *m = userdata;
        struct session *s, *next;

        for (s = sentence ? TAILQ_FIRST(&m->sessions) : NULL; s; s = next) {
                next = TAILQ_NEXT(s, link);
                session_end(s, "audit_failed", sentence, NULL);
        }
        if (m->ready)
                (void)sd_bus_emit_properties_changed(m->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState", NULL);
        (void)sd_notifyf(false, "STATUS=%s", sentence ? sentence : "");
}

static void record_start(struct manager *m)
{
        recorder_note(m->recorder, "daemon.start", NULL, "", json_pack("{s:s}", "version", TMS_VERSION));
        if (audit_cut(m->recorder->audit) > 0)
                log_warning("a torn last line of %llu bytes was cut off the audit log and kept beside it",
                            (unsigned long long)audit_cut(m->recorder->audit));
        (void)audit_seal(m->recorder->audit, NULL, "", NULL, NULL);
}

static int on_bus_lost(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct manager *m = userdata;

        log_error("the system bus is gone");
        manager_stop(m, "bus_lost", "The system bus is gone, and with it everybody who could stop the session.",
                     EXIT_FAILURE);
        return 0;
}

static int open_bus(struct manager *m)
{
        int r;

        r = sd_bus_open_system(&m->bus);
        if (r < 0)
                return log_error_errno(r, "the system bus cannot be reached");
        r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(m->bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                              "org.freedesktop.DBus.Local", "Disconnected", on_bus_lost, NULL, m);
        if (r >= 0)
                r = sd_bus_add_object_manager(m->bus, NULL, MANAGER_PATH);
        if (r >= 0)
                r = sd_bus_add_object_vtable(m->bus, NULL, MANAGER_PATH, "org.tmsd1.Manager", manager_vtable, m);
        if (r < 0)
                return log_error_errno(r, "the bus connection cannot be set up");
        return 0;
}

/* Of a session that holds a stimulator, at that path. */
static bool is_owner_of(const char *path, const char *sender, void *userdata)
{
        const struct manager *m = userdata;
        const struct stimulator *st;

        TAILQ_FOREACH(st, &m->stimulators, link) {
                if (st->session && STREQ(st->session->path, path) && STREQ(st->session->owner, sender))
                        return true;
        }
        return false;
}

int manager_new(sd_event *event, const struct config *config, int state_fd, struct manager **ret)
{
        _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->config = *config;
        m->event = sd_event_ref(event);
        TAILQ_INIT(&m->stimulators);
        TAILQ_INIT(&m->sessions);
        TAILQ_INIT(&m->calls.asking);
        r = recorder_new(state_fd, config->max_off_ns, &m->recorder);
        if (r < 0)
                return r;
        r = open_bus(m);
        if (r < 0)
                return r;
        r = callers_new(&m->calls.callers);
        m->calls.bus = m->bus;
        m->calls.recorder = m->recorder;
        if (r >= 0)
                r = admission_new(event, &m->calls, is_owner_of, m, &m->admission);
        if (r >= 0)
                r = protocol_list_new(event, m->bus, &m->protocols);
        if (r < 0)
                return log_error_errno(r, "calls cannot be answered");
        r = recorder_open(m->recorder, event, config->audit_free_min, on_audit_failed, on_audit_no_room, m);
        if (r < 0)
                return log_error_errno(r, "the audit writer cannot start");
        *ret = TAKE_PTR(m);
        return 0;
}

int manager_start(struct manager *m)
{
        int r;

        record_start(m);
        /* What a card has counted is compared with all that the log can count. */
        (void)interrupted_close(m->recorder, NULL, NULL);
        /* First listen, then look, so that nothing falls between. */
        r = watch_udev(m);
        if (r < 0)
                return r;
        m->recovering++;
        r = tms_enumerate(found_node, m);
        if (r < 0)
                (void)log_error_errno(r, "stimulators cannot be enumerated");
        recovery_end_lost(m);
        m->recovering--;
        manager_check_ready(m);
        return 0;
}

static void no_name(struct manager *m, const char *why)
{
        log_error("the bus name " BUS_NAME " cannot be had: %s", why);
        manager_stop(m, "failed", "The bus name is taken.", EXIT_FAILURE);
}

static int on_name(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct manager *m = userdata;
        uint32_t outcome = 0;

        if (m->stopping)
                return 0;
        if (sd_bus_message_is_method_error(message, NULL)) {
                no_name(m, sd_bus_message_get_error(message)->message);
                return 0;
        }
        /* 1: its owner; 4: that it is already. */
        if (sd_bus_message_read(message, "u", &outcome) < 0 || (outcome != 1 && outcome != 4)) {
                no_name(m, "another program has it");
                return 0;
        }
        m->ready = true;
        (void)sd_notifyf(false, "READY=1\nSTATUS=%s",
                         audit_failure(m->recorder->audit) ? audit_failure(m->recorder->audit) : "");
        return 0;
}

/* Asked for without waiting: a bus that hangs must not stop the loop. */
void manager_check_ready(struct manager *m)
{
        int r;

        if (m->name_asked || m->stopping || m->recovering > 0)
                return;
        m->name_asked = true;
        r = sd_bus_request_name_async(m->bus, NULL, BUS_NAME, 0, on_name, m);
        if (r < 0)
                no_name(m, strerror(-r));
}

/* --- The end ------------------------------------------------------------------------------------ */

static void on_stopped(const struct audit_result *result, void *userdata)
{
        struct manager *m = userdata;

        (void)sd_event_exit(m->event, m->exit_status);
}

void manager_check_stopped(struct manager *m)
{
        struct session *s;

        if (!m->stopping)
                return;
        TAILQ_FOREACH(s, &m->sessions, link) {
                if (s->state != SESSION_ENDED)
                        return;
        }
        recorder_note(m->recorder, "daemon.stop", NULL, "", json_pack("{s:s}", "version", TMS_VERSION));
        if (audit_seal(m->recorder->audit, NULL, "", on_stopped, m) < 0)
                (void)sd_event_exit(m->event, m->exit_status);
}

void manager_stop(struct manager *m, const char *reason, const char *text, int exit_status)
{
        struct session *s;

        if (m->stopping)
                return;
        m->stopping = true;
        m->exit_status = exit_status;
        (void)sd_notify(false, "STOPPING=1");
        (void)request_let_go(&m->calls, NULL, "the daemon is stopping.");
        TAILQ_FOREACH(s, &m->sessions, link)
                session_end(s, reason, text, NULL);
        manager_check_stopped(m);
}

struct manager *manager_free(struct manager *m)
{
        struct stimulator *st;
        struct session *s;

        if (!m)
                return NULL;
        (void)request_let_go(&m->calls, NULL, "the daemon has stopped.");
        /* Callbacks of what was under way come now, while everything still stands. */
        if (m->recorder)
                recorder_close(m->recorder);
        while ((s = TAILQ_FIRST(&m->sessions))) {
                TAILQ_REMOVE(&m->sessions, s, link);
                session_unref(s);
        }
        while ((st = TAILQ_FIRST(&m->stimulators))) {
                TAILQ_REMOVE(&m->stimulators, st, link);
                stimulator_unref(st);
        }
        sd_event_source_disable_unref(m->udev_source);
        udev_monitor_unref(m->udev_monitor);
        recorder_free(m->recorder);
        protocol_list_free(m->protocols);
        admission_free(m->admission);
        sd_bus_flush_close_unref(m->bus);
        callers_free(m->calls.callers);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
