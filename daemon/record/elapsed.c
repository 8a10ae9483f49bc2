/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells how much time has passed; see elapsed.h. */
#include "elapsed.h"
#include "util.h"

#define STEP_NS (60 * (int64_t)NS_PER_S)

uint64_t record_utc_ns(const json_t *record)
{
        uint64_t ns = json_get_u64(record, "utc_ns");
        struct tm tm = {0};
        const char *rest;
        time_t s;

        if (ns)
                return ns;
        rest = strptime(json_get_str(record, "utc"), "%Y-%m-%dT%H:%M:%S", &tm);
        if (!rest)
                return 0;
        s = timegm(&tm);
        if (s <= 0)
                return 0;
        ns = (uint64_t)s * NS_PER_S;
        if (*rest == '.')
                ns += strtoull(rest + 1, NULL, 10) * 1000;
        return ns;
}

/* --- Trouble --------------------------------------------------------------------------------- */

static void set_trouble(struct elapsed *e, enum clock_trouble kind, uint64_t from_utc_ns, uint64_t to_utc_ns)
{
        if (!e->trouble[kind].active)
                e->trouble[kind].from_utc_ns = from_utc_ns;
        e->trouble[kind].active = true;
        e->trouble[kind].to_utc_ns = to_utc_ns;
        e->trouble[kind].up_ns = e->now.up_ns;
}

/*
 * When a day has certainly passed since the trouble, no record from before it is within the day of any dose, and the
 * trouble is forgotten.
 */
static void forget_old_trouble(struct elapsed *e)
{
        size_t i;

        for (i = 0; i < CLOCK_TROUBLES; i++) {
                if (!e->trouble[i].active || e->now.up_ns - e->trouble[i].up_ns < DAY_NS)
                        continue;
                e->trouble[i].active = false;
                if (i == CLOCK_STEPPED)
                        e->has_offset = false;
        }
}

static bool is_step(int64_t moved_ns)
{
        return moved_ns > STEP_NS || moved_ns < -STEP_NS;
}

static void look_for_step(struct elapsed *e, uint64_t utc_ns, uint64_t boottime_ns)
{
        int64_t offset;

        if (utc_ns == 0 || boottime_ns == 0)
                return;
        offset = (int64_t)(utc_ns - boottime_ns);
        /*
         * A clock that had gone backward over the boot and was then set to its earlier time or a later one is right
         * again. That step is no trouble.
         */
        if (e->trouble[CLOCK_BACKWARD].active && utc_ns >= e->trouble[CLOCK_BACKWARD].from_utc_ns) {
                e->trouble[CLOCK_BACKWARD].active = false;
                e->has_offset = false;
        }
        if (e->has_offset && is_step(offset - e->offset_ns)) {
                /* The day after which the clock is believed begins when the clock was last set. */
                if (!e->trouble[CLOCK_STEPPED].active || is_step(offset - e->stepped_offset_ns))
                        set_trouble(e, CLOCK_STEPPED, (uint64_t)e->offset_ns + boottime_ns, utc_ns);
                e->stepped_offset_ns = offset;
                return;
        }
        e->trouble[CLOCK_STEPPED].active = false;
        e->has_offset = true;
        e->offset_ns = offset;
}

static void look_over_boot(struct elapsed *e, uint64_t utc_ns)
{
        uint64_t last = e->utc_ns;

        /*
         * A clock that was set forward by mistake in the last boot and is right again in this one has not gone
         * backward: it is compared with the time that it should have said.
         */
        if (e->trouble[CLOCK_STEPPED].active && e->has_offset && e->boottime_ns &&
            (uint64_t)e->offset_ns + e->boottime_ns < last)
                last = (uint64_t)e->offset_ns + e->boottime_ns;
        e->has_offset = false;
        e->trouble[CLOCK_STEPPED].active = false;
        if (utc_ns == 0 || last == 0)
                return;
        if ((int64_t)(utc_ns - last) < -STEP_NS)
                set_trouble(e, CLOCK_BACKWARD, last, utc_ns);
        else if (utc_ns > e->utc_ns && utc_ns - e->utc_ns > e->max_off_ns)
                set_trouble(e, CLOCK_LONG_OFF, e->utc_ns, utc_ns);
}

/* --- Dates ------------------------------------------------------------------------------------ */

static uint64_t later_by(uint64_t now, uint64_t before)
{
        return now > before ? now - before : 0;
}

static void see_date(struct elapsed *e, uint64_t utc_ns, uint64_t boottime_ns)
{
        const int64_t offset = (int64_t)(utc_ns - boottime_ns);

        if (e->has_date && offset >= e->date_least_ns && offset <= e->date_most_ns)
                return;
        if (!e->has_date || offset < e->date_least_ns)
                e->date_least_ns = offset;
        if (!e->has_date || offset > e->date_most_ns)
                e->date_most_ns = offset;
        e->has_date = true;
        e->proofs++;
}

static void set_date(struct elapsed *e)
{
        const bool known = e->has_date && e->boottime_ns;

        e->now.earliest_ns = known ? (uint64_t)e->date_least_ns + e->boottime_ns : 0;
        e->now.latest_ns = known ? (uint64_t)e->date_most_ns + e->boottime_ns : 0;
        e->now.dated_by = known ? e->now.boot : 0;
}

void elapsed_prove(const struct elapsed *e, struct instant *then)
{
        if (e->now.latest_ns == 0 || (then->latest_ns && then->dated_by != e->now.boot))
                return;
        /*
         * For a moment of an earlier boot only the latest possible date follows, since the time without power in
         * between is not known.
         */
        then->latest_ns = later_by(e->now.latest_ns, e->now.up_ns - then->up_ns);
        then->dated_by = e->now.boot;
}

/* --- Time ------------------------------------------------------------------------------------- */

static void move_on(struct elapsed *e, const char *boot, const struct clock_now *t, uint64_t mono_ns)
{
        /*
         * Records of logs that were begun before records had BOOTTIME have only MONOTONIC, which does not count the
         * time in suspend.
         */
        const uint64_t since_boot = t->boottime_ns ? t->boottime_ns : mono_ns;

        if (e->any && STREQ(e->boot, boot)) {
                if (t->boottime_ns && e->boottime_ns)
                        e->now.up_ns += later_by(t->boottime_ns, e->boottime_ns);
                else if (mono_ns && e->mono_ns)
                        e->now.up_ns += later_by(mono_ns, e->mono_ns);
        } else {
                e->now.boot++;
                e->has_date = false;
                if (e->any) {
                        e->now.up_ns += since_boot;
                        look_over_boot(e, t->utc_ns);
                }
        }
        e->any = true;
        (void)snprintf(e->boot, sizeof(e->boot), "%s", boot);
        e->utc_ns = e->now.utc_ns = t->utc_ns;
        e->mono_ns = mono_ns;
        e->boottime_ns = t->boottime_ns;
        if (t->synchronised && t->utc_ns && t->boottime_ns)
                see_date(e, t->utc_ns, t->boottime_ns);
        set_date(e);
        look_for_step(e, t->utc_ns, t->boottime_ns);
        forget_old_trouble(e);
}

void elapsed_see(struct elapsed *e, const json_t *record)
{
        const json_t *data = json_object_get(record, "data");
        const char *boot = json_get_str(record, "boot");
        /*
         * Records of logs that were begun before records said whether the clock was synchronised count as not
         * synchronised.
         */
        const struct clock_now t = {
                        .utc_ns = record_utc_ns(record),
                        .boottime_ns = json_get_u64(data, "boottime_ns"),
                        .synchronised = json_is_true(json_object_get(data, "synchronised")),
        };

        /* A seal has no BOOTTIME. It is passed over, since with MONOTONIC alone the time in suspend would be lost. */
        if (t.boottime_ns == 0 && e->any && e->boottime_ns && STREQ(e->boot, boot))
                return;
        move_on(e, boot, &t, json_get_u64(record, "mono_ns"));
}

void elapsed_advance(struct elapsed *e, const char *boot, const struct clock_now *now)
{
        move_on(e, boot, now, 0);
}

bool elapsed_is_over_a_day(const struct instant *then, const struct instant *now)
{
        return now->up_ns - then->up_ns >= DAY_NS;
}

bool elapsed_may_be_within_day(const struct elapsed *e, const struct instant *then)
{
        struct instant proven = *then;

        if (elapsed_is_over_a_day(then, &e->now))
                return false;
        elapsed_prove(e, &proven);
        return proven.latest_ns == 0 || e->now.earliest_ns == 0 || e->now.earliest_ns < proven.latest_ns + DAY_NS;
}

bool elapsed_is_doubtful(const struct elapsed *e, const struct instant *then)
{
        return then->boot != e->now.boot && elapsed_may_be_within_day(e, then) &&
               (then->utc_ns == 0 || e->now.utc_ns == 0 || e->now.utc_ns >= then->utc_ns + DAY_NS);
}
