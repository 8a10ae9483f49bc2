/* SPDX-License-Identifier: GPL-2.0-or-later */
/* course: lists courses of treatment, shows one, and tells the daemon of one. */
#include "course.h"

#define COURSES MANAGER_PATH "/course/"
#define CODE_MAX 12

/* The second word, and the method that it calls with NAME=VALUE words; values: NULL, it takes none. */
static const struct act {
        const char *word, *method, *values, *done;
} acts[] = {
                {"screen", "Screen", "yes=ITEMS no=ITEMS", "the screening is recorded"},
                {"decide", "DecideScreening", "items=ITEMS reason=WORD", "the decision is recorded"},
                {"consent", "Consent", "version=VERSION date=DATE", "the consent is recorded"},
                {"authorise", "Authorise", "sessions=N until=DATE", "the payer's authorisation is recorded"},
                {"prescribe", "Prescribe", "NAME=VALUE...", "prescribed"},
                {"activate", "Activate", NULL, "active"},
                {"part", "EnterPart", "part=taper|maintenance", "goes on with the next part"},
                {"pause", "Pause", NULL, "paused"},
                {"resume", "Resume", NULL, "resumed"},
                {"score", "Score", "instrument=WORD items=ANSWERS", "recorded"},
                {"event", "ReportEvent", "effect=WORD phase=WORD severity=WORD relatedness=WORD", "recorded"},
                {"missed", "ReportMissed", "date=DATE reason=WORD", "recorded"},
                {"seizure", "ReportSeizure", "phase=WORD", "recorded; the subject is locked"},
                {"unlock", "Unlock", "reason=WORD", "unlocked"},
                {"end", "End", "reason=WORD", "ended"},
};

/* --- list and show --------------------------------------------------------------------------- */

static int list_json(const char *path, json_t *properties, void *userdata)
{
        return json_array_append(userdata, properties) < 0 ? -fail_memory() : 0;
}

static int list_text(const char *path, json_t *properties, void *userdata)
{
        unsigned *n = userdata;

        if ((*n)++ == 0)
                printf("%s%-12s  %-11s  %-11s  %7s  %6s%s\n", colour(COLOUR_BOLD), "CODE", "STATE", "PART", "PLANNED",
                       "MISSED", colour(COLOUR_NONE));
        printf("%-12s  %-11s  %-11s  %7u  %6u\n", json_get_str(properties, "code"), json_get_str(properties, "state"),
               json_get_str(properties, "part"), (unsigned)json_get_u64(properties, "sessions_planned"),
               (unsigned)json_get_u64(properties, "sessions_missed"));
        return 0;
}

static int list(sd_bus *bus)
{
        _cleanup_(json_decrefp) json_t *objects = NULL, *all = json_array();
        unsigned n = 0;
        int r;

        r = bus_objects(bus, &objects);
        if (r >= 0)
                r = objects_foreach(objects, COURSE_INTERFACE, opt.json ? list_json : list_text,
                                    opt.json ? (void *)all : &n);
        if (r < 0)
                return -r;
        if (opt.json)
                return print_json(TAKE_PTR(all), STATUS_OK);
        if (n == 0)
                puts("no course; tmsctl course new makes one");
        return STATUS_OK;
}

/* In upper case, as the daemon has it. Whether it is a code is the daemon's to say. */
static int course_path(const char *code, char ret[static sizeof(COURSES) + CODE_MAX])
{
        size_t i, n = strlen(code);

        for (i = 0; i < n && i < CODE_MAX; i++) {
                const char c = code[i];

                if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
                        break;
                ret[sizeof(COURSES) - 1 + i] = c >= 'a' ? (char)(c - 'a' + 'A') : c;
        }
        if (i < n || n == 0)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                             "'%s' is no course's code; tmsctl course list shows which there are", code);
        (void)memcpy(ret, COURSES, sizeof(COURSES) - 1);
        ret[sizeof(COURSES) - 1 + n] = '\0';
        return 0;
}

/* Calls the method with these words, and prints its answer, or that it is done. */
static int call(sd_bus *bus, const char *path, const char *method, int n, char **words, const char *done)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, path, COURSE_INTERFACE, method);
        if (r < 0)
                return bus_fail(NULL, r);
        if (n >= 0)
                r = course_append_values(m, n, words);
        if (r >= 0)
                r = bus_call(bus, m, &reply);
        if (r < 0)
                return -r;
        if (!sd_bus_message_is_empty(reply)) {
                r = bus_read_json(reply, &answer);
                if (r < 0)
                        return bus_fail(NULL, r);
        }
        if (opt.json)
                return print_json(answer ? TAKE_PTR(answer) : json_pack("{s:s}", "course", path_id(path)), STATUS_OK);
        if (done)
                printf("course %s: %s\n", path_id(path), done);
        course_print(answer);
        return STATUS_OK;
}

/* --- new -------------------------------------------------------------------------------------- */

static int create(sd_bus *bus, const char *code, int n, char **words)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        char path[sizeof(COURSES) + CODE_MAX];
        int r;

        /* The daemon's sentence says what is wrong with a code; here it is only made sure that it can be sent. */
        r = course_path(code, path);
        if (r < 0)
                return -r;
        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "CreateCourse");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", code);
        if (r < 0)
                return bus_fail(NULL, r);
        r = course_append_values(m, n, words);
        if (r >= 0)
                r = bus_call(bus, m, &reply);
        if (r < 0)
                return -r;
        if (opt.json)
                return print_json(json_pack("{s:s}", "course", path_id(path)), STATUS_OK);
        printf("course %s: planned\n", path_id(path));
        return STATUS_OK;
}

/* --- The verb --------------------------------------------------------------------------------- */

static const struct act *find_act(const char *word)
{
        size_t i;

        for (i = 0; i < ELEMENTS(acts); i++) {
                if (STREQ(acts[i].word, word))
                        return acts + i;
        }
        return NULL;
}

static int unknown(const char *word)
{
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                    "course has no '%s'; expected list, show, new, screen, decide, consent, authorise, prescribe, "
                    "activate, part, pause, resume, score, event, missed, seizure, unlock or end",
                    word);
}

int verb_course(int argc, char **argv)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *word = argc > 0 ? argv[0] : "list";
        const bool lists = STREQ(word, "list"), shows = STREQ(word, "show"), makes = STREQ(word, "new");
        const struct act *act = find_act(word);
        char path[sizeof(COURSES) + CODE_MAX];
        int r;

        if (!lists && !shows && !makes && !act)
                return unknown(word);
        if (!lists && argc < 2)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "course %s wants a code: tmsctl course %s CODE %s",
                            word, word,
                            act && act->values ? act->values
                            : makes            ? "NAME=VALUE..."
                                               : "");
        if ((lists && argc > 1) || ((shows || (act && !act->values)) && argc > 2))
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "course %s does not take '%s'; leave it out", word,
                            argv[lists ? 1 : 2]);
        r = bus_open(&bus);
        if (r < 0)
                return -r;
        if (lists)
                return list(bus);
        if (makes)
                return create(bus, argv[1], argc - 2, argv + 2);
        r = course_path(argv[1], path);
        if (r < 0)
                return -r;
        if (shows)
                return call(bus, path, "Get", -1, NULL, NULL);
        return call(bus, path, act->method, act->values ? argc - 2 : -1, argv + 2, act->done);
}
