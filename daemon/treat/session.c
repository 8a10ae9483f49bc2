/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session as an object: its references, and what it puts on record. See session.h. */
#include "notices.h"
#include "session.h"

static struct session *session_free(struct session *s)
{
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->tick);
        sd_event_source_disable_unref(s->finish);
        sd_event_source_disable_unref(s->recharge);
        sd_bus_slot_unref(s->slot);
        sd_event_source_disable_unref(s->hold);
        keeper_free(s->keeper);
        tms_device_close(s->control);
        tms_timeline_clear(&s->timeline);
        notices_free(s->notices);
        stimulator_unref(s->st);
        free(s->path);
        free(s->subject);
        free(s->rest_of);
        free(s);
        return NULL;
}

struct session *session_ref(struct session *s)
{
        s->n_ref++;
        return s;
}

struct session *session_unref(struct session *s)
{
        if (s && --s->n_ref == 0)
                session_free(s);
        return NULL;
}

void session_record(struct session *s, const char *type, json_t *who, json_t *data)
{
        json_add(&data, "session", json_string(s->id));
        recorder_note(s->ward->recorder, type, who, s->path, data);
}

void session_log_pause(const struct session *s, const char *reason)
{
        log_event(SESSION_PAUSED,
                  FIELDS(field_text("SESSION", s->id), field_number("CARD_SERIAL", s->st->info.card_serial),
                         field_text("REASON", reason)),
                  "session %s is paused: %s", s->id, reason);
}

void session_record_limited(struct session *s, const char *type, json_t *who, json_t *data)
{
        json_add(&data, "session", json_string(s->id));
        (void)recorder_note_limited(s->ward->recorder, type, who, s->path, data);
}
