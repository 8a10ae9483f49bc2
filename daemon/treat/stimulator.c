/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One stimulator: how it comes and goes, and what is read from it. The D-Bus interface is in bus/stimulator-bus.c. */
#include <assert.h>
#include <sys/epoll.h>

#include "stimulator.h"

/*
 * The kernel makes no record when a temperature or the panel changes, so the status is read this often. A session that
 * uses the stimulator reads it more often by itself.
 */
#define LOOK_USEC (5 * USEC_PER_S)
#define LOOK_ACCURACY_USEC USEC_PER_S
#define TEMPERATURE_STEP_MC 500
#define EVENTS_AT_ONCE 64

static struct stimulator *stimulator_free(struct stimulator *st)
{
        sd_event_source_disable_unref(st->io);
        sd_event_source_disable_unref(st->timer);
        sd_bus_slot_unref(st->slot);
        tms_device_close(st->monitor);
        free(st->node);
        free(st->path);
        free(st);
        return NULL;
}

struct stimulator *stimulator_ref(struct stimulator *st)
{
        st->n_ref++;
        return st;
}

struct stimulator *stimulator_unref(struct stimulator *st)
{
        if (st && --st->n_ref == 0)
                stimulator_free(st);
        return NULL;
}

/* --- Looking ------------------------------------------------------------------------ */

/*
 * What a look signals when it has changed, in the order of the signal: a row a property, and nothing else here. shown:
 * where a temperature is kept as it was last signalled, since it is signalled in steps; 0: every change is signalled.
 */
static const struct signalled {
        const char *property;
        size_t now, size, shown;
} signalled[] = {
#define PLACE(member) .now = offsetof(struct stimulator, member), .size = sizeof(((struct stimulator *)0)->member)
#define SIGNALLED(name, member)                   \
        {                                         \
                .property = (name), PLACE(member) \
        }
#define SIGNALLED_IN_STEPS(name, member, last)                                                \
        {                                                                                     \
                .property = (name), PLACE(member), .shown = offsetof(struct stimulator, last) \
        }
                SIGNALLED("State", status.state),
                SIGNALLED("Cause", status.cause),
                SIGNALLED("CauseText", status.cause),
                SIGNALLED("InterlocksOpen", status.interlocks),
                SIGNALLED("InterlocksLatched", status.latched),
                SIGNALLED("CoilType", status.coil_type),
                SIGNALLED("CoilSerial", info.coil_serial),
                SIGNALLED("FitnessMax", status.fitness_max_ns),
                SIGNALLED_IN_STEPS("CoilTemperature", status.coil_temp_mC, shown_coil_mC),
                SIGNALLED_IN_STEPS("BoardTemperature", status.board_temp_mC, shown_board_mC),
};

static bool moved(int32_t *shown, int32_t now)
{
        if (abs(now - *shown) < TEMPERATURE_STEP_MC)
                return false;
        *shown = now;
        return true;
}

static bool has_changed(const struct signalled *p, struct stimulator *st, const struct stimulator *before)
{
        const char *now = (const char *)st + p->now;

        if (p->shown)
                return moved((int32_t *)((char *)st + p->shown), *(const int32_t *)now);
        return memcmp(now, (const char *)before + p->now, p->size) != 0;
}

int stimulator_refresh(struct stimulator *st)
{
        const struct stimulator before = *st;
        char *changed[ELEMENTS(signalled) + 1];
        struct tms_status s;
        struct tms_info info;
        size_t i, n = 0;
        int r;

        if (!st->monitor)
                return -ENODEV;
        (void)sd_event_now(st->ward->event, CLOCK_MONOTONIC, &st->looked_usec);
        r = tms_device_status(st->monitor, &s);
        if (r < 0)
                return r;
        st->status = s;
        /* The status has no serial number of the coil; only INFO has it. */
        if (s.coil_type != before.status.coil_type && tms_device_info(st->monitor, &info) >= 0)
                st->info = info;
        for (i = 0; i < ELEMENTS(signalled); i++) {
                if (has_changed(signalled + i, st, &before))
                        changed[n++] = (char *)signalled[i].property;
        }
        changed[n] = NULL;
        if (n > 0 && st->slot)
                (void)sd_bus_emit_properties_changed_strv(st->ward->bus, st->path, STIMULATOR_INTERFACE, changed);
        if (card_gates_see(&st->gates) && st->slot)
                (void)sd_bus_emit_properties_changed(st->ward->bus, st->path, STIMULATOR_INTERFACE, "Gates", NULL);
        return 0;
}

static const char *session_of(const struct stimulator *st)
{
        return st->user ? st->user->get_id(st->user_data) : NULL;
}

int stimulator_halt(struct stimulator *st)
{
        int r = st->monitor ? tms_device_stop(st->monitor) : -ENODEV;

        if (r < 0 && r != -ENODEV)
                log_event(STIMULATOR_NOT_STOPPED,
                          FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node),
                                 field_errno(r), field_text("SESSION", session_of(st))),
                          "%s: cannot be stopped: %s; use its emergency stop", st->node, strerror(-r));
        return r;
}

static json_t *interlock_names(uint32_t bits)
{
        json_t *names = json_array();
        unsigned bit;

        for (bit = 0; names && bit < 32; bit++) {
                if (bits & (1U << bit) && json_array_append_new(names, json_string(tms_interlock_name(bit))) < 0) {
                        json_decref(names);
                        return NULL;
                }
        }
        return names;
}

/* --- The kernel's records ------------------------------------------------------------- */

static void log_state(const struct stimulator *st, const struct tms_event *e)
{
        const char *cause = tms_cause_name(e->state.cause);

        if (e->state.to == TMS_STATE_FAULT)
                log_event(STIMULATOR_FAULT,
                          FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node),
                                 field_text("REASON", cause), field_text("SESSION", session_of(st))),
                          "%s: stimulator %llu has a fault: %s", st->node, (unsigned long long)st->info.card_serial,
                          cause);
        else if (e->state.from == TMS_STATE_FAULT)
                log_event(STIMULATOR_FAULT_CLEARED,
                          FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node),
                                 field_text("SESSION", session_of(st))),
                          "%s: the fault of stimulator %llu is cleared", st->node,
                          (unsigned long long)st->info.card_serial);
}

/* Those that are open now: a record comes too when one of several has been closed. */
static void log_interlocks(const struct stimulator *st, uint32_t open)
{
        char names[256] = "";
        size_t used = 0;
        unsigned bit;

        if (!open)
                return;
        for (bit = 0; bit < 32 && used < sizeof(names); bit++) {
                if (open & (1U << bit))
                        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? " " : "",
                                                 tms_interlock_name(bit));
        }
        log_event(INTERLOCK_OPENED,
                  FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node),
                         field_text("INTERLOCKS", names), field_text("SESSION", session_of(st))),
                  "%s: open interlocks of stimulator %llu: %s", st->node, (unsigned long long)st->info.card_serial,
                  names);
}

void stimulator_see(struct stimulator *st, const struct tms_event *e)
{
        json_t *data;

        if (e->seq < st->seen_seq)
                return;
        st->seen_seq = e->seq + 1;
        if (e->type == TMS_EVENT_STATE) {
                log_state(st, e);
                data = json_pack("{s:s, s:s, s:s, s:o}", "state", tms_state_name(e->state.to), "cause",
                                 tms_cause_name(e->state.cause), "before", tms_state_name(e->state.from), "event_ns",
                                 json_u64(e->mono_ns));
                recorder_note(st->ward->recorder, "stimulator.state", NULL, st->path, data);
        } else if (e->type == TMS_EVENT_INTERLOCK) {
                log_interlocks(st, e->interlock.live);
                data = json_pack("{s:o, s:o, s:o}", "open", interlock_names(e->interlock.live), "latched",
                                 interlock_names(e->interlock.latched), "event_ns", json_u64(e->mono_ns));
                recorder_note(st->ward->recorder, "stimulator.interlock", NULL, st->path, data);
        } else {
                return;
        }
        (void)stimulator_refresh(st);
}

/* Returns false when the card is gone. */
static bool drain_monitor(struct stimulator *st)
{
        struct tms_event e[EVENTS_AT_ONCE];
        int n = 1, i, read = 0;

        for (; n > 0 && read < RECORDS_MAX; read += n) {
                n = tms_device_read_events(st->monitor, e, EVENTS_AT_ONCE);
                if (n < 0)
                        return n == -EAGAIN;
                for (i = 0; i < n; i++)
                        stimulator_see(st, e + i);
        }
        return true;
}

static int on_monitor(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct stimulator *st = userdata;

        /* udev may tell as well that the card is gone, but it may be late or not come at all. */
        if (!drain_monitor(st) || (revents & (EPOLLHUP | EPOLLERR)))
                stimulator_remove(st);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct stimulator *st = userdata;

        (void)sd_event_source_set_time_relative(s, LOOK_USEC);
        if (!st->user && stimulator_refresh(st) == -ENODEV)
                stimulator_remove(st);
        return 0;
}

static void tell_user(struct stimulator *st)
{
        if (st->slot)
                (void)sd_bus_emit_properties_changed(st->ward->bus, st->path, STIMULATOR_INTERFACE, "Session", NULL);
}

void stimulator_open(struct stimulator *st, const struct stimulator_user *user, void *userdata)
{
        assert(user && userdata && !st->user);
        st->user = user;
        st->user_data = userdata;
        if (st->io && !st->gone)
                (void)sd_event_source_set_enabled(st->io, SD_EVENT_OFF);
        tell_user(st);
}

void stimulator_release(struct stimulator *st, const void *userdata)
{
        if (st->user_data != userdata)
                return;
        st->user = NULL;
        st->user_data = NULL;
        if (st->io && !st->gone) {
                /*
                 * The records that the user has read wait in the monitor's file too. They are passed over by their
                 * sequence numbers. If the card is gone, on_monitor() will be told by that file.
                 */
                (void)drain_monitor(st);
                (void)sd_event_source_set_enabled(st->io, SD_EVENT_ON);
        }
        tell_user(st);
}

/* --- Coming and going ------------------------------------------------------------------ */

bool stimulator_see_odometer(const struct stimulator *st, uint64_t expected, uint64_t unknown, uint64_t found,
                             json_t **ret)
{
        bool settles = history_settles(expected, unknown, found);

        if (found == expected && !settles)
                return false;
        if (!settles)
                log_event(ODOMETER_DIFFERS,
                          FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node),
                                 field_number("ODOMETER_EXPECTED", expected), field_number("ODOMETER_FOUND", found),
                                 field_text("SESSION", session_of(st))),
                          "%s: the card has counted %llu discharges, the audit log %llu: find out who fired it before "
                          "anybody is treated: tmsctl audit show --type stimulator.odometer",
                          st->node, (unsigned long long)found, (unsigned long long)expected);
        *ret = json_pack("{s:o, s:o, s:o}", "card_serial", json_u64(st->info.card_serial), "expected",
                         json_u64(expected), "found", json_u64(found));
        if (settles)
                json_add(ret, "settled", json_u64(found - expected));
        return true;
}

static void record_add(struct stimulator *st)
{
        uint64_t expected, unknown;
        json_t *data;

        if (history_odometer(st->ward->recorder->history, st->info.card_serial, &expected, &unknown) &&
            stimulator_see_odometer(st, expected, unknown, st->info.odometer, &data))
                recorder_note(st->ward->recorder, "stimulator.odometer", NULL, st->path, data);
        data = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "node", st->node, "card_serial",
                         json_u64(st->info.card_serial), "coil_serial", json_u64(st->info.coil_serial), "odometer",
                         json_u64(st->info.odometer), "card_version", json_u64(st->info.card_version), "firmware",
                         json_u64(st->info.firmware));
        recorder_note(st->ward->recorder, "stimulator.add", NULL, st->path, data);
}

static int unusable(const struct stimulator *st, const char *why, int r)
{
        log_event(STIMULATOR_UNUSABLE,
                  FIELDS(field_text("DEVICE_NODE", st->node), field_errno(r),
                         field_number("CARD_SERIAL", st->info.card_serial)),
                  "%s: %s: %s; end other programs, then: systemctl restart tmsd", st->node, why, strerror(-r));
        return r;
}

static int publish(struct stimulator *st)
{
        struct ward *w = st->ward;
        int r;

        r = sd_bus_add_object_vtable(w->bus, &st->slot, st->path, STIMULATOR_INTERFACE, w->stimulator_vtable, st);
        if (r < 0)
                return unusable(st, "cannot be put on the bus", r);
        r = sd_event_add_io(w->event, &st->io, tms_device_fd(st->monitor), EPOLLIN, on_monitor, st);
        if (r < 0)
                return unusable(st, "cannot be listened to", r);
        (void)sd_event_source_set_description(st->io, "stimulator-monitor");
        r = sd_event_add_time_relative(w->event, &st->timer, CLOCK_MONOTONIC, LOOK_USEC, LOOK_ACCURACY_USEC, on_timer,
                                       st);
        if (r >= 0)
                r = sd_event_source_set_enabled(st->timer, SD_EVENT_ON);
        if (r < 0)
                return unusable(st, "no timer", r);
        record_add(st);
        (void)sd_bus_emit_object_added(w->bus, st->path);
        log_event(STIMULATOR_HERE,
                  FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node)),
                  "%s: stimulator %llu is here", st->node, (unsigned long long)st->info.card_serial);
        return 0;
}

void stimulator_publish(struct stimulator *st)
{
        assert(!st->gone && !st->slot);
        (void)tms_device_info(st->monitor, &st->info);
        (void)publish(st);
}

int stimulator_new(struct ward *w, const char *node, struct tms_device *monitor, struct stimulator **ret)
{
        _cleanup_(stimulator_unrefp) struct stimulator *st = calloc(1, sizeof(*st));
        const char *digits = node + strcspn(node, "0123456789");
        int r;

        if (!st)
                return -ENOMEM;
        st->n_ref = 1;
        st->ward = w;
        st->node = strdup(node);
        if (!st->node || asprintf(&st->path, MANAGER_PATH "/stimulator/%s", digits) < 0)
                return -ENOMEM;
        r = tms_device_info(monitor, &st->info);
        if (r >= 0)
                r = tms_device_status(monitor, &st->status);
        if (r < 0) {
                log_event(STIMULATOR_UNUSABLE, FIELDS(field_text("DEVICE_NODE", node), field_errno(r)),
                          "%s: gives no information: %s; install the same version of the driver and the daemon", node,
                          strerror(-r));
                return r;
        }
        st->monitor = monitor;
        st->shown_coil_mC = st->status.coil_temp_mC;
        st->shown_board_mC = st->status.board_temp_mC;
        st->seen_seq = st->status.event_head;
        st->gates.interlocks = &st->status.interlocks;
        (void)card_gates_see(&st->gates);
        *ret = st;
        /* From here on the list holds the reference. */
        TAILQ_INSERT_TAIL(&w->stimulators, st, link);
        TAKE_PTR(st);
        return 0;
}

bool stimulator_is_there(struct stimulator *st)
{
        return stimulator_refresh(st) != -ENODEV;
}

void stimulator_lost(struct stimulator *st)
{
        struct ward *w = st->ward;

        if (st->gone)
                return;
        st->gone = true;
        st->io = sd_event_source_disable_unref(st->io);
        st->timer = sd_event_source_disable_unref(st->timer);
        if (st->slot) {
                recorder_note(w->recorder, "stimulator.remove", NULL, st->path,
                              json_pack("{s:s, s:o}", "node", st->node, "card_serial", json_u64(st->info.card_serial)));
                (void)sd_bus_emit_object_removed(w->bus, st->path);
                st->slot = sd_bus_slot_unref(st->slot);
                log_event(STIMULATOR_GONE,
                          FIELDS(field_number("CARD_SERIAL", st->info.card_serial), field_text("DEVICE_NODE", st->node),
                                 field_text("SESSION", session_of(st))),
                          "%s: stimulator %llu is gone", st->node, (unsigned long long)st->info.card_serial);
        }
        /*
         * A session that its owner has not closed yet keeps this object. The kernel's device must not stay open with
         * it.
         */
        st->monitor = tms_device_close(st->monitor);
        TAILQ_REMOVE(&w->stimulators, st, link);
        stimulator_unref(st);
}

void stimulator_remove(struct stimulator *st)
{
        if (!st->gone && st->user)
                st->user->on_gone(st->user_data);
        stimulator_lost(st);
}
