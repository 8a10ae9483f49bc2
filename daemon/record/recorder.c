/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the higher floors see of the records; see recorder.h. */
#include <assert.h>
#include <systemd/sd-id128.h>

#include "recorder.h"

/* The service cannot read /proc/sys (its unit hides it), so the unit passes the boot's id. */
static int find_boot(struct recorder *r)
{
        const char *given = getenv("TMSD_BOOT_ID");
        sd_id128_t id;
        int q;

        q = given ? sd_id128_from_string(given, &id) : sd_id128_get_boot(&id);
        if (q < 0)
                return log_error_errno(q, "start tmsd by systemctl start tmsd, whose unit gives it (TMSD_BOOT_ID)",
                                       "this boot's id is not known");
        (void)sd_id128_to_string(id, r->boot);
        return 0;
}

int recorder_new(int state_fd, uint64_t max_off_ns, struct recorder **ret)
{
        struct recorder *r = calloc(1, sizeof(*r));
        int q;

        if (!r)
                return -ENOMEM;
        r->state_fd = state_fd;
        r->max_off_ns = max_off_ns;
        q = find_boot(r);
        if (q >= 0)
                q = history_new(max_off_ns, &r->history);
        if (q < 0) {
                recorder_free(r);
                return q;
        }
        *ret = r;
        return 0;
}

static void on_seen(const json_t *record, void *userdata)
{
        struct recorder *r = userdata;

        history_see(record, r->history);
}

/* Before any record was seen. */
static int on_restore(const json_t *state, void *userdata)
{
        struct recorder *r = userdata;
        struct history *restored;
        int q;

        q = history_restore(r->max_off_ns, state, &restored);
        if (q < 0)
                return q;
        history_free(r->history);
        r->history = restored;
        return 0;
}

static void on_durable(uint64_t records, void *userdata)
{
        struct recorder *r = userdata;

        index_durable(r->index, records);
}

static void on_failed(const char *sentence, void *userdata)
{
        struct recorder *r = userdata;

        r->failed(sentence, r->userdata);
}

static void on_no_room(const char *sentence, void *userdata)
{
        struct recorder *r = userdata;

        r->no_room(sentence, r->userdata);
}

/* Without the index there are no lists and no totals. Nothing that treats needs it. */
static void begin_index(struct recorder *r, uint64_t free_min)
{
        int q = index_new(&(struct index_config){.state_fd = r->state_fd,
                                                 .key0 = audit_key0(r->audit),
                                                 .records = audit_records(r->audit),
                                                 .free_min = free_min},
                          &r->index);

        if (q < 0)
                log_event(INDEX_UNUSABLE, FIELDS(field_errno(q)),
                          "the index cannot be begun, and treating goes on without it: %s", strerror(-q));
}

int recorder_open(struct recorder *r, sd_event *event, uint64_t free_min, audit_failed_fn failed,
                  audit_no_room_fn no_room, void *userdata)
{
        int q;

        assert(!r->audit && failed && no_room);
        r->failed = failed;
        r->no_room = no_room;
        r->userdata = userdata;
        q = audit_new(event,
                      &(struct audit_config){
                                      .state_fd = r->state_fd,
                                      .boot = r->boot,
                                      .free_min = free_min,
                                      .seen = on_seen,
                                      .restore = on_restore,
                                      .max_off_ns = r->max_off_ns,
                                      .durable = on_durable,
                                      .failed = on_failed,
                                      .no_room = on_no_room,
                                      .userdata = r,
                      },
                      &r->audit);
        if (q >= 0 && !audit_failure(r->audit))
                begin_index(r, free_min);
        return q;
}

void recorder_close(struct recorder *r)
{
        r->audit = audit_free(r->audit);
        r->index = index_free(r->index);
}

struct recorder *recorder_free(struct recorder *r)
{
        if (!r)
                return NULL;
        assert(!r->audit);
        history_free(r->history);
        free(r);
        return NULL;
}

/* --- Writing ----------------------------------------------------------------------- */

void recorder_note(struct recorder *r, const char *type, json_t *who, const char *on, json_t *data)
{
        (void)audit_write(r->audit, &(struct audit_record){.type = type, .who = who, .on = on, .data = data}, NULL,
                          NULL);
}

void recorder_count(struct recorder *r)
{
        r->unrecorded++;
}

static bool may_note(struct recorder *r)
{
        uint64_t now = now_ns(CLOCK_MONOTONIC);
        uint64_t earned = (now - r->earned_ns) * RECORDER_PER_S / NS_PER_S;

        if (earned > 0) {
                r->left = r->left + earned > RECORDER_BURST ? RECORDER_BURST : r->left + (unsigned)earned;
                r->earned_ns = now;
        }
        assert(r->left <= RECORDER_BURST);
        if (r->left == 0) {
                recorder_count(r);
                return false;
        }
        r->left--;
        return true;
}

bool recorder_note_limited(struct recorder *r, const char *type, json_t *who, const char *on, json_t *data)
{
        uint64_t unrecorded = r->unrecorded;

        if (audit_failure(r->audit) || !may_note(r)) {
                json_decref(who);
                json_decref(data);
                return false;
        }
        if (data && unrecorded > 0)
                json_add(&data, "unrecorded", json_u64(unrecorded));
        /* A record for which there is no memory is counted like one beyond the limit. */
        if (audit_write(r->audit,
                        &(struct audit_record){.type = type, .who = who, .on = on, .data = data, .refusable = true},
                        NULL, NULL) < 0) {
                recorder_count(r);
                return false;
        }
        r->unrecorded -= unrecorded;
        return true;
}
