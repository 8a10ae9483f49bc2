/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mock-tmsd SCENARIO CALLS: a daemon without a card for tests of tmsctl, on
 * the bus that DBUS_SYSTEM_BUS_ADDRESS names. Says "ready" when it has the
 * name, and writes every method call with its arguments to the file CALLS.
 *
 *  good       ten pulses in two trains, delivered; they have a notice, as in all that follow
 *  allowed    the same without a notice
 *  missed     the same, one of them missed
 *  unknown    the card is pulled half-way, in the middle of a pulse
 *  fault      stops half-way: the coil is too hot
 *  die        exits half-way
 *  slow       never done by itself: for pause, stop and ^C
 *  hang       Arm does not answer, for ^C
 *  operator   five pulses by themselves, the sixth waits for the operator
 *  trigger    the same, for the trigger; nothing comes
 *  not-yet    waits, and refuses the first Go
 *  twice      waits, and once more for the pulses after it
 *  no-pause   like slow, and refuses Pause
 *  mute       like slow, and answers Pause never
 *  deaf       like slow, and answers Stop, but goes on
 *  none       no stimulator
 *  busy, denied            CreateSession is refused
 *  invalid, override, never, limit   Prepare is refused
 *  interlock  Arm is refused
 *  confirm    ConfirmNotices is refused
 *  start      Start is refused
 *  faulted    the stimulator has a fault, nothing runs
 *  over       the same, and the interlock that it came from has closed again
 *  faults     so has a second one
 *  unfit      Arm is refused: timers
 *  bad-seal   SealAudit is refused
 *  left       a session is paused half-way, and its owner has left
 */
#include <fcntl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/base/errors.h"

#define PULSES 10
#define STEP_USEC 20000
#define STEPS 4
#define DIGEST "323ccc9a0b8f35164f9842440f07f72670f6fda3a064af341ec3e301c79c908d"
#define SESSION "/org/tmsd1/session/7"
#define COURSE_PATH "/org/tmsd1/course/A12N"
#define STREQ(a, b) (strcmp((a), (b)) == 0)

static struct {
        const char *scenario;
        FILE *calls;
        sd_event *event;
        sd_bus *bus;
        const char *state, *end_reason, *end_text, *stimulator_state, *waiting;
        uint32_t pulses, delivered, missed, unknown;
        uint64_t time_left;
        unsigned step;
        bool has_session, confirmed, left;
        char rest_of[64];
} mock = {.state = "new", .end_reason = "", .end_text = "", .stimulator_state = "idle", .waiting = "none"};

static bool is(const char *scenario)
{
        return STREQ(mock.scenario, scenario);
}

static int called(sd_bus_message *m)
{
        fprintf(mock.calls, "%s %s\n", sd_bus_message_get_path(m), sd_bus_message_get_member(m));
        return fflush(mock.calls);
}

static int refuse(sd_bus_error *e, enum error error, const char *message)
{
        return sd_bus_error_set(e, error_bus_name(error), message);
}

static void changed(void)
{
        sd_bus_emit_properties_changed(mock.bus, SESSION, "org.tmsd1.Session", "State", "Delivered", "Missed",
                                       "Unknown", "TimeLeft", "Train", "Pulses", "Trains", "ProtocolId", "Waiting",
                                       NULL);
}

static void end(const char *reason, const char *text)
{
        if (STREQ(mock.state, "ended"))
                return;
        mock.state = "ended";
        mock.end_reason = reason;
        mock.end_text = text;
        mock.time_left = 0;
        changed();
        sd_bus_emit_signal(mock.bus, SESSION, "org.tmsd1.Session", "Ended", "suu", reason, mock.delivered, mock.missed);
}

/* --- Manager ---------------------------------------------------------------------------- */

static int get_manager(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
        if (STREQ(property, "AuditRecords"))
                return sd_bus_message_append(reply, "t", UINT64_C(312));
        return sd_bus_message_append(reply, "s",
                                     STREQ(property, "Version")                                       ? "0.1.0"
                                     : STREQ(property, "AuditState") || STREQ(property, "IndexState") ? "ok"
                                                                                                      : DIGEST);
}

static int method_protocols(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        return sd_bus_reply_method_return(m, "aa{sv}", 1, 1, "id", "s", "a-protocol");
}

static const sd_bus_vtable session_vtable[];

static int method_create(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        const char *stimulator, *key, *text, *subject = "";

        called(m);
        if (sd_bus_message_read(m, "o", &stimulator) < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return -EINVAL;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0 || sd_bus_message_read(m, "v", "s", &text) < 0)
                        return -EINVAL;
                if (STREQ(key, "subject"))
                        subject = text;
                else if (STREQ(key, "rest_of"))
                        snprintf(mock.rest_of, sizeof(mock.rest_of), "%s", text);
                else
                        return refuse(e, ERROR_INVALID_ARGUMENT, "unknown option");
                sd_bus_message_exit_container(m);
        }
        fprintf(mock.calls, "stimulator=%s subject=%s\n", stimulator, subject);
        if (*mock.rest_of)
                fprintf(mock.calls, "rest_of=%s\n", mock.rest_of);
        fflush(mock.calls);
        if (is("none"))
                return refuse(e, ERROR_NO_STIMULATOR, "No stimulator is connected.");
        if (is("busy"))
                return refuse(e, ERROR_BUSY, "Session 3 has the stimulator.");
        if (is("denied"))
                return refuse(e, ERROR_NOT_AUTHORIZED, "You are not in the group tms-operator.");
        if (sd_bus_add_object_vtable(mock.bus, NULL, SESSION, "org.tmsd1.Session", session_vtable, NULL) < 0)
                return -EIO;
        mock.has_session = true;
        return sd_bus_reply_method_return(m, "o", SESSION);
}

static int method_create_course(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        return sd_bus_reply_method_return(m, "o", COURSE_PATH);
}

static int method_of_subject(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        return sd_bus_reply_method_return(m, NULL);
}

/* --- Course ------------------------------------------------------------------------------------- */

static int get_course(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *e)
{
        if (STREQ(property, "SessionsPlanned"))
                return sd_bus_message_append(reply, "u", 36);
        if (STREQ(property, "SessionsMissed"))
                return sd_bus_message_append(reply, "u", 2);
        return sd_bus_message_append(reply, "s",
                                     STREQ(property, "Code")   ? "A12N"
                                     : STREQ(property, "Part") ? "course"
                                                               : "active");
}

/* Each value in a line: "taper=au:3,2,1,". */
static int log_values(sd_bus_message *m)
{
        const char *key, *type, *text;
        uint32_t number;

        if (sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return -EINVAL;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0 || sd_bus_message_peek_type(m, NULL, &type) < 0 ||
                    sd_bus_message_enter_container(m, 'v', type) < 0)
                        return -EINVAL;
                fprintf(mock.calls, "%s=%s:", key, type);
                if (*type == 'a' && sd_bus_message_enter_container(m, 'a', type + 1) < 0)
                        return -EINVAL;
                while (sd_bus_message_at_end(m, false) == 0) {
                        if (STREQ(type + (*type == 'a'), "u") && sd_bus_message_read(m, "u", &number) >= 0)
                                fprintf(mock.calls, "%u,", number);
                        else if (sd_bus_message_read(m, "s", &text) >= 0)
                                fprintf(mock.calls, "%s;", text);
                }
                if (*type == 'a')
                        sd_bus_message_exit_container(m);
                fputc('\n', mock.calls);
                sd_bus_message_exit_container(m);
                sd_bus_message_exit_container(m);
        }
        return fflush(mock.calls);
}

static int method_course(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        const char *member = sd_bus_message_get_member(m);

        called(m);
        if (is("denied"))
                return refuse(e, ERROR_NOT_AUTHORIZED, "You are not in the group tms-prescriber. Ask one of them.");
        if (*sd_bus_message_get_signature(m, true) && log_values(m) < 0)
                return -EINVAL;
        if (STREQ(member, "Score"))
                return sd_bus_reply_method_return(m, "a{sv}", 2, "total", "u", 12, "severity", "s", "moderate");
        if (STREQ(member, "Get"))
                return sd_bus_reply_method_return(m, "a{sv}", 4, "subject", "s", "S-1", "decided", "au", 2, 7, 11,
                                                  "about", "a{sv}", 1, "age", "u", 44, "locked", "b", false);
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable course_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_PROPERTY("Code", "s", get_course, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("State", "s", get_course, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Part", "s", get_course, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("SessionsPlanned", "u", get_course, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("SessionsMissed", "u", get_course, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_METHOD("Get", NULL, "a{sv}", method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Screen", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("DecideScreening", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Consent", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Authorise", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Prescribe", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Activate", NULL, NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("EnterPart", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Pause", NULL, NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Resume", NULL, NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Score", "a{sv}", "a{sv}", method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("ReportEvent", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("ReportMissed", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("ReportSeizure", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Unlock", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("End", "a{sv}", NULL, method_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

static int method_seal(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        const char *nonce;
        char seal[256];

        called(m);
        if (is("bad-seal"))
                return refuse(e, ERROR_AUDIT_FAILED, "The audit log cannot be written.");
        if (sd_bus_message_read(m, "s", &nonce) < 0)
                return -EINVAL;
        snprintf(seal, sizeof(seal), "{\"seq\":5,\"type\":\"seal\",\"data\":{\"nonce\":\"%s\"}}", nonce);
        return sd_bus_reply_method_return(m, "s", seal);
}

/* The archive that MOCK_AUDIT names. */
static int method_open_audit(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        const char *path = getenv("MOCK_AUDIT");
        int fd, r;

        called(m);
        if (is("denied"))
                return refuse(e, ERROR_NOT_AUTHORIZED, "You are not authorized.");
        if (is("busy"))
                return refuse(e, ERROR_BUSY, "You are reading a copy already. End that program.");
        /* A pipe that is also open for writing has no end. */
        fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        if (fd < 0)
                return -ENOENT;
        r = sd_bus_reply_method_return(m, "h", fd);
        close(fd);
        return r;
}

static int method_close_segment(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        return sd_bus_reply_method_return(m, "s", "{\"seq\":5,\"type\":\"seal\",\"data\":{\"nonce\":\"\"}}");
}

static const sd_bus_vtable manager_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_PROPERTY("Version", "s", get_manager, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("AuditState", "s", get_manager, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("AuditRecords", "t", get_manager, 0, 0),
                SD_BUS_PROPERTY("AuditHead", "s", get_manager, 0, 0),
                SD_BUS_PROPERTY("IndexState", "s", get_manager, 0, 0),
                SD_BUS_PROPERTY("AuditKey0Fingerprint", "s", get_manager, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_METHOD("ListProtocols", NULL, "aa{sv}", method_protocols, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("CreateSession", "oa{sv}", "o", method_create, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("CreateCourse", "sa{sv}", "o", method_create_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("ReportSeizure", "sa{sv}", NULL, method_of_subject, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Unlock", "sa{sv}", NULL, method_of_subject, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("SealAudit", "s", "s", method_seal, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("OpenAudit", NULL, "h", method_open_audit, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("CloseSegment", NULL, "s", method_close_segment, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

/* --- Stimulator ----------------------------------------------------------------------------- */

static int get_stimulator(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
        static const char *const texts[][2] = {
                        {"Node", "/dev/tms0"},
                        {"Firmware", "1.2.3"},
                        {"CoilType", "figure-8"},
                        {"Cause", "coil_hot"},
                        {"CauseText", "The coil is too hot."},
        };

        if (STREQ(property, "State"))
                return sd_bus_message_append(reply, "s", mock.stimulator_state);
        if (STREQ(property, "InterlocksOpen"))
                return sd_bus_message_append(reply, "as", is("faulted") ? 1 : 0, "coil_hot");
        if (STREQ(property, "InterlocksLatched"))
                return sd_bus_message_append(reply, "as", STREQ(mock.stimulator_state, "fault") ? 1 : 0, "coil_hot");
        if (STREQ(property, "CoilTemperature") || STREQ(property, "BoardTemperature"))
                return sd_bus_message_append(reply, "i", 31500);
        if (STREQ(property, "Session"))
                return sd_bus_message_append(reply, "o", mock.has_session ? SESSION : "/");
        if (STREQ(property, "Gates"))
                return sd_bus_message_append(reply, "aa{sv}", 1, 2, "name", "s", "coil_hot", "state", "s",
                                             is("faulted") ? "open" : "closed");
        if (STREQ(property, "FitnessMax"))
                return sd_bus_message_append(reply, "u", 312);
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (STREQ(property, texts[i][0]))
                        return sd_bus_message_append(reply, "s", texts[i][1]);
        /* More than JSON's signed integers hold. */
        return sd_bus_message_append(reply, "t", STREQ(property, "CardSerial") ? UINT64_MAX : UINT64_C(4711));
}

static int method_stop_stimulator(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        const bool stopped = mock.has_session && !STREQ(mock.state, "ended");

        called(m);
        end("stopped", "Stopped by uid 0.");
        return sd_bus_reply_method_return(m, "b", stopped);
}

static int method_clear(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        if (!is("faulted") && !is("faults") && !is("over"))
                return refuse(e, ERROR_OUT_OF_ORDER, "There is no fault.");
        mock.stimulator_state = "idle";
        return sd_bus_reply_method_return(m, NULL);
}

static int method_latency(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        return sd_bus_reply_method_return(m, "uuuauau", 3, 10, 48, 8, 0, 0, 0, 1, 5, 3, 1, 0, 3, 9, 1, 0);
}

static const sd_bus_vtable stimulator_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_PROPERTY("Node", "s", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("CardSerial", "t", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("Firmware", "s", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("State", "s", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Cause", "s", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("CauseText", "s", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("InterlocksOpen", "as", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("InterlocksLatched", "as", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("CoilType", "s", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("CoilSerial", "t", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("CoilPulses", "t", get_stimulator, 0, 0),
                SD_BUS_PROPERTY("Odometer", "t", get_stimulator, 0, 0),
                SD_BUS_PROPERTY("CoilTemperature", "i", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("BoardTemperature", "i", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Session", "o", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Gates", "aa{sv}", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("FitnessMax", "u", get_stimulator, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_METHOD("Stop", NULL, "b", method_stop_stimulator, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("ClearFault", NULL, NULL, method_clear, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("GetLatency", NULL, "uuuauau", method_latency, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

/* --- Session ----------------------------------------------------------------------------------- */

static int get_session(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
        if (STREQ(property, "Stimulator"))
                return sd_bus_message_append(reply, "o", "/org/tmsd1/stimulator/0");
        if (STREQ(property, "TimeLeft"))
                return sd_bus_message_append(reply, "t", mock.time_left);
        if (STREQ(property, "Pulses"))
                return sd_bus_message_append(reply, "u", mock.pulses);
        if (STREQ(property, "Delivered"))
                return sd_bus_message_append(reply, "u", mock.delivered);
        if (STREQ(property, "Missed"))
                return sd_bus_message_append(reply, "u", mock.missed);
        if (STREQ(property, "Unknown"))
                return sd_bus_message_append(reply, "u", mock.unknown);
        if (STREQ(property, "Rest"))
                return sd_bus_message_append(reply, "u",
                                             STREQ(mock.state, "ended")
                                                             ? mock.pulses - mock.delivered - mock.missed - mock.unknown
                                                             : 0);
        if (STREQ(property, "Trains"))
                return sd_bus_message_append(reply, "u", 2);
        if (STREQ(property, "Train"))
                return sd_bus_message_append(reply, "u", mock.delivered >= PULSES / 2);
        if (STREQ(property, "IntensityMax"))
                return sd_bus_message_append(reply, "u", 624);
        if (STREQ(property, "Pausing"))
                return sd_bus_message_append(reply, "b", false);
        if (STREQ(property, "Notices"))
                return sd_bus_message_append(reply, "as", 0);
        if (STREQ(property, "Gates"))
                return sd_bus_message_append(reply, "aa{sv}", 2, 4, "name", "s", "clock_sane", "state", "s",
                                             is("operator") ? "open" : "closed", "sentence", "s", "The clock was set.",
                                             "remedy", "s", "Set it right.", 4, "name", "s", "coil_hot", "state", "s",
                                             is("operator") ? "open" : "closed", "sentence", "s",
                                             "The coil is too hot.", "remedy", "s", "Let it cool down.");
        if (STREQ(property, "NoticesConfirmed"))
                return sd_bus_message_append(reply, "b", false);
        return sd_bus_message_append(reply, "s",
                                     STREQ(property, "Id")               ? "7"
                                     : STREQ(property, "Subject")        ? "T-1"
                                     : STREQ(property, "State")          ? mock.state
                                     : STREQ(property, "EndReason")      ? mock.end_reason
                                     : STREQ(property, "EndText")        ? mock.end_text
                                     : STREQ(property, "Waiting")        ? mock.waiting
                                     : STREQ(property, "ProtocolId")     ? (mock.pulses ? "a-protocol" : "")
                                     : STREQ(property, "ProtocolSha256") ? (mock.pulses ? DIGEST : "")
                                     : STREQ(property, "RestOf")         ? mock.rest_of
                                     : STREQ(property, "OwnerState")     ? (mock.left ? "left" : "there")
                                     : STREQ(property, "Owner")          ? (mock.left ? "" : ":1.1")
                                                                         : "");
}

static bool waits(void)
{
        return is("operator") || is("trigger") || is("not-yet") || is("twice");
}

static bool is_endless(void)
{
        return is("slow") || is("no-pause") || is("mute") || is("deaf");
}

static unsigned steps(void)
{
        return is("twice") ? STEPS + 1 : STEPS;
}

/* A quarter of the pulses, or the wait for the rest of them. */
static void step(void)
{
        mock.step++;
        if ((mock.step == STEPS / 2 + 1 && waits()) || (mock.step == STEPS / 2 + 2 && is("twice"))) {
                mock.waiting = is("trigger") ? "trigger" : "operator";
        } else if (!is_endless()) {
                mock.delivered = PULSES * mock.step / steps();
                mock.time_left = (steps() - mock.step) * UINT64_C(1000000000);
        }
        changed();
}

static int on_step(sd_event_source *source, uint64_t usec, void *userdata)
{
        if (!STREQ(mock.state, "running"))
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (STREQ(mock.waiting, "none"))
                step();
        if (mock.step == STEPS / 2 && is("fault"))
                end("coil_hot", "The coil is too hot. Let it cool down or change it.");
        if (mock.step == STEPS / 2 && is("unknown")) {
                mock.unknown = 1;
                changed();
                end("gone", "The stimulator was unplugged.");
        }
        if (mock.step == STEPS / 2 && is("die"))
                return sd_event_exit(mock.event, 0);
        if (mock.step == steps() && !is_endless()) {
                if (is("missed")) {
                        mock.delivered--;
                        mock.missed = 1;
                }
                end("complete", "All pulses of the timeline have been played.");
        }
        sd_event_source_set_time_relative(source, STEP_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int log_parameters(sd_bus_message *m)
{
        const char *key, *type, *text;
        uint32_t number, legs[4];

        if (sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return -EINVAL;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0 || sd_bus_message_peek_type(m, NULL, &type) < 0)
                        return -EINVAL;
                if (STREQ(type, "u") && sd_bus_message_read(m, "v", "u", &number) >= 0)
                        fprintf(mock.calls, "%s=%u\n", key, number);
                else if (STREQ(type, "au") &&
                         sd_bus_message_read(m, "v", "au", 4, legs, legs + 1, legs + 2, legs + 3) >= 0)
                        fprintf(mock.calls, "%s=%u,%u,%u,%u\n", key, legs[0], legs[1], legs[2], legs[3]);
                else if (sd_bus_message_read(m, "v", "s", &text) >= 0)
                        fprintf(mock.calls, "%s=%s\n", key, text);
                sd_bus_message_exit_container(m);
        }
        return fflush(mock.calls);
}

static int method_prepare(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        static const struct {
                const char *scenario;
                enum error error;
                const char *sentence;
        } refusals[] = {
                        {"invalid", ERROR_INVALID_PROTOCOL, "mine.yaml:3:1: tittle: unknown key; expected title"},
                        {"override", ERROR_NEEDS_OVERRIDE,
                         "a-protocol needs a prescriber's override: 30 Hz is in no table."},
                        {"never", ERROR_NOT_ALLOWED,
                         "a-protocol is never allowed: 200 % of the threshold is above the ceiling."},
                        {"limit", ERROR_LIMIT_EXCEEDED, "pulse 41: 1 ms after the one before, the card needs 2 ms."},
        };
        const char *name, *text, *sha256 = getenv("MOCK_SHA256");

        called(m);
        if (sd_bus_message_read(m, "ss", &name, &text) < 0)
                return -EINVAL;
        fprintf(mock.calls, "protocol=%s bytes=%zu\n", name, strlen(text));
        if (log_parameters(m) < 0)
                return -EINVAL;
        for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
                if (is(refusals[i].scenario))
                        return refuse(e, refusals[i].error, refusals[i].sentence);
        mock.state = "prepared";
        mock.pulses = PULSES;
        mock.time_left = STEPS * UINT64_C(1000000000);
        mock.confirmed = is("allowed");
        changed();
        if (is("allowed"))
                return sd_bus_reply_method_return(m, "a{sv}", 8, "class", "s", "allowed", "id", "s", "a-protocol",
                                                  "sha256", "s", "00", "pulses", "u", PULSES, "trains", "u", 2,
                                                  "max_permille", "u", 624, "first_to_last_ns", "t",
                                                  UINT64_C(4000000000), "reasons", "aa{sv}", 0);
        return sd_bus_reply_method_return(m, "a{sv}", 8, "class", "s", "notice", "id", "s", "a-protocol", "sha256", "s",
                                          sha256 ? sha256 : "00", "pulses", "u", PULSES, "trains", "u", 2,
                                          "max_permille", "u", 624, "first_to_last_ns", "t", UINT64_C(4000000000),
                                          "reasons", "aa{sv}", 1, 2, "class", "s", "notice", "sentence", "s",
                                          "a train of 4 s is longer than 3.2 s.");
}

static int method_confirm(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        if (is("confirm"))
                return refuse(e, ERROR_AUDIT_FAILED, "The audit log cannot be written, so nothing may start.");
        mock.confirmed = true;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_arm(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        if (!mock.confirmed)
                return refuse(e, ERROR_NOTICE_NOT_CONFIRMED, "Arm: ConfirmNotices comes first.");
        if (is("unfit"))
                return refuse(e, ERROR_UNFIT, "The host's timers are too inexact.");
        if (is("interlock"))
                return refuse(e, ERROR_INTERLOCK_OPEN, "No coil is connected. Plug the coil in until it locks.");
        mock.state = "arming";
        changed();
        if (is("hang"))
                return 1;
        mock.state = "armed";
        changed();
        return sd_bus_reply_method_return(m, NULL);
}

static int method_start(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        if (is("start"))
                return refuse(e, ERROR_FAULT,
                              "The stimulator is in fault by coil_hot, which is over; clear the fault "
                              "(tmsctl clear-fault), then try again.");
        mock.state = "running";
        changed();
        sd_event_add_time_relative(mock.event, NULL, CLOCK_MONOTONIC, STEP_USEC, 0, on_step, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_go(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        static unsigned n;
        uint32_t permille;

        called(m);
        if (sd_bus_message_read(m, "u", &permille) < 0)
                return -EINVAL;
        fprintf(mock.calls, "permille=%u\n", permille);
        fflush(mock.calls);
        if (!STREQ(mock.waiting, "operator") || (is("not-yet") && n++ == 0))
                return refuse(e, ERROR_NOT_WAITING, "Go: no pulse waits for the operator now.");
        mock.waiting = "none";
        changed();
        return sd_bus_reply_method_return(m, NULL);
}

static int method_pause(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        int now;

        called(m);
        if (sd_bus_message_read(m, "b", &now) < 0)
                return -EINVAL;
        fprintf(mock.calls, "now=%d\n", now);
        fflush(mock.calls);
        if (is("no-pause"))
                return refuse(e, ERROR_FAILED, "Pause: the card does not answer.");
        if (is("mute"))
                return 1;
        mock.state = "paused";
        changed();
        return sd_bus_reply_method_return(m, NULL);
}

static int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        mock.state = "running";
        changed();
        sd_event_add_time_relative(mock.event, NULL, CLOCK_MONOTONIC, STEP_USEC, 0, on_step, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_take(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        if (!mock.left)
                return refuse(e, ERROR_NOT_OWNER,
                              "Take: session 7 belongs to a client that is there: ask for it there.");
        mock.left = false;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        if (!is("deaf"))
                end("stopped", "Stopped by its owner.");
        return sd_bus_reply_method_return(m, NULL);
}

static int method_close(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
        called(m);
        return sd_bus_reply_method_return(m, NULL);
}

#define SESSION_PROPERTY(name, type) SD_BUS_PROPERTY(name, type, get_session, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable session_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SESSION_PROPERTY("Id", "s"),
                SESSION_PROPERTY("Stimulator", "o"),
                SESSION_PROPERTY("Subject", "s"),
                SESSION_PROPERTY("RestOf", "s"),
                SESSION_PROPERTY("Owner", "s"),
                SESSION_PROPERTY("OwnerState", "s"),
                SESSION_PROPERTY("State", "s"),
                SESSION_PROPERTY("EndReason", "s"),
                SESSION_PROPERTY("EndText", "s"),
                SESSION_PROPERTY("ProtocolId", "s"),
                SESSION_PROPERTY("ProtocolSha256", "s"),
                SESSION_PROPERTY("IntensityMax", "u"),
                SESSION_PROPERTY("Pulses", "u"),
                SESSION_PROPERTY("Delivered", "u"),
                SESSION_PROPERTY("Missed", "u"),
                SESSION_PROPERTY("Unknown", "u"),
                SESSION_PROPERTY("Rest", "u"),
                SESSION_PROPERTY("Trains", "u"),
                SESSION_PROPERTY("Train", "u"),
                SESSION_PROPERTY("TimeLeft", "t"),
                SESSION_PROPERTY("Waiting", "s"),
                SESSION_PROPERTY("Pausing", "b"),
                SESSION_PROPERTY("Break", "s"),
                SESSION_PROPERTY("Notices", "as"),
                SESSION_PROPERTY("NoticesConfirmed", "b"),
                SESSION_PROPERTY("Gates", "aa{sv}"),
                SD_BUS_METHOD("Prepare", "ssa{sv}", "a{sv}", method_prepare, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("ConfirmNotices", NULL, NULL, method_confirm, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Arm", NULL, NULL, method_arm, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Start", NULL, NULL, method_start, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Go", "u", NULL, method_go, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Pause", "b", NULL, method_pause, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Resume", NULL, NULL, method_resume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Take", NULL, NULL, method_take, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Stop", NULL, NULL, method_stop, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("Close", NULL, NULL, method_close, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_SIGNAL("Ended", "suu", 0),
                SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
        int r;

        if (argc != 3 || !(mock.calls = fopen(argv[2], "we")))
                return 2;
        mock.scenario = argv[1];
        mock.stimulator_state = is("faulted") || is("faults") || is("over") ? "fault" : "idle";
        r = sd_event_default(&mock.event);
        if (r >= 0)
                r = sd_bus_open_system(&mock.bus);
        if (r >= 0)
                r = sd_bus_add_object_manager(mock.bus, NULL, "/org/tmsd1");
        if (r >= 0)
                r = sd_bus_add_object_vtable(mock.bus, NULL, "/org/tmsd1", "org.tmsd1.Manager", manager_vtable, NULL);
        if (r >= 0)
                r = sd_bus_add_object_vtable(mock.bus, NULL, COURSE_PATH, "org.tmsd1.Course", course_vtable, NULL);
        if (r >= 0 && !is("none"))
                r = sd_bus_add_object_vtable(mock.bus, NULL, "/org/tmsd1/stimulator/0", "org.tmsd1.Stimulator",
                                             stimulator_vtable, NULL);
        if (r >= 0 && is("faults"))
                r = sd_bus_add_object_vtable(mock.bus, NULL, "/org/tmsd1/stimulator/1", "org.tmsd1.Stimulator",
                                             stimulator_vtable, NULL);
        if (r >= 0 && is("left")) {
                mock.state = "paused";
                mock.pulses = PULSES;
                mock.delivered = PULSES / 2;
                mock.step = STEPS / 2;
                mock.has_session = mock.left = true;
                r = sd_bus_add_object_vtable(mock.bus, NULL, SESSION, "org.tmsd1.Session", session_vtable, NULL);
        }
        if (r >= 0)
                r = sd_bus_request_name(mock.bus, "org.tmsd1", 0);
        if (r >= 0)
                r = sd_bus_attach_event(mock.bus, mock.event, 0);
        if (r < 0) {
                fprintf(stderr, "mock-tmsd: %s\n", strerror(-r));
                return 1;
        }
        puts("ready");
        fflush(stdout);
        r = sd_event_loop(mock.event);
        sd_bus_flush_close_unref(mock.bus);
        sd_event_unref(mock.event);
        fclose(mock.calls);
        return r < 0;
}
