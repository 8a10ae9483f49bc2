/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status, session: which stimulators are connected, and what they are doing. */
#include <inttypes.h>

#include "lines.h"
#include "tmsctl.h"

/* --- Text --------------------------------------------------------------------------------- */

/* The sentence of the interlock with that name; NULL: there is none. */
static const char *find_interlock(const char *name)
{
        unsigned bit;

        for (bit = 0; bit < 9; bit++)
                if (STREQ(tms_interlock_name(bit), name))
                        return tms_interlock_sentence(bit);
        return NULL;
}

static const char *interlock_sentence(const char *name)
{
        const char *sentence = find_interlock(name);

        return sentence ? sentence : name;
}

static enum colour state_colour(const char *state)
{
        if (STREQ(state, STATE_FAULT) || STREQ(state, STATE_GONE))
                return COLOUR_RED;
        if (STREQ(state, STATE_ARMED) || STREQ(state, STATE_RUNNING) || STREQ(state, STATE_ARMING) ||
            STREQ(state, STATE_BREAK))
                return COLOUR_YELLOW;
        return COLOUR_GREEN;
}

static void add_temperature(FILE *f, const char *what, const json_t *properties, const char *key)
{
        json_int_t mC = json_integer_value(json_object_get(properties, key));

        (void)fprintf(f, ", %s %.1f %sC", what, (double)mC / 1000, is_utf8() ? "°" : "");
}

/*
 * What does not hold, and what to do about it, while the session may still go on. The stimulator's interlocks are left
 * out where its own lines have them.
 */
static void print_gates(unsigned margin, const json_t *s, bool with_interlocks)
{
        const char *state = json_get_str(s, "state");
        const json_t *gate, *gates = json_object_get(s, "gates");
        size_t i;

        if (STREQ(state, "ending") || STREQ(state, STATE_ENDED))
                return;
        json_array_foreach(gates, i, gate) {
                struct line line;
                FILE *f;

                if (STREQ(json_get_str(gate, "state"), "closed") ||
                    (!with_interlocks && find_interlock(json_get_str(gate, "name"))))
                        continue;
                f = line_begin(&line);
                (void)fprintf(f, "%*s%s%s %s%s", (int)margin, "", colour(COLOUR_RED), json_get_str(gate, "sentence"),
                              json_get_str(gate, "remedy"), colour(COLOUR_NONE));
                line_end(&line, margin + 4);
        }
}

/* margin: how many spaces the line begins with. */
static void print_session(unsigned margin, const char *path, const json_t *s)
{
        char left[CLOCK_TEXT], max[CLOCK_TEXT];
        const char *state = json_get_str(s, "state"), *subject = json_get_str(s, "subject"),
                   *text = json_get_str(s, "end_text"), *discharged = json_get_str(s, "break"),
                   *owner = json_get_str(s, "owner_state");
        uint64_t trains = json_get_u64(s, "trains"), train = json_get_u64(s, "train");
        struct line line;
        FILE *f;

        f = line_begin(&line);
        (void)fprintf(f, "%*ssession %s (%s): %s%s%s", (int)margin, "", path_id(path),
                      *subject ? subject : "no subject", colour(COLOUR_BOLD), state, colour(COLOUR_NONE));
        if (STREQ(state, STATE_PAUSED) && *owner && !STREQ(owner, OWNER_IS_THERE))
                (void)fprintf(f, ", its owner %s (tmsctl take)",
                              STREQ(owner, OWNER_HAS_LEFT) ? "has left" : "does not answer");
        if (STREQ(json_get_str(s, "waiting"), WAITS_OPERATOR))
                (void)fprintf(f, ", waits for the operator (tmsctl go)");
        else if (STREQ(json_get_str(s, "waiting"), WAITS_TRIGGER))
                (void)fprintf(f, ", waits for the external trigger");
        if (*json_get_str(s, "protocol_id"))
                (void)fprintf(f, ", %s at %s %% MSO, %" PRIu64 " of %" PRIu64 " pulses", json_get_str(s, "protocol_id"),
                              permille_text((uint32_t)json_get_u64(s, "intensity_max"), max),
                              json_get_u64(s, "delivered"), json_get_u64(s, "pulses"));
        if (json_get_u64(s, "missed") > 0)
                (void)fprintf(f, ", %" PRIu64 " missed", json_get_u64(s, "missed"));
        if (json_get_u64(s, "unknown") > 0)
                (void)fprintf(f, ", %" PRIu64 " unknown (count as given)", json_get_u64(s, "unknown"));
        if (STREQ(state, STATE_RUNNING) || STREQ(state, STATE_PAUSED))
                (void)fprintf(f, ", train %" PRIu64 " of %" PRIu64 ", %s left", train < trains ? train + 1 : trains,
                              trains, countdown_text(json_get_u64(s, "time_left"), left));
        if (*text || *discharged)
                (void)fprintf(f, ": %s", *text ? text : discharged);
        if (json_get_u64(s, "rest") > 0)
                (void)fprintf(f, " %" PRIu64 " are left: tmsctl run --rest %s", json_get_u64(s, "rest"), path_id(path));
        line_end(&line, margin + 4);
        print_gates(margin + 4, s, margin == 0);
}

/*
 * The sentence of a cause describes it while it lasts. The fault stays latched after its interlock has closed again
 * (a coil that is back in place, say), and then that sentence would be wrong.
 */
static void add_fault(FILE *f, const json_t *s)
{
        const char *cause = json_get_str(s, "cause"), *node = json_get_str(s, "node");
        const json_t *name, *open = json_object_get(s, "interlocks_open");
        size_t i;

        json_array_foreach(open, i, name)
                if (STREQ(json_string_value(name), cause))
                        break;
        if (i == json_array_size(open) && find_interlock(cause))
                (void)fprintf(f, " by %s, which is over. To go on: tmsctl clear-fault %s", cause, node);
        else
                (void)fprintf(f, ": %s When that is mended: tmsctl clear-fault %s", json_get_str(s, "cause_text"),
                              node);
}

static void print_coil(const json_t *s)
{
        const char *coil = json_get_str(s, "coil_type");
        struct line line;
        FILE *f;

        f = line_begin(&line);
        if (*coil && !STREQ(coil, tms_coil_name(0))) {
                (void)fprintf(f, "    coil %s %" PRIu64 ", %" PRIu64 " pulses", coil, json_get_u64(s, "coil_serial"),
                              json_get_u64(s, "coil_pulses"));
                add_temperature(f, "at", s, "coil_temperature");
        } else {
                (void)fprintf(f, "    no coil");
        }
        line_end(&line, 8);
}

static void print_stimulator(const json_t *s, json_t *objects)
{
        const char *state = json_get_str(s, "state"), *session = json_get_str(s, "session");
        const json_t *name, *open = json_object_get(s, "interlocks_open");
        struct line line;
        size_t i;
        FILE *f;

        f = line_begin(&line);
        (void)fprintf(f, "%s%s%s  %s%s%s", colour(COLOUR_BOLD), json_get_str(s, "node"), colour(COLOUR_NONE),
                      colour(state_colour(state)), state, colour(COLOUR_NONE));
        if (STREQ(state, STATE_FAULT))
                add_fault(f, s);
        line_end(&line, 4);
        f = line_begin(&line);
        (void)fprintf(f, "    card %" PRIu64 ", firmware %s, %" PRIu64 " pulses in its life",
                      json_get_u64(s, "card_serial"), json_get_str(s, "firmware"), json_get_u64(s, "odometer"));
        add_temperature(f, "board", s, "board_temperature");
        line_end(&line, 8);
        print_coil(s);
        json_array_foreach(open, i, name) {
                f = line_begin(&line);
                (void)fprintf(f, "    %s%s%s", colour(COLOUR_RED), interlock_sentence(json_string_value(name)),
                              colour(COLOUR_NONE));
                line_end(&line, 8);
        }
        if (*session && !STREQ(session, "/"))
                print_session(4, session, json_object_get(json_object_get(objects, session), SESSION_INTERFACE));
}

/* --- Verbs -------------------------------------------------------------------------------------- */

struct listing {
        json_t *objects, *array;
        unsigned n;
        const char *only; /* this session's id; NULL: all */
};

/* Adds a copy of the properties with the object's path, which programs need for further calls. */
static int add_json(json_t *array, const char *path, json_t *properties)
{
        json_t *j = json_object();

        if (!j || json_object_set_new(j, "path", json_string(path)) < 0 || json_object_update(j, properties) < 0) {
                json_decref(j);
                return -fail_memory();
        }
        return json_array_append_new(array, j) < 0 ? -fail_memory() : 0;
}

static int list_stimulator(const char *path, json_t *properties, void *userdata)
{
        struct listing *l = userdata;

        l->n++;
        if (opt.json)
                return add_json(l->array, path, properties);
        print_stimulator(properties, l->objects);
        return 0;
}

static int list_session(const char *path, json_t *properties, void *userdata)
{
        struct listing *l = userdata;

        if (l->only && !STREQ(l->only, path_id(path)))
                return 0;
        l->n++;
        if (opt.json)
                return add_json(l->array, path, properties);
        print_session(0, path, properties);
        return 0;
}

/* All objects. An object manager does not list the root of its tree, so that is asked for separately. */
static int get_objects(json_t **ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *manager = NULL;
        int r;

        r = bus_open(&bus);
        if (r >= 0)
                r = bus_objects(bus, ret);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, MANAGER_PATH, PROPERTIES_INTERFACE, "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", MANAGER_INTERFACE);
        if (r < 0)
                return -bus_fail(NULL, r);
        r = bus_call(bus, m, &reply);
        if (r < 0)
                return r;
        r = bus_read_json(reply, &manager);
        if (r < 0)
                return -bus_fail(NULL, r);
        return json_object_set_new(*ret, MANAGER_PATH, json_pack("{s:o}", MANAGER_INTERFACE, manager)) < 0
                               ? -fail_memory()
                               : 0;
}

static void print_manager(const json_t *manager)
{
        const char *audit = json_get_str(manager, "audit_state");
        struct line line;
        FILE *f;

        f = line_begin(&line);
        (void)fprintf(f, "tmsd %s, audit log: %s%s%s, %" PRIu64 " records", json_get_str(manager, "version"),
                      colour(STREQ(audit, "ok") ? COLOUR_GREEN : COLOUR_RED), audit, colour(COLOUR_NONE),
                      json_get_u64(manager, "audit_records"));
        line_end(&line, 4);
}

/* With --json there is one object, even if there is no stimulator. */
static int status_json(struct listing *l, json_t *manager)
{
        json_t *sessions = json_array();
        struct listing all = {.objects = l->objects, .array = sessions};
        int r;

        r = objects_foreach(l->objects, SESSION_INTERFACE, list_session, &all);
        if (r < 0) {
                json_decref(sessions);
                return -r;
        }
        return print_json(json_pack("{s:o, s:O, s:o}", "manager", manager ? json_incref(manager) : json_object(),
                                    "stimulators", l->array, "sessions", sessions),
                          l->n > 0 ? STATUS_OK : STATUS_NO_STIMULATOR);
}

int verb_status(int argc, char **argv)
{
        _cleanup_(json_decrefp) json_t *objects = NULL, *array = json_array();
        struct listing l = {.array = array};
        json_t *manager;
        int r;

        r = get_objects(&objects);
        if (r < 0)
                return -r;
        l.objects = objects;
        r = objects_foreach(objects, STIMULATOR_INTERFACE, list_stimulator, &l);
        if (r < 0)
                return -r;
        manager = json_object_get(json_object_get(objects, MANAGER_PATH), MANAGER_INTERFACE);
        if (opt.json)
                return status_json(&l, manager);
        if (manager)
                print_manager(manager);
        if (l.n == 0)
                return fail(STATUS_NO_STIMULATOR, FAILURE_NO_STIMULATOR, NO_STIMULATOR);
        return STATUS_OK;
}

int verb_session(int argc, char **argv)
{
        _cleanup_(json_decrefp) json_t *objects = NULL, *array = json_array();
        struct listing l = {.array = array, .only = argc > 0 ? path_id(argv[0]) : NULL};
        int r;

        r = get_objects(&objects);
        if (r < 0)
                return -r;
        l.objects = objects;
        r = objects_foreach(objects, SESSION_INTERFACE, list_session, &l);
        if (r < 0)
                return -r;
        if (l.only && l.n == 0)
                return fail(STATUS_FAILED, FAILURE_NO_SUCH_SESSION,
                            "there is no session '%s' now; tmsctl session alone shows all, and tmsctl audit show "
                            "--session %s what is on record",
                            argv[0], l.only);
        if (opt.json)
                return print_json(TAKE_PTR(array), STATUS_OK);
        if (l.n == 0)
                print_lines("no session; those that have ended are on record: tmsctl audit show --type session.end", 4);
        return STATUS_OK;
}
