/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon, composed; see manager.h. */
#include <assert.h>
#include <systemd/sd-daemon.h>

#include "admission.h"
#include "audit-copy.h"
#include "callers.h"
#include "course-bus.h"
#include "course-desk.h"
#include "hotplug.h"
#include "inhibit.h"
#include "interrupted.h"
#include "manager.h"
#include "manager-bus.h"
#include "protocol-list.h"
#include "recovery.h"
#include "renewal.h"
#include "session-bus.h"
#include "session.h"
#include "stimulator-bus.h"
#include "stimulator.h"
#include "switching-off.h"

struct manager {
        sd_event *event;
        sd_bus *bus;
        struct recorder *recorder;
        struct calls calls;
        struct ward ward;
        struct manager_object object;
        struct admission *admission;
        struct hotplug *hotplug;
        struct switching_off *switching_off;
        struct inhibit *inhibit;
        struct renewal *renewal; /* NULL: nobody can wish for it */
        sd_event_source *look; /* on once a session, or a recovery, has come to another point; made at the beginning */
        bool name_asked;       /* for the bus name */
        bool ready;            /* it is ours */
        bool computer_ends;    /* it is being switched off or started anew */
        bool stopped;          /* the last record is with the writer */
        int exit_status;       /* once the ward is stopping */
};

/* --- Hotplug ------------------------------------------------------------------------------ */

void manager_see_node(struct manager *m, const char *action, const char *node)
{
        hotplug_see(m->hotplug, action, node);
}

/*
 * The unit's device policy names the driver, whose number the service manager looked up when it started us; a module
 * that was loaded for the first time since then is not in it. A new start looks it up anew. At the start itself there
 * is no such hope, so that nothing goes round in circles. With a stimulator here it is another cause, and somebody may
 * be treated.
 */
static void on_forbidden(const char *node, void *userdata)
{
        struct manager *m = userdata;

        if (!m->ready || !TAILQ_EMPTY(&m->ward.stimulators) || !TAILQ_EMPTY(&m->ward.sessions))
                return;
        log_notice("%s: forbidden by the device policy of an earlier time; the daemon is started anew", node);
        manager_stop(m, ENDING_ANEW, EXIT_START_ANEW);
}

/* --- Failures of the log ------------------------------------------------------------------ */

static void on_audit_failed(const char *sentence, void *userdata)
{
        struct manager *m = userdata;
        struct session *s;

        /* An end takes effect on the loop, later: nobody leaves the list meanwhile. */
        TAILQ_FOREACH(s, &m->ward.sessions, link)
                session_end(s, "audit_failed", sentence, NULL);
        if (m->ready)
                (void)sd_bus_emit_properties_changed(m->bus, MANAGER_PATH, MANAGER_INTERFACE, "AuditState", NULL);
        (void)sd_notifyf(false, "STATUS=%s", sentence);
}

/* The records of the end still find room. */
static void on_audit_no_room(const char *sentence, void *userdata)
{
        struct manager *m = userdata;
        struct session *s, *next;

        for (s = sentence ? TAILQ_FIRST(&m->ward.sessions) : NULL; s; s = next) {
                next = TAILQ_NEXT(s, link);
                session_end(s, "audit_failed", sentence, NULL);
        }
        if (m->ready)
                (void)sd_bus_emit_properties_changed(m->bus, MANAGER_PATH, MANAGER_INTERFACE, "AuditState", NULL);
        (void)sd_notifyf(false, "STATUS=%s", sentence ? sentence : "");
}

/* --- The end ------------------------------------------------------------------------------------ */

static void on_stopped(const struct audit_result *result, void *userdata)
{
        struct manager *m = userdata;

        (void)sd_event_exit(m->event, m->exit_status);
}

static void check_stopped(struct manager *m)
{
        if (!m->ward.stopping || m->stopped || !ward_have_all_ended(&m->ward))
                return;
        m->stopped = true;
        recorder_note(m->recorder, "daemon.stop", NULL, "", json_pack("{s:s}", "version", TMS_VERSION));
        if (audit_seal(m->recorder->audit, NULL, "", on_stopped, m) < 0)
                (void)sd_event_exit(m->event, m->exit_status);
}

void manager_stop(struct manager *m, enum ending how, int exit_status)
{
        struct session *s;

        if (m->ward.stopping)
                return;
        if (how == ENDING_SHUTDOWN && m->computer_ends)
                how = ENDING_SWITCHED_OFF;
        m->ward.stopping = true;
        log_event(DAEMON_STOPPING, FIELDS(field_text("REASON", endings[how].reason)), "tmsd stops: %s",
                  endings[how].reason);
        m->exit_status = exit_status;
        (void)sd_notify(false, "STOPPING=1");
        (void)request_let_go(&m->calls, NULL, "the daemon is stopping. Try again when it has started anew.");
        TAILQ_FOREACH(s, &m->ward.sessions, link)
                session_end_as(s, how, NULL);
        check_stopped(m);
}

/* From whoever is still at work: what follows from it happens on the loop, unless that has ended. Wants no memory. */
static void look_soon(void *userdata)
{
        struct manager *m = userdata;
        int r;

        r = sd_event_source_set_time_relative(m->look, 0);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->look, SD_EVENT_ONESHOT);
        assert(r >= 0 || sd_event_get_state(m->event) == SD_EVENT_FINISHED);
}

/* --- The bus -------------------------------------------------------------------------------- */

static int on_bus_lost(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct manager *m = userdata;

        log_event(BUS_LOST, NO_FIELDS, "the system bus is gone; see systemctl status dbus");
        manager_stop(m, ENDING_BUS_LOST, EXIT_FAILURE);
        return 0;
}

/*
 * The sessions end here, since with the computer go the clients, the bus and everybody's way to stop a session, in no order
 * that the daemon knows. SIGTERM follows. Until it does, or until the announcement is taken back, the daemon serves as ever.
 */
static void on_switching_off(bool begins, void *userdata)
{
        struct manager *m = userdata;
        struct session *s;

        m->computer_ends = begins;
        if (!begins)
                return;
        log_notice("the computer is being switched off or started anew");
        /* An end takes effect on the loop, later: nobody leaves the list meanwhile. */
        TAILQ_FOREACH(s, &m->ward.sessions, link)
                session_end_as(s, ENDING_SWITCHED_OFF, NULL);
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
                r = sd_bus_add_object_vtable(m->bus, NULL, MANAGER_PATH, MANAGER_INTERFACE, manager_vtable, &m->object);
        if (r < 0)
                return log_error_errno(r, "see systemctl status dbus", "the bus connection cannot be set up");
        return 0;
}

static void no_name(struct manager *m, const char *why)
{
        log_event(BUS_NAME_TAKEN, NO_FIELDS,
                  "the bus name " BUS_NAME " cannot be had: %s; end the program that has it (busctl status " BUS_NAME
                  "), then: systemctl restart tmsd",
                  why);
        manager_stop(m, ENDING_NO_NAME, EXIT_FAILURE);
}

static int on_name(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct manager *m = userdata;
        const char *failure;
        uint32_t outcome = 0;

        if (m->ward.stopping)
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
        failure = audit_failure(m->recorder->audit);
        log_event(DAEMON_READY, FIELDS(field_text("VERSION", TMS_VERSION)), "tmsd %s is ready%s", TMS_VERSION,
                  failure ? ", and begins no session: the audit log has failed" : "");
        (void)sd_notifyf(false, "READY=1\nSTATUS=%s", failure ? failure : "");
        /* What was wished for meanwhile. */
        look_soon(m);
        return 0;
}

/* Asked for without waiting: a bus that hangs must not stop the loop. */
static void check_ready(struct manager *m)
{
        int r;

        if (m->name_asked || m->ward.stopping || m->ward.recovering > 0)
                return;
        m->name_asked = true;
        r = sd_bus_request_name_async(m->bus, NULL, BUS_NAME, 0, on_name, m);
        if (r < 0)
                no_name(m, strerror(-r));
}

/* --- Life ------------------------------------------------------------------------------------------- */

/* Between sessions the segment of the log that is long or old enough is closed. If it cannot be, the next look tries again. */
static void check_segment(struct manager *m)
{
        if (!m->ward.stopping && m->ward.recovering == 0 && ward_have_all_ended(&m->ward))
                (void)audit_close_segment(m->recorder->audit, NULL, NULL, NULL, NULL);
}

/* From Arm to the end, whose last records are to be written before the computer goes. */
static void check_inhibitor(struct manager *m)
{
        if (ward_has_session_in(&m->ward, SESSION_TREATS))
                inhibit_take(m->inhibit);
        else if (!ward_has_session_in(&m->ward, IN_STATE(SESSION_ENDING)))
                inhibit_release(m->inhibit);
}

/* An upgrade waits for the end of a treatment, never the other way round. */
static void check_renewal(struct manager *m)
{
        if (!m->renewal || !renewal_is_wanted(m->renewal) || !m->ready || m->ward.stopping || m->ward.recovering > 0 ||
            !TAILQ_EMPTY(&m->ward.sessions))
                return;
        log_notice("another version of tmsd may have been installed; the daemon is started anew");
        manager_stop(m, ENDING_ANEW, EXIT_START_ANEW);
}

static int look_what_is_left(sd_event_source *source, uint64_t usec, void *userdata)
{
        check_inhibitor(userdata);
        check_ready(userdata);
        check_renewal(userdata);
        check_segment(userdata);
        check_stopped(userdata);
        return 0;
}

static void record_start(struct manager *m)
{
        struct audit *a = m->recorder->audit;

        recorder_note(m->recorder, "daemon.start", NULL, "", json_pack("{s:s}", "version", TMS_VERSION));
        if (audit_cut(a) > 0)
                log_event(AUDIT_CUT, FIELDS(field_number("CUT_BYTES", audit_cut(a))),
                          "a torn last line of %llu bytes was cut off the audit log and kept beside it",
                          (unsigned long long)audit_cut(a));
        (void)audit_seal(a, NULL, "", NULL, NULL);
}

static bool is_owner(const char *path, const char *sender, void *userdata)
{
        const struct manager *m = userdata;

        return ward_is_owner(&m->ward, path, sender);
}

static int prepare_look(struct manager *m)
{
        int r;

        r = sd_event_add_time(m->event, &m->look, CLOCK_MONOTONIC, UINT64_MAX, 1, look_what_is_left, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->look, SD_EVENT_OFF);
        if (r >= 0)
                (void)sd_event_source_set_description(m->look, "look");
        return r;
}

static void compose(struct manager *m)
{
        m->calls.bus = m->bus;
        m->calls.recorder = m->recorder;
        m->ward.event = m->event;
        m->ward.bus = m->bus;
        m->ward.calls = &m->calls;
        m->ward.recorder = m->recorder;
        m->ward.stimulator_vtable = stimulator_vtable;
        m->ward.session_vtable = session_vtable;
        m->ward.userdata = m;
        m->object.ward = &m->ward;
}

int manager_new(sd_event *event, const struct config *config, int state_fd, struct manager **ret)
{
        _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->event = sd_event_ref(event);
        TAILQ_INIT(&m->ward.stimulators);
        TAILQ_INIT(&m->ward.sessions);
        TAILQ_INIT(&m->calls.asking);
        m->ward.settled = m->ward.treats = look_soon;
        r = recorder_new(state_fd, config->max_off_ns, &m->recorder);
        if (r < 0)
                return r;
        r = open_bus(m);
        if (r < 0)
                return r;
        compose(m);
        m->ward.hold_ns = config->hold_ns;
        r = callers_new(&m->calls.callers);
        if (r >= 0)
                r = admission_new(event, &m->calls, is_owner, m, &m->admission);
        if (r >= 0)
                r = protocol_list_new(event, m->bus, &m->object.protocols);
        if (r >= 0)
                r = audit_copies_new(event, m->recorder, &m->object.copies);
        if (r >= 0)
                r = hotplug_new(&m->ward, on_forbidden, m, &m->hotplug);
        if (r >= 0)
                r = course_desk_new(&m->ward, course_vtable, &m->object.courses);
        if (r >= 0)
                r = prepare_look(m);
        if (r >= 0)
                r = switching_off_new(m->bus, on_switching_off, m, &m->switching_off);
        if (r >= 0)
                r = inhibit_new(m->bus, &m->inhibit);
        if (r < 0)
                return log_error_errno(r, NULL, "calls cannot be answered");
        r = recorder_open(m->recorder, event, config->audit_free_min, on_audit_failed, on_audit_no_room, m);
        if (r < 0)
                return log_error_errno(r, NULL, "the audit writer cannot start");
        r = course_desk_open(m->object.courses);
        if (r < 0)
                return log_error_errno(r, NULL, "the courses cannot be put on the bus");
        *ret = TAKE_PTR(m);
        return 0;
}

int manager_renew_by(struct manager *m, const char *dir)
{
        return renewal_new(m->event, dir, look_soon, m, &m->renewal);
}

int manager_start(struct manager *m)
{
        int r;

        record_start(m);
        /* What a card has counted is compared with all that the log can count. */
        (void)interrupted_close(m->recorder, NULL, NULL);
        m->ward.recovering++;
        r = hotplug_start(m->hotplug);
        if (r < 0)
                return r;
        recovery_end_lost(&m->ward);
        m->ward.recovering--;
        check_ready(m);
        return 0;
}

struct manager *manager_free(struct manager *m)
{
        struct stimulator *st;
        struct session *s;

        if (!m)
                return NULL;
        (void)request_let_go(&m->calls, NULL, "the daemon has stopped. Try again when it has started anew.");
        /* Callbacks of what was under way come now, while everything still stands. */
        if (m->recorder)
                recorder_close(m->recorder);
        while ((s = TAILQ_FIRST(&m->ward.sessions))) {
                TAILQ_REMOVE(&m->ward.sessions, s, link);
                session_unref(s);
        }
        while ((st = TAILQ_FIRST(&m->ward.stimulators))) {
                TAILQ_REMOVE(&m->ward.stimulators, st, link);
                stimulator_unref(st);
        }
        renewal_free(m->renewal);
        sd_event_source_disable_unref(m->look);
        inhibit_free(m->inhibit);
        switching_off_free(m->switching_off);
        hotplug_free(m->hotplug);
        audit_copies_free(m->object.copies);
        course_desk_free(m->object.courses);
        recorder_free(m->recorder);
        protocol_list_free(m->object.protocols);
        admission_free(m->admission);
        sd_bus_flush_close_unref(m->bus);
        callers_free(m->calls.callers);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
