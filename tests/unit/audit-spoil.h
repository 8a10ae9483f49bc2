/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs made by hand, spoiled on disk in every way that somebody or a crash may leave them. */
#ifndef AUDIT_SPOIL_H
#define AUDIT_SPOIL_H

#include "audit-forge.h"

#define PULSES "pulses/T-1.tsv"

struct copy {
        char *text;
        size_t size;
};

char *path_of(const struct forge *f, const char *name);
struct copy read_copy(const struct forge *f, const char *name);
/* Frees c. */
void write_copy(const struct forge *f, const char *name, struct copy c);

/* What several of them are made of. */
void begin_session(struct forge *f);
void protocol_name(const struct forge *f, char name[96]);
void piece(struct forge *f, const char *text);

/* What somebody may have done. */
void rewrite(struct forge *f);
void record_changed(struct forge *f);
void record_rechained(struct forge *f);
void last_record_changed(struct forge *f);
void last_record_no_json(struct forge *f);
void garbage_line(struct forge *f);
void blank_line(struct forge *f);
void record_dropped(struct forge *f);
void record_dropped_and_rechained(struct forge *f);
void record_doubled(struct forge *f);
void records_swapped(struct forge *f);
void signature_flipped(struct forge *f);
void early_signature_flipped(struct forge *f);
void other_format(struct forge *f);
void more_keys_in_a_record(struct forge *f);
void key0_changed(struct forge *f);
void key0_gone(struct forge *f);
void pulses_changed(struct forge *f);
void pulses_shortened(struct forge *f);
void pulses_shortened_by_a_line(struct forge *f);
void pulses_grown(struct forge *f);
void pulses_gone(struct forge *f);
void pulses_a_link(struct forge *f);
void pulses_extra(struct forge *f);
void pulses_extra_nonsense(struct forge *f);
void open_session_file_gone(struct forge *f);
void open_session_bad_line(struct forge *f);
void protocol_changed(struct forge *f);
void protocol_gone(struct forge *f);
void cut_before_the_last_seal(struct forge *f);
void cut_in_the_last_seal(struct forge *f);
void log_emptied(struct forge *f);
void log_gone(struct forge *f);
void log_and_keys_gone(struct forge *f);
void key_gone(struct forge *f);
void key_behind(struct forge *f);
void key_ahead(struct forge *f);
void key_far_ahead(struct forge *f);
void key_of_another(struct forge *f);
void key_no_key(struct forge *f);
void next_key_no_key(struct forge *f);
void piece_gone(struct forge *f);
void piece_changed(struct forge *f);

/* What a crash leaves. */
void torn(struct forge *f);
void torn_by_its_newline(struct forge *f);
void torn_zeros(struct forge *f);
void unsealed_records(struct forge *f);
void open_session_ahead(struct forge *f);
void open_session_torn(struct forge *f);
void open_session_no_head(struct forge *f);
void recovery_cut_off(struct forge *f);
void recovery_cut_off_before_its_file(struct forge *f);
void unnamed_empty(struct forge *f);
void unnamed_head(struct forge *f);
void unnamed_protocol(struct forge *f);
void half_written_protocol(struct forge *f);
void old_key_left(struct forge *f);
void next_key_made(struct forge *f);
void piece_recorded(struct forge *f);
void piece_not_recorded(struct forge *f);
void only_the_first_record(struct forge *f);
void first_start_cut_off(struct forge *f);
void first_start_cut_off_early(struct forge *f);

#endif
