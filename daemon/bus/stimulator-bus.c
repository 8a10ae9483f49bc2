/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Stimulator: properties and methods. */
#include "gate-list.h"
#include "request.h"
#include "property.h"
#include "stimulator-bus.h"
#include "stimulator.h"

/* --- Properties --------------------------------------------------------------------------- */

static int get_firmware(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const uint32_t firmware = ((const struct stimulator *)userdata)->info.firmware;
        char text[32];

        (void)snprintf(text, sizeof(text), "%u.%u.%u", firmware >> 16, firmware >> 8 & 0xff, firmware & 0xff);
        return sd_bus_message_append(reply, "s", text);
}

/*
 * What the card shows is looked at before each answer, since the kernel makes no record when an interlock closes, nor
 * when one opens that is latched already. Once in a turn of the loop is enough: one call may read all properties.
 */
static void look(struct stimulator *st)
{
        uint64_t now_usec = 0;

        if (sd_event_now(st->ward->event, CLOCK_MONOTONIC, &now_usec) < 0 || now_usec != st->looked_usec)
                (void)stimulator_refresh(st);
}

#define LOOKS(getter, type, value)                                                                    \
        static int getter(sd_bus *bus, const char *path, const char *interface, const char *property, \
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)                 \
        {                                                                                             \
                struct stimulator *st = userdata;                                                     \
                                                                                                      \
                look(st);                                                                             \
                return sd_bus_message_append(reply, type, value);                                     \
        }

LOOKS(get_state, "s", tms_state_name(st->status.state))
LOOKS(get_cause, "s", tms_cause_name(st->status.cause))
LOOKS(get_cause_text, "s", tms_cause_sentence(st->status.cause))
LOOKS(get_coil_type, "s", tms_coil_name(st->status.coil_type))
LOOKS(get_coil_serial, "t", (uint64_t)st->info.coil_serial)
LOOKS(get_coil_temperature, "i", st->status.coil_temp_mC)
LOOKS(get_board_temperature, "i", st->status.board_temp_mC)
LOOKS(get_fitness_max, "u", st->status.fitness_max_ns)

/* The counters change with every pulse and are not signalled, so the card is asked whenever they are read. */
static void look_at_counters(struct stimulator *st)
{
        struct tms_info info;

        if (tms_device_info(st->monitor, &info) < 0)
                return;
        st->info.coil_pulses = info.coil_pulses;
        st->info.odometer = info.odometer;
}

static int get_coil_pulses(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;

        look_at_counters(st);
        return sd_bus_message_append(reply, "t", (uint64_t)st->info.coil_pulses);
}

static int get_odometer(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;

        look_at_counters(st);
        return sd_bus_message_append(reply, "t", (uint64_t)st->info.odometer);
}

static int append_interlocks(sd_bus_message *reply, uint32_t bits)
{
        unsigned bit;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (bit = 0; r >= 0 && bit < 32; bit++) {
                if (bits & (1U << bit))
                        r = sd_bus_message_append(reply, "s", tms_interlock_name(bit));
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_open(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;

        look(st);
        return append_interlocks(reply, st->status.interlocks);
}

static int get_latched(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;

        look(st);
        return append_interlocks(reply, st->status.latched);
}

static int get_session(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct stimulator *st = userdata;
        const char *user_path = st->user ? st->user->get_path(st->user_data) : NULL;

        return sd_bus_message_append(reply, "o", user_path ? user_path : "/");
}

static int get_gates(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;
        struct gate_look looks[CARD_GATES];

        look(st);
        card_gates_describe(&st->gates, looks);
        return gate_list_append(reply, GATE_CARD, CARD_GATES, looks, st->gates.seen);
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

static const char unplugged[] =
                "The stimulator was unplugged. Put it back, or take another one, and begin a new session.";

/* What a Stop is answered that no session takes care of. NULL: it was taken. */
static const char *not_stopped(const struct stimulator *st, char *buf, size_t size)
{
        if (st->stop_error >= 0)
                return NULL;
        if (st->stop_error == -ENODEV)
                return unplugged;
        (void)snprintf(buf, size,
                       "The driver has not taken the stop: %s. Press the emergency stop of the stimulator, then look "
                       "at journalctl -k.",
                       strerror(-st->stop_error));
        return buf;
}

static void answer_stop(struct request *q, const struct stimulator *st)
{
        int r;

        r = sd_bus_reply_method_return(request_message(q), "b", st->stopped);
        /* As in request_reply(): a caller without an answer would take it that nothing was stopped. */
        if (r < 0)
                r = sd_bus_reply_method_return(request_message(q), "b", st->stopped);
        if (r < 0)
                request_reply_message(q, NULL);
        else
                request_drop(q);
}

static void go_stop(struct request *q, void *userdata)
{
        struct stimulator *st = userdata;
        char text[256];
        const char *sentence;

        if (st->user) {
                st->user->on_stop(st->user_data, request_who(q));
                answer_stop(q, st);
                return;
        }
        sentence = not_stopped(st, text, sizeof(text));
        (void)recorder_note_limited(st->ward->recorder, "stimulator.stop", request_who(q), st->path,
                                    sentence ? json_pack("{s:s}", "error", strerror(-st->stop_error)) : json_object());
        if (sentence)
                request_refuse(q, st->stop_error == -ENODEV ? ERROR_NO_STIMULATOR : ERROR_FAILED, "%s", sentence);
        else
                answer_stop(q, st);
}

/* Somebody else than a session may have it armed, too. */
static bool is_under_way(uint32_t state)
{
        return (state >= TMS_STATE_ARMING && state <= TMS_STATE_PAUSED) || state == TMS_STATE_BREAK;
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct stimulator *st = userdata;
        sd_bus_error refused;
        const char *sentence;
        char text[256];
        int r;

        st->stop_error = 0;
        /* The state is the one of before: after the stop, the kernel's record has not been read yet. */
        st->stopped = st->user || is_under_way(st->status.state);
        if (st->user)
                st->user->on_halt(st->user_data);
        else
                st->stop_error = stimulator_halt(st);
        r = request_begin(st->ward->calls, m, NULL, st, keep, release, go_stop);
        if (r != -ENOMEM)
                return r;
        /* There was no memory for the request. Stopping needs none; only the caller's name is missing in the record. */
        if (st->user)
                st->user->on_stop(st->user_data, NULL);
        sentence = not_stopped(st, text, sizeof(text));
        if (!sentence)
                return sd_bus_reply_method_return(m, "b", st->stopped);
        refused = error_with(st->stop_error == -ENODEV ? ERROR_NO_STIMULATOR : ERROR_FAILED, sentence);
        return sd_bus_reply_method_error(m, &refused);
}

struct clearing {
        struct stimulator *st;
        struct request *q;
};

static void clear_fault(struct stimulator *st, struct request *q)
{
        struct tms_device *own = NULL, *control = st->user ? st->user->get_control(st->user_data) : NULL;
        char open[INTERLOCK_TEXT_SIZE];
        struct tms_why why = {0};
        int r = 0;

        if (!control) {
                r = tms_device_open(st->node, true, &own);
                control = own;
        }
        if (r >= 0) {
                r = tms_device_clear_fault(control);
                tms_device_why(control, &why);
        }
        tms_device_close(own);
        (void)stimulator_refresh(st);
        recorder_note(st->ward->recorder, "stimulator.clear_fault", NULL, st->path,
                      r < 0 ? json_pack("{s:s}", "error", strerror(-r)) : json_object());
        card_gates_text(st->status.interlocks, open, sizeof(open));
        if (r >= 0)
                request_reply(q);
        else if (r == -EBUSY && !own)
                request_refuse(q, ERROR_BUSY, "Another program controls %s; end it first.", st->node);
        else if (r == -ENODEV)
                request_refuse(q, ERROR_NO_STIMULATOR, "%s", unplugged);
        else if (r == -EAGAIN && !own)
                request_refuse(q, ERROR_OUT_OF_ORDER, "ClearFault: %s", tms_reason_sentence(TMS_REASON_AWAY));
        else if (*open)
                request_refuse(q, ERROR_INTERLOCK_OPEN, "%s", open);
        else if (why.reason == TMS_REASON_AWAY || why.reason == TMS_REASON_ROOM)
                request_refuse(q, ERROR_OUT_OF_ORDER, "ClearFault: %s", tms_reason_sentence(why.reason));
        else if (r == -EPROTO)
                request_refuse(q, ERROR_OUT_OF_ORDER, "There is no fault to clear: the stimulator is %s.",
                               tms_state_name(st->status.state));
        else
                request_refuse(q, ERROR_FAULT,
                               "The fault's cause is still there: %s When that is mended: tmsctl clear-fault.",
                               tms_cause_sentence(st->status.cause));
}

static void on_clear_intent(const struct audit_result *result, void *userdata)
{
        struct clearing *c = userdata;

        char sentence[AUDIT_REFUSAL_SIZE];
        enum error refusal;

        if (result->error < 0 || audit_failure(c->st->ward->recorder->audit)) {
                refusal = audit_refusal(c->st->ward->recorder->audit, result->error, sentence);
                request_refuse(c->q, refusal, "%s", sentence);
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
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        *c = (struct clearing){.st = stimulator_ref(st), .q = q};
        if (audit_write(st->ward->recorder->audit,
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

        return request_begin(st->ward->calls, m, ACTION_TREAT, st, keep, release, go_clear_fault);
}

static int method_get_latency(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct stimulator *st = userdata;
        struct tms_latency l;
        int r;

        r = tms_device_latency(st->monitor, &l);
        if (r < 0) {
                sd_bus_error no_figures;
                char sentence[256];

                (void)snprintf(sentence, sizeof(sentence),
                               "%s: no latency figures: %s. Try again; if that does not help, journalctl -k says more.",
                               st->node, strerror(-r));
                no_figures = error_with(ERROR_FAILED, sentence);
                return sd_bus_reply_method_error(m, &no_figures);
        }
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

const sd_bus_vtable stimulator_vtable[] = {
                SD_BUS_VTABLE_START(0),
                PROPERTY_TEXT("Node", stimulator, node, PROPERTY_CONST),
                PROPERTY_U64("CardSerial", stimulator, info.card_serial, PROPERTY_CONST),
                SD_BUS_PROPERTY("Firmware", "s", get_firmware, 0, PROPERTY_CONST),
                SD_BUS_PROPERTY("State", "s", get_state, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("Cause", "s", get_cause, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("CauseText", "s", get_cause_text, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("InterlocksOpen", "as", get_open, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("InterlocksLatched", "as", get_latched, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("CoilType", "s", get_coil_type, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("CoilSerial", "t", get_coil_serial, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("CoilPulses", "t", get_coil_pulses, 0, 0),
                SD_BUS_PROPERTY("Odometer", "t", get_odometer, 0, 0),
                SD_BUS_PROPERTY("CoilTemperature", "i", get_coil_temperature, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("BoardTemperature", "i", get_board_temperature, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("Session", "o", get_session, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("Gates", "aa{sv}", get_gates, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("FitnessMax", "u", get_fitness_max, 0, PROPERTY_CHANGES),
                SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", stopped), method_stop,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ClearFault", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_clear_fault,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetLatency", SD_BUS_NO_ARGS,
                                        SD_BUS_RESULT("u", run, "u", count, "u", max_ns, "au", error_histogram, "au",
                                                      wakeup_histogram),
                                        method_get_latency, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};
