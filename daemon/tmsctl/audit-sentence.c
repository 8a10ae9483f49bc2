/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of the audit log in sentences; see audit-sentence.h. */
#include <inttypes.h>

#include "audit-sentence.h"
#include "tmsctl.h"

/* A record that anybody may bring about says how many of its kind came too fast. */
#define UNRECORDED "[. {unrecorded} before it came too fast to be recorded]"
/* One that counts pulses says how many were triggered and never answered; logs begun before it did say nothing. */
#define UNKNOWN "[?unknown:, {unknown} unknown (count as given)]"
/* And one of a pulse file that its last line was torn, as a crash leaves it. */
#define CUT UNKNOWN "[; {cut_bytes} bytes of a torn line were cut off its pulse file]"

const struct audit_type audit_types[] = {
                {"log.open", "The log begins. Its first public key, key 0, is {key0 start}."},
                {"log.segment", "The log goes on in a new file, segment {segment}."},
                {"log.close", "Segment {segment} of the log is closed ({reason words})[, as {who} asked for]."},
                {"audit.read", "{who} was given a copy of the log: {records} record{records s}, {files} file{files s}, "
                               "{bytes} bytes."},
                {"daemon.start", "tmsd {version} started."},
                {"daemon.stop", "tmsd {version} stopped."},
                {"stimulator.add", "{node}: card {card_serial} is connected[?coil_serial:, with coil {coil_serial}]"
                                   "[; it has counted {odometer} pulse{odometer s} in its life]."},
                {"stimulator.remove", "{node}: card {card_serial} is gone."},
                {"stimulator.state", "{on}: {before} became {state} ({cause words})."},
                {"stimulator.interlock",
                 "{on}: [?open:interlocks open: {open words}|every interlock is closed][; latched: {latched words}]."},
                {"stimulator.stop", "{on}: [?error:a stop was asked for|stopped][ by {who}] while no session had it"
                                    "[, and not taken: {error}]" UNRECORDED "."},
                {"stimulator.clear_fault.intent", "{on}: {who} asks to clear its fault ({cause words})."},
                {"stimulator.clear_fault", "{on}: its fault was [?error:not cleared: {error}|cleared]."},
                {"stimulator.odometer", "Card {card_serial} has counted {found} pulse{found s}, and this log {expected}"
                                        "[, without those of unknown outcome; it has given {settled} of these]"
                                        "[!settled:: somebody else has fired it][, by the end of session {session}]."},
                {"session.create",
                 "Session {session}: {who} began it for [?subject:subject {subject}|a subject without a code]"
                 "[ on {node}][, card {card_serial}][?coil_serial:, coil {coil_serial}]"
                 "[, to give what session {rest_of} has left]."},
                {"session.prepare",
                 "Session {session}: {who} prepared {protocol}[ ({verdict})]: {pulses} pulse{pulses s}"
                 "[ in {trains} train{trains s}][, from pulse {first_pulse} of the whole on (counted from 0)]"
                 "[?threshold_permille:, [?percent_permille:{percent_permille percent} % of ]"
                 "[?threshold_kind:{threshold_kind}|threshold] {threshold_permille percent} % MSO]"
                 "[, adjusted to {adjusted_threshold_permille percent} %]"
                 "[?leg_thresholds_permille:, a threshold for each leg]"
                 "[?max_permille:, {max_permille percent} % MSO at most]"
                 "[. Overridden for this reason: {override_reason}][. Against: {overridden}]"
                 "[. Notices: {notices}]."},
                {"session.confirm", "Session {session}: {who} confirmed the notices[ of {protocol}][: {notices}]."},
                {"session.arm.intent", "Session {session}: {who} asks to arm it[ again, in mid-run ({again})]."},
                {"session.arm", "Session {session}: [?error:not armed|armed][ again, in mid-run ({again})][: {error}]"
                                "[; the computer's timers were {fitness_max_ns ms} off at most]."},
                {"session.break", "Session {session}: discharged in mid-run ({reason words}); "
                                  "[?paused:it is paused|the run goes on]."},
                {"session.start.intent", "Session {session}: {who} asks to start it."},
                {"session.start",
                 "Session {session}: [?error:not started: {error}|started[, as run {run} of the card]]."},
                {"session.go.intent", "Session {session}: {who} asks to let pulse {pulse} go (counted from 0)"
                                      "[?permille:, at {permille percent} % MSO]."},
                {"session.go", "Session {session}: [pulse {pulse} (counted from 0) was ]"
                               "[?error:not let go: {error}|let go[?permille: at {permille percent} % MSO]]."},
                {"session.pause",
                 "Session {session}: paused[ by {who}][ {now pace}] ({reason words})[: {text}]" UNRECORDED "."},
                {"session.resume.intent", "Session {session}: {who} asks to resume it."},
                {"session.resume", "Session {session}: [?error:not resumed: {error}|resumed]."},
                {"session.take", "Session {session}: {who} took it over from {before} ({reason words})."},
                {"session.stop", "Session {session}: stopped[ by {who}] ({reason words})" UNRECORDED "."},
                {"session.pulses",
                 "Session {session}: {delivered} pulse{delivered s} delivered so far, {missed} missed" CUT "."},
                {"session.end",
                 "Session {session}: ended ({reason words}), {delivered} of {prescribed} pulses delivered, "
                 "{missed} missed" CUT "[. {text}]."},
                {"course.create", "Course {course}: {who} made it for subject {subject}, {age} years old: {indication} "
                                  "({diagnosis}), ordered by {ordered_by}."},
                {"course.screening", "Course {course}: {who} recorded the screening: [?yes:yes to {yes}|yes to nothing]"
                                     "[?no:, no to {no}]."},
                {"course.decision", "Course {course}: {who} decided that it may go on in spite of "
                                    "yes to {items} ({reason words})."},
                {"course.consent", "Course {course}: {who} recorded the subject's consent of {date}, "
                                   "version {version}."},
                {"course.authorisation", "Course {course}: {who} recorded that the payer has authorised {sessions} "
                                         "session{sessions s} until {until}."},
                {"course.prescription",
                 "Course {course}: {who} prescribed (number {number}): {protocol} at {percent_permille percent} % of "
                 "{threshold_kind} {threshold_permille percent} % MSO, {target} by {found_by}, coil {coil}, "
                 "{sessions} session{sessions s}, {per_day} a day on {days_per_week} days a week."},
                {"course.state", "Course {course}: {who} had it {event}[ ({reason words})]; it is {state words}."},
                {"course.score", "Course {course}: {who} recorded {instrument}: {total} in all; "
                                 "the item on suicidality: {suicidality}."},
                {"course.event", "Course {course}: {who} recorded {effect words} {phase} a session, "
                                 "{severity}, {relatedness}[ (session {session})]."},
                {"course.missed", "Course {course}: {who} recorded that the session of {date} was missed ({reason})."},
                {"course.seizure", "Subject {subject}: {who} reported a seizure {phase} a session[ ({kind words})]"
                                   "[, of {duration_s} s][, session {session}][, course {course}]; "
                                   "the subject is locked."},
                {"course.unlock", "Subject {subject}: {who} took the lock off ({reason words})"
                                  "[, course {course}]."},
                {"request.refused",
                 "{method} was refused[ to {who}][, for {on}] ({error})[: {message}]" UNRECORDED "."},
                {"recovery.log",
                 "{cut_bytes} bytes without an end of line were cut off[, and are kept in {cut_file}]."},
                {"recovery.pulses.intent",
                 "Session {session}: what [?card_serial:card {card_serial}|the kernel] still has of it "
                 "is about to be added to {file}."},
                {"recovery.pulses",
                 "Session {session}: "
                 "[?fetched:{fetched} records that were left in the kernel were added|a recovery was cut off]; "
                 "{delivered} pulse{delivered s} delivered in all, {missed} missed" CUT "."},
                {"seal", "Seal by key {key}[?nonce:, over the nonce {nonce}][, asked for by {who}]."},
                {NULL, NULL},
};

/* --- Values -------------------------------------------------------------------------------- */

/* A place in a sentence, such as "{pulse}": the key, and how its value is said. */
struct place {
        char key[40], how[12];
};

struct sayer {
        const json_t *record;
        FILE *out;
        char last; /* letter that was put out */
};

/* The values that are not in the record as they are said; malloc'd, NULL: there is none. */
static char *who_text(const json_t *record)
{
        const json_t *uid = json_object_get(json_object_get(record, "who"), "uid");
        char *text;

        return uid && asprintf(&text, "uid %" JSON_INTEGER_FORMAT, json_integer_value(uid)) >= 0 ? text : NULL;
}

static char *on_text(const json_t *record)
{
        static const char stimulators[] = MANAGER_PATH "/stimulator/", sessions[] = MANAGER_PATH "/session/";
        const char *on = json_get_str(record, "on");
        char *text = NULL;

        if (strncmp(on, stimulators, strlen(stimulators)) == 0)
                return asprintf(&text, "/dev/tms%s", on + strlen(stimulators)) >= 0 ? text : NULL;
        if (strncmp(on, sessions, strlen(sessions)) == 0)
                return asprintf(&text, "session %s", on + strlen(sessions)) >= 0 ? text : NULL;
        return *on && !STREQ(on, MANAGER_PATH) ? strdup(on) : NULL;
}

static json_t *value_of(const json_t *record, const char *key)
{
        char *text;
        json_t *j;

        if (!STREQ(key, "who") && !STREQ(key, "on"))
                return json_incref(json_object_get(json_object_get(record, "data"), key));
        text = STREQ(key, "who") ? who_text(record) : on_text(record);
        j = text ? json_string(text) : NULL;
        free(text);
        return j;
}

static bool is_empty(const json_t *j)
{
        const char *text = json_string_value(j);

        return !j || json_is_null(j) || (text && !*text) || (json_is_array(j) && json_array_size(j) == 0);
}

static bool holds(const json_t *record, const char *key)
{
        _cleanup_(json_decrefp) json_t *j = value_of(record, key);

        return !is_empty(j) && !json_is_false(j) && !(json_is_integer(j) && json_integer_value(j) == 0);
}

/* --- Saying it ------------------------------------------------------------------------------- */

static void put(struct sayer *s, const char *text, size_t n)
{
        if (n == 0)
                return;
        (void)fwrite(text, 1, n, s->out);
        s->last = text[n - 1];
}

static void put_text(struct sayer *s, const char *text)
{
        put(s, text, strlen(text));
}

static void put_words(struct sayer *s, const char *text)
{
        for (; *text; text++)
                put(s, *text == '_' ? " " : text, 1);
}

static void put_number(struct sayer *s, uint64_t n, const char *how)
{
        char buf[CLOCK_TEXT];

        if (STREQ(how, "percent") && n <= UINT32_MAX)
                put_text(s, permille_text((uint32_t)n, buf));
        else if (STREQ(how, "ms"))
                put_text(s, clock_text(n, buf));
        else if (snprintf(buf, sizeof(buf), "%" PRIu64, n) > 0)
                put_text(s, buf);
}

static void put_value(struct sayer *s, const json_t *j, const char *how)
{
        const char *text = json_string_value(j);
        _cleanup_(freep) char *dump = NULL;
        size_t i;

        if (text && STREQ(how, "words")) {
                put_words(s, text);
        } else if (text && STREQ(how, "start") && strlen(text) > 12) {
                put(s, text, 12);
                put_text(s, is_utf8() ? "…" : "...");
        } else if (text) {
                put_text(s, text);
        } else if (json_is_integer(j) && json_integer_value(j) >= 0) {
                put_number(s, (uint64_t)json_integer_value(j), how);
        } else if (json_is_boolean(j) && STREQ(how, "pace")) {
                put_text(s, json_is_true(j) ? "at once" : "at the end of the train");
        } else if (json_is_array(j)) {
                for (i = 0; i < json_array_size(j); i++) {
                        put_text(s, i == 0 ? "" : s->last == '.' ? " " : ", ");
                        put_value(s, json_array_get(j, i), how);
                }
        } else {
                dump = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
                put_text(s, dump ? dump : "?");
        }
}

/* Reads the place that begins at p. Returns what follows it. */
static const char *read_place(const char *p, struct place *ret)
{
        size_t n = strcspn(p + 1, " }"), m = strcspn(p + 1, "}");

        (void)snprintf(ret->key, sizeof(ret->key), "%.*s", (int)n, p + 1);
        (void)snprintf(ret->how, sizeof(ret->how), "%.*s", n < m ? (int)(m - n - 1) : 0, p + 1 + n + (n < m));
        return p + m + 2;
}

/* The bracket that closes the one at p, or with bar the '|' of it, if there is one. */
static const char *closing(const char *p, bool bar)
{
        unsigned depth = 0;

        for (;; p++) {
                if (*p == '[')
                        depth++;
                else if ((*p == ']' && --depth == 0) || (bar && *p == '|' && depth == 1))
                        return p;
        }
}

/* Has every place between here and end a value, without those in further brackets? */
static bool is_complete(const struct sayer *s, const char *p, const char *end)
{
        struct place place;

        while (p < end) {
                if (*p == '[') {
                        p = closing(p, false) + 1;
                } else if (*p == '{') {
                        _cleanup_(json_decrefp) json_t *j = NULL;

                        p = read_place(p, &place);
                        j = value_of(s->record, place.key);
                        if (is_empty(j))
                                return false;
                } else {
                        p++;
                }
        }
        return true;
}

static void say(struct sayer *s, const char *p, const char *end);

/* p: a bracket. */
static void say_bracket(struct sayer *s, const char *p)
{
        const char *end = closing(p, false), *bar = closing(p, true), *text;
        char key[40];

        if (p[1] != '?' && p[1] != '!') {
                if (is_complete(s, p + 1, end))
                        say(s, p + 1, end);
                return;
        }
        text = strchr(p, ':') + 1;
        (void)snprintf(key, sizeof(key), "%.*s", (int)(text - 1 - (p + 2)), p + 2);
        if (p[1] == '!') {
                _cleanup_(json_decrefp) json_t *j = value_of(s->record, key);

                if (is_empty(j))
                        say(s, text, end);
        } else if (holds(s->record, key))
                say(s, text, bar);
        else if (bar < end)
                say(s, bar + 1, end);
}

static void say_place(struct sayer *s, const struct place *place)
{
        _cleanup_(json_decrefp) json_t *j = value_of(s->record, place->key);

        if (STREQ(place->how, "s"))
                put_text(s, json_integer_value(j) == 1 ? "" : "s");
        else if (j)
                put_value(s, j, place->how);
        else
                put_text(s, STREQ(place->key, "who") ? "tmsd" : "?");
}

static void say(struct sayer *s, const char *p, const char *end)
{
        struct place place;

        while (p < end) {
                if (*p == '[') {
                        say_bracket(s, p);
                        p = closing(p, false) + 1;
                } else if (*p == '{') {
                        p = read_place(p, &place);
                        say_place(s, &place);
                } else {
                        if (*p != '.' || s->last != '.')
                                put(s, p, 1);
                        p++;
                }
        }
}

/* A type that this version does not know. */
static void say_unknown(struct sayer *s)
{
        const char *key;
        json_t *value;

        put_text(s, json_get_str(s->record, "type"));
        json_object_foreach(json_object_get(s->record, "data"), key, value) {
                put_text(s, " ");
                put_text(s, key);
                put_text(s, "=");
                put_value(s, value, "");
        }
}

char *audit_sentence(const json_t *record)
{
        const char *type = json_get_str(record, "type");
        const struct audit_type *w = audit_types;
        struct sayer s = {.record = record};
        char *text = NULL;
        size_t size;

        s.out = open_memstream(&text, &size);
        if (!s.out)
                return NULL;
        while (w->type && !STREQ(w->type, type))
                w++;
        if (w->type)
                say(&s, w->say, w->say + strlen(w->say));
        else
                say_unknown(&s);
        if (fclose(s.out) != 0) {
                free(text);
                return NULL;
        }
        return tms_text_line(text);
}
