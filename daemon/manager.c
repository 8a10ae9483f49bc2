/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's centre: start, hotplug, end. The D-Bus interface is in manager-bus.c. */
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "admission.h"
#include "callers.h"
#include "interrupted.h"
#include "manager.h"
#include "protocol-list.h"
#include "recovery.h"
#include "request.h"
#include "session.h"
#include "stimulator.h"

/* Two a second on average. */
#define LIMITED_BURST 50
#define LIMITED_PER_S 2

void manager_record(struct manager *m, const char *type, json_t *who, const char *on, json_t *data)
{
        (void)audit_write(m->audit, &(struct audit_record){.type = type, .who = who, .on = on, .data = data}, NULL,
                          NULL);
}

static bool may_record(struct manager *m)
{
        uint64_t now = now_ns(CLOCK_MONOTONIC);
        uint64_t earned = (now - m->limited_ns) * LIMITED_PER_S / NS_PER_S;

        if (earned > 0) {
                m->limited_left = m->limited_left + earned > LIMITED_BURST ? LIMITED_BURST
                                                                           : m->limited_left + (unsigned)earned;
                m->limited_ns = now;
        }
        if (m->limited_left == 0) {
                m->limited_unrecorded++;
                return false;
        }
        m->limited_left--;
        return true;
}

void manager_record_limited(struct manager *m, const char *type, json_t *who, const char *on, json_t *data)
{
        uint64_t unrecorded = m->limited_unrecorded;

        if (audit_failure(m->audit) || !may_record(m)) {
                json_decref(who);
                json_decref(data);
                return;
        }
        if (data && unrecorded > 0)
                json_add(&data, "unrecorded", json_u64(unrecorded));
        /* What there is no memory for is counted like what comes too fast. */
        if (audit_write(m->audit,
                        &(struct audit_record){.type = type, .who = who, .on = on, .data = data, .refusable = true},
                        NULL, NULL) < 0)
                m->limited_unrecorded++;
        else
                m->limited_unrecorded -= unrecorded;
}

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
        manager_stop(m, ENDING_ANEW, EXIT_START_ANEW);
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
                return log_error_errno(-EIO, "see systemctl status systemd-udevd", "udev cannot be listened to");
        r = udev_monitor_filter_add_match_subsystem_devtype(m->udev_monitor, "tms", NULL);
        if (r >= 0)
                r = udev_monitor_enable_receiving(m->udev_monitor);
        if (r >= 0)
                r = sd_event_add_io(m->event, &m->udev_source, udev_monitor_get_fd(m->udev_monitor), EPOLLIN, on_udev,
                                    m);
        if (r < 0)
                return log_error_errno(r, "see systemctl status systemd-udevd", "udev cannot be listened to");
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

static void on_audit_seen(const json_t *record, void *userdata)
{
        struct manager *m = userdata;

        history_see(record, m->history);
}

static void record_start(struct manager *m)
{
        manager_record(m, "daemon.start", NULL, "", json_pack("{s:s}", "version", TMS_VERSION));
        if (audit_cut(m->audit) > 0)
                log_warning("a torn last line of %llu bytes was cut off the audit log and kept beside it",
                            (unsigned long long)audit_cut(m->audit));
        (void)audit_seal(m->audit, NULL, "", NULL, NULL);
}

static int on_bus_lost(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct manager *m = userdata;

        log_error("the system bus is gone; see systemctl status dbus");
        manager_stop(m, ENDING_BUS_LOST, EXIT_FAILURE);
        return 0;
}

static int open_bus(struct manager *m)
{
        int r;

        r = sd_bus_open_system(&m->bus);
        if (r < 0)
                return log_error_errno(r, "see systemctl status dbus", "the system bus cannot be reached");
        r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(m->bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                              "org.freedesktop.DBus.Local", "Disconnected", on_bus_lost, NULL, m);
        if (r >= 0)
                r = sd_bus_add_object_manager(m->bus, NULL, MANAGER_PATH);
        if (r >= 0)
                r = sd_bus_add_object_vtable(m->bus, NULL, MANAGER_PATH, "org.tmsd1.Manager", manager_vtable, m);
        if (r < 0)
                return log_error_errno(r, "see systemctl status dbus", "the bus connection cannot be set up");
        return 0;
}

/* /proc/sys is hidden from the service; its unit passes the boot's id. */
static int find_boot(struct manager *m)
{
        const char *given = getenv("TMSD_BOOT_ID");
        sd_id128_t id;
        int r;

        r = given ? sd_id128_from_string(given, &id) : sd_id128_get_boot(&id);
        if (r < 0)
                return log_error_errno(r, "start tmsd by systemctl start tmsd, whose unit gives it (TMSD_BOOT_ID)",
                                       "this boot's id is not known");
        (void)sd_id128_to_string(id, m->boot);
        return 0;
}

int manager_new(sd_event *event, const struct config *config, int state_fd, struct manager **ret)
{
        _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->config = *config;
        m->state_fd = state_fd;
        m->event = sd_event_ref(event);
        TAILQ_INIT(&m->stimulators);
        TAILQ_INIT(&m->sessions);
        TAILQ_INIT(&m->asking);
        r = find_boot(m);
        if (r < 0)
                return r;
        r = history_new(config->max_off_ns, &m->history);
        if (r < 0)
                return r;
        r = open_bus(m);
        if (r < 0)
                return r;
        r = callers_new(&m->callers);
        if (r >= 0)
                r = admission_new(m, &m->admission);
        if (r >= 0)
                r = protocol_list_new(event, m->bus, &m->protocols);
        if (r < 0)
                return log_error_errno(r, NULL, "calls cannot be answered");
        r = audit_new(event,
                      &(struct audit_config){
                                      .state_fd = state_fd,
                                      .boot = m->boot,
                                      .free_min = config->audit_free_min,
                                      .seen = on_audit_seen,
                                      .failed = on_audit_failed,
                                      .no_room = on_audit_no_room,
                                      .userdata = m,
                      },
                      &m->audit);
        if (r < 0)
                return log_error_errno(r, NULL, "the audit writer cannot start");
        *ret = TAKE_PTR(m);
        return 0;
}

int manager_start(struct manager *m)
{
        int r;

        record_start(m);
        /* What a card has counted is compared with all that the log can count. */
        (void)interrupted_close(m, NULL, NULL);
        /* First listen, then look, so that nothing falls between. */
        r = watch_udev(m);
        if (r < 0)
                return r;
        m->recovering++;
        r = tms_enumerate(found_node, m);
        if (r < 0)
                (void)log_error_errno(r, "see systemctl status systemd-udevd, then: systemctl restart tmsd",
                                      "stimulators cannot be enumerated");
        recovery_end_lost(m);
        m->recovering--;
        manager_check_ready(m);
        return 0;
}

static void no_name(struct manager *m, const char *why)
{
        log_error("the bus name " BUS_NAME " cannot be had: %s; end the program that has it (busctl status " BUS_NAME
                  "), then: "
                  "systemctl restart tmsd",
                  why);
        manager_stop(m, ENDING_NO_NAME, EXIT_FAILURE);
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
        (void)sd_notifyf(false, "READY=1\nSTATUS=%s", audit_failure(m->audit) ? audit_failure(m->audit) : "");
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
        manager_record(m, "daemon.stop", NULL, "", json_pack("{s:s}", "version", TMS_VERSION));
        if (audit_seal(m->audit, NULL, "", on_stopped, m) < 0)
                (void)sd_event_exit(m->event, m->exit_status);
}

void manager_stop(struct manager *m, enum ending how, int exit_status)
{
        struct session *s;

        if (m->stopping)
                return;
        m->stopping = true;
        m->exit_status = exit_status;
        (void)sd_notify(false, "STOPPING=1");
        (void)request_let_go(m, NULL, "the daemon is stopping. Try again when it has started anew.");
        TAILQ_FOREACH(s, &m->sessions, link)
                session_end_as(s, how, NULL);
        manager_check_stopped(m);
}

struct manager *manager_free(struct manager *m)
{
        struct stimulator *st;
        struct session *s;

        if (!m)
                return NULL;
        (void)request_let_go(m, NULL, "the daemon has stopped. Try again when it has started anew.");
        /* Callbacks of what was under way come now, while everything still stands. */
        audit_free(m->audit);
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
        history_free(m->history);
        protocol_list_free(m->protocols);
        admission_free(m->admission);
        sd_bus_flush_close_unref(m->bus);
        callers_free(m->callers);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
