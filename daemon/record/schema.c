/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every type of record of the audit log, with its fields; see schema.h. What they mean is in lib/AUDIT.md. The check of
 * a record against this table is in schema-check.c.
 */
#include "auditlog.h"
#include "cut.h"
#include "forms.h"
#include "instrument.h"
#include "plan.h"
#include "schema.h"
#include "screening.h"

/* clang-format off */

/* What follows a field's own arguments says when it is there; without that it always is. */
#define TEXT(n, l, m, ...)       {.name = (n), .kind = SCHEMA_TEXT, .least = (l), .most = (m), ##__VA_ARGS__}
#define HEX(n, digits, ...)      {.name = (n), .kind = SCHEMA_HEX, .least = (digits), .most = (digits), ##__VA_ARGS__}
#define NUMBER(n, l, m, ...)     {.name = (n), .kind = SCHEMA_NUMBER, .least = (l), .most = (m), ##__VA_ARGS__}
#define FLAG(n, ...)             {.name = (n), .kind = SCHEMA_FLAG, ##__VA_ARGS__}
#define TEXTS(n, l, m, i, ...) \
        {.name = (n), .kind = SCHEMA_TEXTS, .least = (l), .most = (m), .items = (i), ##__VA_ARGS__}
#define NUMBERS(n, l, m, i, ...) \
        {.name = (n), .kind = SCHEMA_NUMBERS, .least = (l), .most = (m), .items = (i), ##__VA_ARGS__}
#define U32(n, ...)              NUMBER(n, 0, UINT32_MAX, ##__VA_ARGS__)
#define U64(n, ...)              NUMBER(n, 0, UINT64_MAX, ##__VA_ARGS__)

#define OPTIONAL   .need = SCHEMA_OPTIONAL
#define WITH(o)    .need = SCHEMA_WITH, .other = (o)
#define WITHOUT(o) .need = SCHEMA_WITHOUT, .other = (o)
#define UNLESS(o)  .need = SCHEMA_UNLESS, .other = (o)
#define AMENDED    .since = SCHEMA_AMENDED
#define FORMAT2    .since = SCHEMA_FORMAT2

#define END {.name = NULL}
#define HOLDS(...) .fields = (const struct schema_field[]){__VA_ARGS__, END}

#define SESSION      TEXT("session", 1, 39)
#define COURSE       TEXT("course", COURSE_CODE_LEAST, COURSE_CODE_LONGEST)
#define DATE(n)      TEXT(n, 10, 10)
#define ITEMS(n)     NUMBERS(n, 1, SCREENING_ITEMS, SCREENING_ITEMS)
#define CARD         U64("card_serial")
#define PROTOCOL     TEXT("protocol", 1, 63), HEX("sha256", 64)
#define PERMILLE(n, ...) NUMBER(n, 0, 1000, ##__VA_ARGS__)
#define WORD(n, ...) TEXT(n, 1, SCHEMA_WORD, ##__VA_ARGS__)
#define REASON       WORD("reason")
#define CAUSE        WORD("cause")
#define NODE         TEXT("node", 1, SCHEMA_NAME)
#define SENTENCE(n, ...) TEXT(n, 1, SCHEMA_SENTENCE, ##__VA_ARGS__)
#define FAILED       SENTENCE("error", OPTIONAL)
#define UNRECORDED   U64("unrecorded", OPTIONAL)
#define SENTENCES(n, ...) TEXTS(n, 1, SCHEMA_SENTENCE, 32, ##__VA_ARGS__)
#define PATH(n, ...) TEXT(n, 1, CUT_NAME - 1, ##__VA_ARGS__) /* of a file below audit/ */

/* What pulsefile_describe() says of the file. */
#define COUNTED(...)                                                                                     \
        U64("lines", ##__VA_ARGS__), U64("bytes", ##__VA_ARGS__), HEX("sha256", 64, ##__VA_ARGS__),      \
        U32("delivered", ##__VA_ARGS__), U32("missed", ##__VA_ARGS__),                                   \
        U32("unknown", FORMAT2, ##__VA_ARGS__), U32("next_pulse", AMENDED, ##__VA_ARGS__),               \
        U64("cut_bytes", OPTIONAL),                                                                      \
        PATH("cut_file", WITH("cut_bytes")), HEX("cut_sha256", 64, WITH("cut_bytes"))

const struct schema_field schema_common[] = {
        U64("boottime_ns", AMENDED),
        FLAG("synchronised", AMENDED),
        END,
};

const struct schema_field schema_who[] = {
        U32("uid", OPTIONAL),
        TEXT("sender", 1, SCHEMA_NAME, OPTIONAL),
        TEXT("action", 1, SCHEMA_NAME, OPTIONAL),
        TEXT("answer", 0, 15, WITH("action")),
        END,
};

const struct schema_type schema_types[] = {
        {.type = "log.open", .bare = true, HOLDS(NUMBER("format", 1, 2), HEX("key0", 64))},
        {.type = "log.segment", .bare = true, HOLDS(NUMBER("format", 2, 2), U64("segment"), HEX("key0", 64),
                TEXT("origin", 69, 69), U64("seals"), HEX("public", 64), TEXTS("tree", 64, 64, 64))},
        {.type = "log.close", .bare = true, HOLDS(U64("segment"), REASON)},
        {.type = "daemon.start", HOLDS(TEXT("version", 1, 63))},
        {.type = "daemon.stop", HOLDS(TEXT("version", 1, 63))},
        {.type = "stimulator.add", HOLDS(NODE, CARD, U64("coil_serial"), U64("odometer"),
                U32("card_version"), U32("firmware"))},
        {.type = "stimulator.remove", HOLDS(NODE, CARD)},
        {.type = "stimulator.state", HOLDS(WORD("state"), CAUSE, WORD("before"), U64("event_ns"))},
        {.type = "stimulator.interlock", HOLDS(TEXTS("open", 1, SCHEMA_WORD, 32), TEXTS("latched", 1, SCHEMA_WORD, 32),
                U64("event_ns"))},
        {.type = "stimulator.stop", HOLDS(FAILED, UNRECORDED)},
        {.type = "stimulator.clear_fault.intent", HOLDS(CAUSE)},
        {.type = "stimulator.clear_fault", HOLDS(FAILED)},
        {.type = "stimulator.odometer", HOLDS(TEXT("session", 1, 39, OPTIONAL), CARD, U64("expected"), U64("found"),
                U32("settled", OPTIONAL))},
        {.type = "session.create", HOLDS(SESSION, TEXT("stimulator", 1, SCHEMA_NAME), NODE, CARD,
                U64("coil_serial"), U64("odometer"), TEXT("subject", 0, 64), U64("records_since_ns", AMENDED),
                TEXT("rest_of", 1, 39, OPTIONAL))},
        {.type = "session.prepare", HOLDS(SESSION, PROTOCOL,
                PERMILLE("threshold_permille"),
                TEXT("threshold_kind", 0, 7),
                TEXT("threshold_coil", 0, 15),
                TEXT("threshold_method", 1, 15, OPTIONAL),
                PERMILLE("other_threshold_permille", OPTIONAL),
                NUMBERS("leg_thresholds_permille", 0, 1000, TMS_LEGS_MAX, OPTIONAL),
                PERMILLE("adjusted_threshold_permille", OPTIONAL),
                NUMBERS("leg_adjusted_thresholds_permille", 0, 1000, TMS_LEGS_MAX, OPTIONAL),
                TEXT("adjustment", 1, 127, OPTIONAL),
                NUMBER("percent_permille", 0, 3000),
                PERMILLE("max_permille"),
                U32("pulses"), U32("trains"),
                U32("first_pulse", OPTIONAL), U32("first_train", WITH("first_pulse")),
                HEX("timeline_sha256", 64, AMENDED),
                WORD("verdict"),
                FLAG("measuring"),
                U32("treatment_today"), U32("measuring_today"),
                SENTENCES("notices", OPTIONAL),
                TEXT("override_reason", 1, 256, OPTIONAL), SENTENCES("overridden", WITH("override_reason")))},
        {.type = "session.confirm", HOLDS(SESSION, PROTOCOL, SENTENCES("notices"))},
        {.type = "session.arm.intent", HOLDS(SESSION, WORD("again", OPTIONAL))},
        {.type = "session.arm", HOLDS(SESSION, WORD("again", OPTIONAL), U32("fitness_max_ns", WITHOUT("error")),
                FAILED)},
        {.type = "session.start.intent", HOLDS(SESSION)},
        {.type = "session.start", HOLDS(SESSION, U64("start_ns", WITHOUT("error")), U32("run", WITHOUT("error")),
                FAILED)},
        {.type = "session.go.intent", HOLDS(SESSION, U32("pulse"), PERMILLE("permille"))},
        {.type = "session.go", HOLDS(SESSION, U32("pulse", UNLESS("error")), PERMILLE("permille", WITH("pulse")),
                FAILED)},
        {.type = "session.break", HOLDS(SESSION, REASON, FLAG("paused"))},
        {.type = "session.pause", HOLDS(SESSION, REASON, FLAG("now", OPTIONAL), SENTENCE("text", OPTIONAL),
                UNRECORDED)},
        {.type = "session.resume.intent", HOLDS(SESSION)},
        {.type = "session.resume", HOLDS(SESSION, U64("start_ns", WITHOUT("error")), FAILED)},
        {.type = "session.take", HOLDS(SESSION, TEXT("before", 1, SCHEMA_NAME), REASON)},
        {.type = "session.stop", HOLDS(SESSION, REASON, UNRECORDED)},
        {.type = "session.pulses", HOLDS(SESSION, PATH("file"), COUNTED())},
        {.type = "session.end", HOLDS(SESSION, REASON, SENTENCE("text", OPTIONAL), U32("prescribed"),
                U64("odometer", OPTIONAL), PATH("file"), COUNTED())},
        {.type = "course.create", HOLDS(COURSE, TEXT("subject", 1, 64), WORD("indication"), NUMBER("age", 0, 120),
                TEXT("diagnosis", 2, 8), DATE("diagnosed"), TEXTS("trials", 1, 63, TRIALS_MAX),
                WORD("earlier_tms"), WORD("earlier_ect"), TEXT("referred_by", 1, 32), TEXT("ordered_by", 1, 32))},
        {.type = "course.screening", HOLDS(COURSE, ITEMS("yes"), ITEMS("no"))},
        {.type = "course.decision", HOLDS(COURSE, ITEMS("items"), REASON)},
        {.type = "course.consent", HOLDS(COURSE, TEXT("version", 1, 16), DATE("date"))},
        {.type = "course.authorisation", HOLDS(COURSE, NUMBER("sessions", 0, 999), DATE("until"))},
        {.type = "course.prescription", HOLDS(COURSE, U32("number"), PROTOCOL,
                WORD("target"), WORD("found_by"), TEXT("coil", 1, 15),
                PERMILLE("threshold_permille"), WORD("threshold_kind"), WORD("threshold_method"),
                NUMBER("percent_permille", 1, 3000),
                NUMBER("sessions", 1, PLAN_SESSIONS_MAX), NUMBER("per_day", 1, PLAN_PER_DAY_MAX),
                NUMBER("days_per_week", 1, 7), TEXTS("weekdays", 3, 3, 7), NUMBER("min_gap_s", 1, 86399, OPTIONAL),
                NUMBERS("taper", 1, 7, PLAN_TAPER_MAX, OPTIONAL),
                NUMBERS("maintenance_sessions", 1, PLAN_SESSIONS_MAX, PLAN_STEPS_MAX, OPTIONAL),
                NUMBERS("maintenance_days", 1, PLAN_EVERY_MAX, PLAN_STEPS_MAX, OPTIONAL),
                PERMILLE("max_permille"), NUMBER("max_pulses", 1, 100000))},
        {.type = "course.state", HOLDS(COURSE, WORD("event"), WORD("state"), WORD("reason", OPTIONAL))},
        {.type = "course.score", HOLDS(COURSE, WORD("instrument"), NUMBERS("items", 0, 6, INSTRUMENT_ITEMS),
                U32("total"), WORD("suicidality"))},
        {.type = "course.event", HOLDS(COURSE, WORD("effect"), WORD("phase"), WORD("severity"), WORD("relatedness"),
                TEXT("session", 1, 39, OPTIONAL))},
        {.type = "course.missed", HOLDS(COURSE, DATE("date"), REASON)},
        {.type = "course.seizure", HOLDS(TEXT("course", COURSE_CODE_LEAST, COURSE_CODE_LONGEST, OPTIONAL), TEXT("subject", 1, 64), WORD("phase"),
                WORD("kind", OPTIONAL), NUMBER("duration_s", 0, 86400, OPTIONAL), TEXT("session", 1, 39, OPTIONAL))},
        {.type = "course.unlock", HOLDS(TEXT("course", COURSE_CODE_LEAST, COURSE_CODE_LONGEST, OPTIONAL), TEXT("subject", 1, 64), REASON)},
        {.type = "request.refused", HOLDS(TEXT("method", 1, SCHEMA_NAME), TEXT("error", 1, SCHEMA_NAME),
                TEXT("message", 0, SCHEMA_MESSAGE), UNRECORDED)},
        {.type = "recovery.log", .bare = true, HOLDS(U64("cut_bytes"), PATH("cut_file", AMENDED),
                HEX("cut_sha256", 64, AMENDED))},
        {.type = "recovery.pulses.intent", HOLDS(SESSION, PATH("file"), CARD)},
        {.type = "recovery.pulses", HOLDS(SESSION, U64("card_serial", OPTIONAL), U64("fetched"),
                PATH("file", OPTIONAL), COUNTED(WITH("file")))},
        {.type = "audit.read", HOLDS(U64("records"), U64("files"), U64("bytes"))},
        {.type = "seal", .bare = true, HOLDS(U64("key"), HEX("public", 64), HEX("next", 64),
                TEXT("nonce", 0, NONCE_MAX), TEXT("origin", 69, 69, OPTIONAL), U64("size", WITH("origin")),
                HEX("root", 64, WITH("origin")), HEX("checkpoint", 64, OPTIONAL), HEX("sig", 128))},
};

/* clang-format on */

const size_t schema_n_types = ELEMENTS(schema_types);
