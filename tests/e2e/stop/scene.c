/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One scene. Card 1 fires. Card 0's session is brought to its step. Then comes the trouble, and card 0's
 * owner asks for what would come next. Then a third program stops both cards. What would still come of
 * it afterwards, when the trouble is over, has time to come.
 */
#include <errno.h>
#include <string.h>

#include "stop.h"

/* The owner's next question has come to where it waits. */
#define QUESTION_MS 3
/* Nine pulses of the train that was stopped would be due, and a start that was let go would have begun. */
#define AFTER_MS 900
/* Into the first train: the first pulse comes 200 ms after the start. */
#define INTO_TRAIN_MS 350
#define POLL_MS 2
#define PATIENCE_MS 200000

const char *const step_names[STEPS] = {
                [STEP_CREATED] = "created", [STEP_PREPARED] = "prepared", [STEP_ARMING] = "arming",
                [STEP_ARMED] = "armed",     [STEP_RUNNING] = "running",   [STEP_WAITING] = "waiting for the operator",
                [STEP_PAUSED] = "paused",   [STEP_ENDING] = "ending",
};

struct stop {
        unsigned card;
        const char *interface, *member;
        uint32_t cookie;
        bool ran; /* the card was not SAFE before */
        struct answer answer;
        struct card after;
        int64_t offset_ns;
};

struct scene {
        struct world *w;
        const struct trouble *trouble;
        enum step step;
        char session[CARDS][128];
        struct stop stops[6];
        size_t n;
};

/* A text property; what went wrong, in brackets, otherwise. */
static void get(struct world *w, const char *path, const char *interface, const char *name, char *ret, size_t size)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *s = NULL;
        int r;

        r = sd_bus_get_property(w->bus, SERVICE, path, interface, name, &e, &reply,
                                strcmp(name, "Session") ? "s" : "o");
        if (r >= 0)
                r = sd_bus_message_read_basic(reply, strcmp(name, "Session") ? 's' : 'o', &s);
        if (r >= 0)
                (void)snprintf(ret, size, "%s", s);
        else
                (void)snprintf(ret, size, "(%s)", e.message ? e.message : strerror(-r));
        sd_bus_message_unref(reply);
        sd_bus_error_free(&e);
}

static bool wait_for(struct world *w, const char *path, const char *interface, const char *name, const char *value)
{
        char now[256];
        unsigned ms;

        for (ms = 0; ms < PATIENCE_MS; ms += POLL_MS) {
                get(w, path, interface, name, now, sizeof(now));
                if (strcmp(now, value) == 0)
                        return true;
                sleep_ms(POLL_MS);
        }
        printf("# %s of %s is '%s', expected '%s'\n", name, path, now, value);
        return false;
}

static bool session_is(struct scene *sc, unsigned card, const char *name, const char *value)
{
        return wait_for(sc->w, sc->session[card], "org.tmsd1.Session", name, value);
}

/* --- To the step ------------------------------------------------------------------------------- */

static bool owner_call(struct scene *sc, unsigned card, struct order o)
{
        struct answer a;

        if (!o.path[0])
                (void)snprintf(o.path, sizeof(o.path), "%s", sc->session[card]);
        if (!o.interface[0])
                (void)snprintf(o.interface, sizeof(o.interface), "org.tmsd1.Session");
        peer_order(&sc->w->owner[card], &o);
        if (o.unanswered)
                return true;
        peer_hear(&sc->w->owner[card], &a);
        if (a.error[0])
                printf("# card %u: %s: %s %s\n", card, o.member, a.error, a.text);
        if (o.path[0] && strcmp(o.member, "CreateSession") == 0)
                (void)snprintf(sc->session[card], sizeof(sc->session[card]), "%.127s", a.text);
        return !a.error[0];
}

static bool create(struct scene *sc, unsigned card)
{
        struct order o = {
                        .path = "/org/tmsd1",
                        .interface = "org.tmsd1.Manager",
                        .member = "CreateSession",
                        .types = "oa{sv}",
        };

        (void)snprintf(o.text, sizeof(o.text), "/org/tmsd1/stimulator/%u", card);
        /* Each treats another one, so that no day's dose is ever reached. */
        (void)snprintf(o.subject, sizeof(o.subject), "S-%u-%u", sc->w->n_scenes, card);
        return owner_call(sc, card, o);
}

static struct order preparation(enum step step)
{
        struct order o = {.kind = ORDER_PREPARE, .member = "Prepare", .number = 500};

        (void)snprintf(o.text, sizeof(o.text), "%s", step == STEP_WAITING ? "single-pulse" : "mdd-hfl-10hz");
        return o;
}

static bool reach(struct scene *sc, unsigned card, enum step step)
{
        bool good = create(sc, card);

        if (!good || step == STEP_CREATED)
                return good;
        good = owner_call(sc, card, preparation(step));
        /* There is always one: nothing sets the machine's clock. */
        if (good)
                good = owner_call(sc, card, (struct order){.member = "ConfirmNotices"});
        if (!good || step == STEP_PREPARED)
                return good;
        if (step == STEP_ARMING)
                return owner_call(sc, card, (struct order){.member = "Arm", .unanswered = true}) &&
                       session_is(sc, card, "State", "arming");
        good = owner_call(sc, card, (struct order){.member = "Arm"});
        if (!good || step == STEP_ARMED)
                return good;
        if (!owner_call(sc, card, (struct order){.member = "Start"}))
                return false;
        if (step == STEP_WAITING)
                return session_is(sc, card, "Waiting", "operator");
        sleep_ms(INTO_TRAIN_MS);
        if (step == STEP_PAUSED)
                return owner_call(sc, card, (struct order){.member = "Pause", .types = "b", .number = 1}) &&
                       session_is(sc, card, "State", "paused");
        return true;
}

/* What the owner would do next, were there no trouble and no Stop. */
static void ask_for_next(struct scene *sc)
{
        static const struct order next[STEPS] = {
                        [STEP_PREPARED] = {.member = "Arm"},
                        [STEP_ARMING] = {.member = "Start"},
                        [STEP_ARMED] = {.member = "Start"},
                        [STEP_RUNNING] = {.member = "Resume"},
                        [STEP_WAITING] = {.member = "Go", .types = "u"},
                        [STEP_PAUSED] = {.member = "Resume"},
                        [STEP_ENDING] = {.member = "Resume"},
        };
        struct order o = sc->step == STEP_CREATED ? preparation(sc->step) : next[sc->step];

        o.unanswered = true;
        (void)owner_call(sc, 0, o);
        if (!sc->trouble->owner)
                sleep_ms(QUESTION_MS);
}

/* --- Stop ------------------------------------------------------------------------------------------ */

static void ask_to(struct scene *sc, unsigned card, const char *interface, const char *member)
{
        struct stop *s = sc->stops + sc->n++;
        struct order o = {.cookie = COOKIE_FIRST + sc->w->n_stops++};

        *s = (struct stop){.card = card, .interface = interface, .member = member, .cookie = o.cookie};
        (void)snprintf(o.interface, sizeof(o.interface), "org.tmsd1.%s", interface);
        (void)snprintf(o.member, sizeof(o.member), "%s", member);
        if (strcmp(interface, "Stimulator") == 0)
                (void)snprintf(o.path, sizeof(o.path), "/org/tmsd1/stimulator/%u", card);
        else
                (void)snprintf(o.path, sizeof(o.path), "%s", sc->session[card]);
        if (strcmp(member, "Pause") == 0) {
                (void)snprintf(o.types, sizeof(o.types), "b");
                o.number = 1;
        }
        s->ran = !lab_card(card).safe;
        peer_order(&sc->w->stopper, &o);
        peer_hear(&sc->w->stopper, &s->answer);
        s->after = lab_card(card);
        s->offset_ns = lab_offset_ns();
}

static void stop_card(struct scene *sc, unsigned card, unsigned variant)
{
        bool by_session = ((variant & 1) != 0) == (card == 0);

        if (card == 1 && (variant & 4))
                ask_to(sc, card, "Session", "Pause");
        ask_to(sc, card, by_session ? "Session" : "Stimulator", "Stop");
        /* The second one comes while the session ends. */
        if (card == 0 && sc->step == STEP_ENDING)
                ask_to(sc, card, by_session ? "Stimulator" : "Session", "Stop");
}

/* --- The scene ---------------------------------------------------------------------------------------- */

static void write_stops(const struct scene *sc)
{
        int64_t until_ns = mono_ns() + lab_offset_ns();
        size_t i;

        for (i = 0; i < sc->n; i++) {
                const struct stop *s = sc->stops + i;
                int64_t o = s->offset_ns;

                (void)fprintf(sc->w->stops, "%u\t%s\t%d\t%s\t%u\t%s.%s\t%u\t%d\t%lld\t%lld\t%d\t%lld\t%lld\t%lld\t%s\n",
                              sc->w->n_scenes, sc->trouble->name, sc->trouble->flood, step_names[sc->step], s->card,
                              s->interface, s->member, s->cookie, s->ran, (long long)(s->answer.call_mono_ns + o),
                              (long long)(s->answer.reply_mono_ns + o), s->after.safe, (long long)s->after.safe_ns,
                              (long long)o, (long long)until_ns, s->answer.error[0] ? s->answer.error : "-");
        }
        fflush(sc->w->stops);
}

static bool clean_up(struct world *w)
{
        char path[64], state[64];
        unsigned card;
        bool good = true;

        for (card = 0; card < CARDS; card++)
                peer_end(&w->owner[card]);
        peer_end(&w->stopper);
        for (card = 0; card < CARDS; card++) {
                (void)snprintf(path, sizeof(path), "/org/tmsd1/stimulator/%u", card);
                good &= wait_for(w, path, "org.tmsd1.Stimulator", "Session", "/");
                get(w, path, "org.tmsd1.Stimulator", "State", state, sizeof(state));
                if (strcmp(state, "fault") == 0)
                        shell("busctl call " SERVICE " %s org.tmsd1.Stimulator ClearFault", path);
        }
        return good;
}

void scene_run(struct world *w, const struct trouble *t, enum step step, unsigned variant)
{
        struct scene sc = {.w = w, .trouble = t, .step = step};
        unsigned card;
        bool good = true;

        w->n_scenes++;
        for (card = 0; card < CARDS; card++)
                w->owner[card] = peer_start("operator", client_body);
        w->stopper = peer_start("bystander", client_body);

        /* Single pulses want that much after whatever the card has fired before. */
        if (step == STEP_WAITING)
                sleep_ms(5000);
        /* Its first train lasts 4 s, which is longer than the other takes to its step. */
        good = reach(&sc, 1, STEP_RUNNING) && reach(&sc, 0, step);

        if (good) {
                if (t->begin)
                        t->begin(w, sc.session[0]);
                ask_for_next(&sc);
                if (t->owner)
                        t->owner(w, sc.session[0]);
                stop_card(&sc, variant & 2 ? 1 : 0, variant);
                stop_card(&sc, variant & 2 ? 0 : 1, variant);
                if (t->end)
                        t->end(w);
                sleep_ms(AFTER_MS);
                write_stops(&sc);
                printf("ok %u - %s: %s: the sessions came so far\n", w->n_scenes, t->name, step_names[step]);
        } else {
                w->n_failed++;
                printf("not ok %u - %s: %s: the sessions came so far\n", w->n_scenes, t->name, step_names[step]);
        }
        if (!clean_up(w))
                die("%s: %s: the sessions do not end", t->name, step_names[step]);
}
