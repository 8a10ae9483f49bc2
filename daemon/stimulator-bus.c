/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Stimulator: properties and methods. */
#include "request.h"
#include "session.h"
#include "stimulator.h"

/* --- Properties --------------------------------------------------------------------------- */

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error)
{
        const struct stimulator *st = userdata;
        const char *text = "";
        char buf[32];

        if (STREQ(property, "Node")) {
                text = st->node;
        } else if (STREQ(property, "Firmware")) {
                (void)snprintf(buf, sizeof(buf), "%u.%u.%u", st->info.firmware >> 16, st->info.firmware >> 8 & 0xff,
                               st->info.firmware & 0xff);
                text = buf;
        } else if (STREQ(property, "State")) {
                text = tms_state_name(st->status.state);
        } else if (STREQ(property, "Cause")) {
                text = tms_cause_name(st->status.cause);
        } else if (STREQ(property, "CauseText")) {
                text = tms_cause_sentence(st->status.cause);
        } else if (STREQ(property, "CoilType")) {
                text = tms_coil_name(st->status.coil_type);
        }
        return sd_bus_message_append(reply, "s", text);
}

static int get_counter(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;
        struct tms_info info;
        uint64_t n = 0;

        /* The counters move with every pulse and are not signalled: read when asked for. */
        if ((STREQ(property, "CoilPulses") || STREQ(property, "Odometer")) &&
            tms_device_info(st->monitor, &info) >= 0) {
                st->info.coil_pulses = info.coil_pulses;
                st->info.odometer = info.odometer;
        }
        if (STREQ(property, "CardSerial"))
                n = st->info.card_serial;
        else if (STREQ(property, "CoilSerial"))
                n = st->info.coil_serial;
        else if (STREQ(property, "CoilPulses"))
                n = st->info.coil_pulses;
        else if (STREQ(property, "Odometer"))
                n = st->info.odometer;
        return sd_bus_message_append(reply, "t", n);
}

static int get_interlocks(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct stimulator *st = userdata;
        uint32_t bits = STREQ(property, "InterlocksOpen") ? st->status.interlocks : st->status.latched;
        unsigned bit;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (bit = 0; r >= 0 && bit < 32; bit++) {
                if (bits & (1U << bit))
                        r = sd_bus_message_append(reply, "s", tms_interlock_name(bit));
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_temperature(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct stimulator *st = userdata;

        return sd_bus_message_append(reply, "i",
                                     STREQ(property, "CoilTemperature") ? st->status.coil_temp_mC
                                                                        : st->status.board_temp_mC);
}

static int get_session(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct stimulator *st = userdata;

        return sd_bus_message_append(reply, "o", st->session && st->session->slot ? st->session->path : "/");
}

static int get_fitness(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct stimulator *st = userdata;

        return sd_bus_message_append(reply, "u", st->status.fitness_max_ns);
}

/* --- Methods -------------------------------------------------------------------------------- */

static void *keep(void *st)
{
        return stimulator_ref(st);
}

static void *release(void *st)
{
        return stimulator_unref(st);
}

static void go_stop(struct request *q, void *userdata)
{
        struct stimulator *st = userdata;

        if (st->session)
                session_end_as(st->session, ENDING_STOPPED, request_who(q));
        else
                manager_record_limited(st->manager, "stimulator.stop", request_who(q), st->path, json_object());
        request_reply(q);
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;
        int r;

        if (st->session)
                session_halt(st->session);
        else
                stimulator_halt(st);
        r = request_begin(st->manager, m, NULL, st, keep, release, go_stop);
        if (r != -ENOMEM)
                return r;
        /* Stopping wants no memory, only the caller's name in the record does. */
        if (st->session)
                session_end_as(st->session, ENDING_STOPPED, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

struct clearing {
        struct stimulator *st;
        struct request *q;
};

static void clear_fault(struct stimulator *st, struct request *q)
{
        struct tms_device *own = NULL, *control = st->session ? st->session->control : NULL;
        char open[INTERLOCK_TEXT_SIZE];
        int r = 0;

        if (!control) {
                r = tms_device_open(st->node, true, &own);
                control = own;
        }
        if (r >= 0)
                r = tms_device_clear_fault(control);
        tms_device_close(own);
        (void)stimulator_refresh(st);
        manager_record(st->manager, "stimulator.clear_fault", NULL, st->path,
                       r < 0 ? json_pack("{s:s}", "error", strerror(-r)) : json_object());
        stimulator_interlock_text(st->status.interlocks, open, sizeof(open));
        if (r >= 0)
                request_reply(q);
        else if (r == -EBUSY && !own)
                request_refuse(q, "Busy", "Another program controls %s; end it first.", st->node);
        else if (r == -ENODEV)
                request_refuse(q, "NoStimulator",
                               "The stimulator was unplugged. Put it back, or take another one, and begin a new "
                               "session.");
        else if (*open)
                request_refuse(q, "InterlockOpen", "%s", open);
        else if (r == -EPROTO)
                request_refuse(q, "OutOfOrder", "There is no fault to clear: the stimulator is %s.",
                               tms_state_name(st->status.state));
        else
                request_refuse(q, "Fault", "The fault's cause is still there: %s",
                               tms_cause_sentence(st->status.cause));
}

static void on_clear_intent(const struct audit_result *result, void *userdata)
{
        struct clearing *c = userdata;

        char sentence[AUDIT_REFUSAL_SIZE];
        const char *name;

        if (result->error < 0 || audit_failure(c->st->manager->audit)) {
                name = audit_refusal(c->st->manager->audit, result->error, sentence);
                request_refuse(c->q, name, "%s", sentence);
        } else {
                clear_fault(c->st, c->q);
        }
        stimulator_unref(c->st);
        free(c);
}

static void go_clear_fault(struct request *q, void *userdata)
{
        struct stimulator *st = userdata;
        struct clearing *c = malloc(sizeof(*c));

        if (!c) {
                request_refuse(q, "Failed", "No memory. End other programs and try again.");
                return;
        }
        *c = (struct clearing){.st = stimulator_ref(st), .q = q};
        if (audit_write(st->manager->audit,
                        &(struct audit_record){
                                        .type = "stimulator.clear_fault.intent",
                                        .who = request_who(q),
                                        .on = st->path,
                                        .data = json_pack("{s:s}", "cause", tms_cause_name(st->status.cause)),
                                        .refusable = true,
                        },
                        on_clear_intent, c) < 0)
                on_clear_intent(&(struct audit_result){.error = -ENOMEM}, c);
}

static int method_clear_fault(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;

        return request_begin(st->manager, m, ACTION_TREAT, st, keep, release, go_clear_fault);
}

static int method_get_latency(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct stimulator *st = userdata;
        struct tms_latency l;
        int r;

        r = tms_device_latency(st->monitor, &l);
        if (r < 0)
                return sd_bus_error_setf(error, ERROR_PREFIX "Failed",
                                         "%s: no latency figures: %s. Try again; if that does not help, journalctl -k "
                                         "says more.",
                                         st->node, strerror(-r));
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "uuu", l.run, l.count, l.max_ns);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'u', l.bucket, sizeof(l.bucket));
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'u', l.wakeup, sizeof(l.wakeup));
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* --- The table -------------------------------------------------------------------------------- */

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

const sd_bus_vtable stimulator_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_PROPERTY("Node", "s", get_text, 0, CONST),
                SD_BUS_PROPERTY("CardSerial", "t", get_counter, 0, CONST),
                SD_BUS_PROPERTY("Firmware", "s", get_text, 0, CONST),
                SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
                SD_BUS_PROPERTY("Cause", "s", get_text, 0, CHANGES),
                SD_BUS_PROPERTY("CauseText", "s", get_text, 0, CHANGES),
                SD_BUS_PROPERTY("InterlocksOpen", "as", get_interlocks, 0, CHANGES),
                SD_BUS_PROPERTY("InterlocksLatched", "as", get_interlocks, 0, CHANGES),
                SD_BUS_PROPERTY("CoilType", "s", get_text, 0, CHANGES),
                SD_BUS_PROPERTY("CoilSerial", "t", get_counter, 0, CHANGES),
                SD_BUS_PROPERTY("CoilPulses", "t", get_counter, 0, 0),
                SD_BUS_PROPERTY("Odometer", "t", get_counter, 0, 0),
                SD_BUS_PROPERTY("CoilTemperature", "i", get_temperature, 0, CHANGES),
                SD_BUS_PROPERTY("BoardTemperature", "i", get_temperature, 0, CHANGES),
                SD_BUS_PROPERTY("Session", "o", get_session, 0, CHANGES),
                SD_BUS_PROPERTY("FitnessMax", "u", get_fitness, 0, CHANGES),
                SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_stop,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ClearFault", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_clear_fault,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetLatency", SD_BUS_NO_ARGS,
                                        SD_BUS_RESULT("u", run, "u", count, "u", max_ns, "au", error_histogram, "au",
                                                      wakeup_histogram),
                                        method_get_latency, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};
