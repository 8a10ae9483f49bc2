/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of every type; see audit-samples.h. */
#include "audit-samples.h"
#include "util.h"

#define BOOT "\"boottime_ns\":1,\"synchronised\":true"
#define PULSES \
        "\"file\":\"pulses/T-1.tsv\",\"lines\":12,\"bytes\":300,\"sha256\":\"00\",\"delivered\":6,\"missed\":1," BOOT
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

const struct audit_sample audit_samples[] = {
                {"log.open", "", "\"format\":1,\"key0\":\"" HEX "\"",
                 "The log begins. Its first public key, key 0, is 0123456789ab…."},
                {"log.open", "", "\"format\":2,\"key0\":\"" HEX "\"",
                 "The log begins. Its first public key, key 0, is 0123456789ab…."},
                {"log.segment", "",
                 "\"format\":2,\"segment\":3,\"key0\":\"" HEX "\",\"origin\":\"tmsd/" HEX
                 "\",\"seals\":5,\"public\":\"" HEX "\",\"tree\":[\"" HEX "\",\"" HEX "\"]",
                 "The log goes on in a new file, segment 3."},
                {"log.close", UID, "\"segment\":2,\"reason\":\"asked\"",
                 "Segment 2 of the log is closed (asked), as uid 1000 asked for."},
                {"log.close", "", "\"segment\":2,\"reason\":\"month\"", "Segment 2 of the log is closed (month)."},
                {"audit.read", UID, "\"records\":100,\"files\":7,\"bytes\":51200," BOOT,
                 "uid 1000 was given a copy of the log: 100 records, 7 files, 51200 bytes."},
                {"daemon.start", "", "\"version\":\"0.1.0\"," BOOT, "tmsd 0.1.0 started."},
                {"daemon.stop", "", "\"version\":\"0.1.0\"," BOOT, "tmsd 0.1.0 stopped."},
                {"stimulator.add", "",
                 "\"node\":\"/dev/"
                 "tms0\",\"card_serial\":4711,\"coil_serial\":815,\"odometer\":12345,\"card_version\":1,"
                 "\"firmware\":258," BOOT,
                 "/dev/tms0: card 4711 is connected, with coil 815; it has counted 12345 pulses in its life."},
                {"stimulator.add", "",
                 "\"node\":\"/dev/"
                 "tms0\",\"card_serial\":\"18446744073709551615\",\"coil_serial\":0,\"odometer\":0," BOOT,
                 "/dev/tms0: card 18446744073709551615 is connected; it has counted 0 pulses in its life."},
                {"stimulator.remove", "", "\"node\":\"/dev/tms0\",\"card_serial\":4711," BOOT,
                 "/dev/tms0: card 4711 is gone."},
                {"stimulator.state", "\"on\":\"/org/tmsd1/stimulator/0\",",
                 "\"state\":\"break\",\"cause\":\"idle_limit\",\"before\":\"running\",\"event_ns\":5," BOOT,
                 "/dev/tms0: running became break (idle limit)."},
                {"stimulator.interlock", "\"on\":\"/org/tmsd1/stimulator/1\",",
                 "\"open\":[\"patient_stop\",\"coil_hot\"],\"latched\":[\"patient_stop\"],\"event_ns\":5," BOOT,
                 "/dev/tms1: interlocks open: patient stop, coil hot; latched: patient stop."},
                {"stimulator.interlock", "\"on\":\"/org/tmsd1/stimulator/1\",",
                 "\"open\":[],\"latched\":[],\"event_ns\":5," BOOT, "/dev/tms1: every interlock is closed."},
                {"stimulator.stop", UID "\"on\":\"/org/tmsd1/stimulator/0\",", "\"unrecorded\":3," BOOT,
                 "/dev/tms0: stopped by uid 1000 while no session had it. 3 before it came too fast to be recorded."},
                {"stimulator.stop", UID "\"on\":\"/org/tmsd1/stimulator/0\",", "\"error\":\"Input/output error\"," BOOT,
                 "/dev/tms0: a stop was asked for by uid 1000 while no session had it, and not taken: Input/output "
                 "error."},
                {"stimulator.clear_fault.intent", UID "\"on\":\"/org/tmsd1/stimulator/0\",",
                 "\"cause\":\"card_latch\"," BOOT, "/dev/tms0: uid 1000 asks to clear its fault (card latch)."},
                {"stimulator.clear_fault", "\"on\":\"/org/tmsd1/stimulator/0\",", BOOT,
                 "/dev/tms0: its fault was cleared."},
                {"stimulator.clear_fault", "\"on\":\"/org/tmsd1/stimulator/0\",", "\"error\":\"Protocol error\"," BOOT,
                 "/dev/tms0: its fault was not cleared: Protocol error."},
                {"stimulator.odometer", "", "\"card_serial\":4711,\"expected\":6,\"found\":6,\"settled\":0," BOOT,
                 "Card 4711 has counted 6 pulses, and this log 6, without those of unknown outcome; it has given 0 of "
                 "these."},
                {"stimulator.odometer", "", "\"card_serial\":4711,\"expected\":6,\"found\":9," BOOT,
                 "Card 4711 has counted 9 pulses, and this log 6: somebody else has fired it."},
                {"stimulator.odometer", "", "\"card_serial\":4711,\"expected\":6,\"found\":9,\"session\":\"T-1\"," BOOT,
                 "Card 4711 has counted 9 pulses, and this log 6: somebody else has fired it, by the end of session "
                 "T-1."},
                {"session.create", UID,
                 "\"session\":\"T-1\",\"stimulator\":\"/org/tmsd1/stimulator/0\",\"node\":\"/dev/"
                 "tms0\",\"card_serial\":4711,"
                 "\"coil_serial\":815,\"odometer\":0,\"subject\":\"S-17\",\"records_since_ns\":1," BOOT,
                 "Session T-1: uid 1000 began it for subject S-17 on /dev/tms0, card 4711, coil 815."},
                {"session.create", UID,
                 "\"session\":\"T-2\",\"stimulator\":\"/org/tmsd1/stimulator/0\",\"node\":\"/dev/"
                 "tms0\",\"card_serial\":4711,"
                 "\"coil_serial\":815,\"odometer\":0,\"subject\":\"S-17\",\"records_since_ns\":1,\"rest_of\":\"T-"
                 "1\"," BOOT,
                 "Session T-2: uid 1000 began it for subject S-17 on /dev/tms0, card 4711, coil 815, to give what "
                 "session "
                 "T-1 has left."},
                {"session.create", UID,
                 "\"session\":\"T-1\",\"node\":\"/dev/"
                 "tms0\",\"card_serial\":4711,\"coil_serial\":0,\"subject\":\"\"," BOOT,
                 "Session T-1: uid 1000 began it for a subject without a code on /dev/tms0, card 4711."},
                {"session.prepare", UID,
                 "\"session\":\"T-1\",\"protocol\":\"mdd-hfl-10hz\",\"sha256\":\"" HEX "\",\"threshold_permille\":520,"
                 "\"threshold_kind\":\"rMT\",\"threshold_coil\":\"figure-8\",\"percent_permille\":1200,\"max_"
                 "permille\":624,"
                 "\"pulses\":3000,\"trains\":75,\"verdict\":\"allowed\",\"measuring\":false,\"treatment_today\":0,"
                 "\"measuring_today\":0," BOOT,
                 "Session T-1: uid 1000 prepared mdd-hfl-10hz (allowed): 3000 pulses in 75 trains, 120 % of rMT 52 % "
                 "MSO, "
                 "62.4 % MSO at most."},
                {"session.prepare", UID,
                 "\"session\":\"T-1\",\"protocol\":\"p\",\"threshold_permille\":520,\"threshold_kind\":\"rMT\","
                 "\"percent_permille\":1200,\"max_permille\":725,\"pulses\":3000,\"trains\":1,\"verdict\":\"override\","
                 "\"adjusted_threshold_permille\":604,\"leg_thresholds_permille\":[520,0],\"notices\":[\"One. "
                 "Two.\",\"Three.\"],"
                 "\"override_reason\":\"as agreed\",\"overridden\":[\"Too many.\"]," BOOT,
                 "Session T-1: uid 1000 prepared p (override): 3000 pulses in 1 train, 120 % of rMT 52 % MSO, "
                 "adjusted to "
                 "60.4 %, a threshold for each leg, 72.5 % MSO at most. Overridden for this reason: as agreed. "
                 "Against: Too "
                 "many. Notices: One. Two. Three."},
                {"session.prepare", UID,
                 "\"session\":\"T-1\",\"protocol\":\"p\",\"threshold_permille\":0,\"threshold_kind\":\"\",\"percent_"
                 "permille\":500,"
                 "\"max_permille\":500,\"pulses\":1,\"trains\":1,\"verdict\":\"allowed\"," BOOT,
                 "Session T-1: uid 1000 prepared p (allowed): 1 pulse in 1 train, 50 % MSO at most."},
                {"session.prepare", UID,
                 "\"session\":\"T-2\",\"protocol\":\"p\",\"threshold_permille\":0,\"threshold_kind\":\"\",\"percent_"
                 "permille\":500,"
                 "\"max_permille\":500,\"pulses\":3,\"trains\":1,\"first_pulse\":30,\"first_train\":2,\"verdict\":"
                 "\"allowed\"," BOOT,
                 "Session T-2: uid 1000 prepared p (allowed): 3 pulses in 1 train, from pulse 30 of the whole on "
                 "(counted "
                 "from 0), 50 % MSO at most."},
                {"session.confirm", UID,
                 "\"session\":\"T-1\",\"protocol\":\"p\",\"sha256\":\"00\",\"notices\":[\"One.\"]," BOOT,
                 "Session T-1: uid 1000 confirmed the notices of p: One."},
                {"session.arm.intent", UID, "\"session\":\"T-1\"," BOOT, "Session T-1: uid 1000 asks to arm it."},
                {"session.arm.intent", "", "\"again\":\"gap\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: tmsd asks to arm it again, in mid-run (gap)."},
                {"session.arm", "", "\"session\":\"T-1\",\"fitness_max_ns\":8312," BOOT,
                 "Session T-1: armed; the computer's timers were 0.008 ms off at most."},
                {"session.arm", "", "\"session\":\"T-1\",\"error\":\"Timer expired\",\"again\":\"go\"," BOOT,
                 "Session T-1: not armed again, in mid-run (go): Timer expired."},
                {"session.break", "", "\"reason\":\"idle_limit\",\"paused\":true,\"session\":\"T-1\"," BOOT,
                 "Session T-1: discharged in mid-run (idle limit); it is paused."},
                {"session.break", "", "\"reason\":\"gap\",\"paused\":false,\"session\":\"T-1\"," BOOT,
                 "Session T-1: discharged in mid-run (gap); the run goes on."},
                {"session.start.intent", UID, "\"session\":\"T-1\"," BOOT, "Session T-1: uid 1000 asks to start it."},
                {"session.start", "", "\"start_ns\":1,\"run\":4,\"session\":\"T-1\"," BOOT,
                 "Session T-1: started, as run 4 of the card."},
                {"session.start", "", "\"error\":\"No such device\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: not started: No such device."},
                {"session.go.intent", UID, "\"pulse\":0,\"permille\":455,\"session\":\"T-1\"," BOOT,
                 "Session T-1: uid 1000 asks to let pulse 0 go (counted from 0), at 45.5 % MSO."},
                {"session.go", "", "\"pulse\":0,\"permille\":455,\"session\":\"T-1\"," BOOT,
                 "Session T-1: pulse 0 (counted from 0) was let go at 45.5 % MSO."},
                {"session.go", "",
                 "\"pulse\":7,\"permille\":455,\"error\":\"Stale file handle\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: pulse 7 (counted from 0) was not let go: Stale file handle."},
                {"session.go", "", "\"error\":\"a pause was asked for meanwhile.\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: not let go: a pause was asked for meanwhile."},
                {"session.pause", UID, "\"reason\":\"request\",\"now\":false,\"session\":\"T-1\"," BOOT,
                 "Session T-1: paused by uid 1000 at the end of the train (request)."},
                {"session.pause", UID, "\"reason\":\"request\",\"now\":true,\"session\":\"T-1\",\"unrecorded\":2," BOOT,
                 "Session T-1: paused by uid 1000 at once (request). 2 before it came too fast to be recorded."},
                {"session.pause", "",
                 "\"reason\":\"owner_frozen\",\"text\":\"It does not answer.\",\"now\":true,\"session\":\"T-1\"," BOOT,
                 "Session T-1: paused at once (owner frozen): It does not answer."},
                {"session.pause", "", "\"reason\":\"armed_late\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: paused (armed late)."},
                {"session.resume.intent", UID, "\"session\":\"T-1\"," BOOT, "Session T-1: uid 1000 asks to resume it."},
                {"session.resume", "", "\"start_ns\":1,\"session\":\"T-1\"," BOOT, "Session T-1: resumed."},
                {"session.resume", "", "\"error\":\"No such device\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: not resumed: No such device."},
                {"session.stop", UID, "\"reason\":\"stopped\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: stopped by uid 1000 (stopped)."},
                {"session.take", UID, "\"session\":\"T-1\",\"before\":\":1.42\",\"reason\":\"left\"," BOOT,
                 "Session T-1: uid 1000 took it over from :1.42 (left)."},
                {"session.stop", "", "\"reason\":\"owner_left\",\"session\":\"T-1\"," BOOT,
                 "Session T-1: stopped (owner left)."},
                {"session.pulses", "", "\"session\":\"T-1\"," PULSES,
                 "Session T-1: 6 pulses delivered so far, 1 missed."},
                {"session.pulses", "",
                 "\"session\":\"T-1\",\"cut_bytes\":9,\"cut_file\":\"cut-1.part\",\"cut_sha256\":\"00\"," PULSES,
                 "Session T-1: 6 pulses delivered so far, 1 missed; 9 bytes of a torn line were cut off its pulse "
                 "file."},
                {"session.end", "",
                 "\"session\":\"T-1\",\"reason\":\"complete\",\"text\":\"All pulses of the timeline have been "
                 "played.\","
                 "\"prescribed\":7,\"odometer\":6,\"unknown\":0," PULSES,
                 "Session T-1: ended (complete), 6 of 7 pulses delivered, 1 missed. All pulses of the timeline have "
                 "been played."},
                {"session.end", "", "\"session\":\"T-1\",\"reason\":\"crashed\",\"prescribed\":7," PULSES,
                 "Session T-1: ended (crashed), 6 of 7 pulses delivered, 1 missed."},
                {"session.end", "", "\"session\":\"T-1\",\"reason\":\"crashed\",\"prescribed\":7,\"unknown\":1," PULSES,
                 "Session T-1: ended (crashed), 6 of 7 pulses delivered, 1 missed, 1 unknown (count as given)."},
                {"course.create", UID,
                 "\"course\":\"A12N\",\"subject\":\"S-1\",\"indication\":\"depression\",\"age\":44,\"diagnosis\":"
                 "\"F33.2\",\"diagnosed\":\"2021-03-14\",\"trials\":[],\"earlier_tms\":\"never\",\"earlier_ect\":"
                 "\"never\",\"referred_by\":\"r-1\",\"ordered_by\":\"dr.a\"," BOOT,
                 "Course A12N: uid 1000 made it for subject S-1, 44 years old: depression (F33.2), ordered by dr.a."},
                {"course.screening", UID, "\"course\":\"A12N\",\"yes\":[11],\"no\":[1,2]," BOOT,
                 "Course A12N: uid 1000 recorded the screening: yes to 11, no to 1, 2."},
                {"course.screening", UID, "\"course\":\"A12N\",\"yes\":[],\"no\":[1,2]," BOOT,
                 "Course A12N: uid 1000 recorded the screening: yes to nothing, no to 1, 2."},
                {"course.decision", UID, "\"course\":\"A12N\",\"items\":[11],\"reason\":\"clarified\"," BOOT,
                 "Course A12N: uid 1000 decided that it may go on in spite of yes to 11 (clarified)."},
                {"course.consent", UID, "\"course\":\"A12N\",\"version\":\"2026-1\",\"date\":\"2026-01-30\"," BOOT,
                 "Course A12N: uid 1000 recorded the subject's consent of 2026-01-30, version 2026-1."},
                {"course.authorisation", UID, "\"course\":\"A12N\",\"sessions\":36,\"until\":\"2026-06-30\"," BOOT,
                 "Course A12N: uid 1000 recorded that the payer has authorised 36 sessions until 2026-06-30."},
                {"course.prescription", UID,
                 "\"course\":\"A12N\",\"number\":2,\"protocol\":\"mdd-hfl-10hz\",\"sha256\":\"" HEX
                 "\",\"target\":\"left-dlpfc\",\"found_by\":\"beam-f3\",\"coil\":\"figure-8\","
                 "\"threshold_permille\":520,\"threshold_kind\":\"rMT\",\"threshold_method\":\"EMG\","
                 "\"percent_permille\":1200,\"sessions\":30,\"per_day\":1,\"days_per_week\":5,\"weekdays\":[\"mon\"],"
                 "\"max_permille\":700,\"max_pulses\":3000," BOOT,
                 "Course A12N: uid 1000 prescribed (number 2): mdd-hfl-10hz at 120 % of rMT 52 % MSO, left-dlpfc by "
                 "beam-f3, coil figure-8, 30 sessions, 1 a day on 5 days a week."},
                {"course.state", UID, "\"course\":\"A12N\",\"event\":\"begin\",\"state\":\"active\"," BOOT,
                 "Course A12N: uid 1000 had it begin; it is active."},
                {"course.state", UID,
                 "\"course\":\"A12N\",\"event\":\"end\",\"state\":\"ended\",\"reason\":\"remission\"," BOOT,
                 "Course A12N: uid 1000 had it end (remission); it is ended."},
                {"course.score", UID,
                 "\"course\":\"A12N\",\"instrument\":\"phq-9\",\"items\":[1,1],\"total\":12,\"suicidality\":"
                 "\"risen\"," BOOT,
                 "Course A12N: uid 1000 recorded phq-9: 12 in all; the item on suicidality: risen."},
                {"course.event", UID,
                 "\"course\":\"A12N\",\"effect\":\"headache\",\"phase\":\"after\",\"severity\":\"mild\","
                 "\"relatedness\":\"probable\",\"session\":\"T-1\"," BOOT,
                 "Course A12N: uid 1000 recorded headache after a session, mild, probable (session T-1)."},
                {"course.missed", UID, "\"course\":\"A12N\",\"date\":\"2026-02-03\",\"reason\":\"illness\"," BOOT,
                 "Course A12N: uid 1000 recorded that the session of 2026-02-03 was missed (illness)."},
                {"course.seizure", UID,
                 "\"subject\":\"S-1\",\"phase\":\"during\",\"kind\":\"focal\",\"duration_s\":40,\"session\":\"T-1\","
                 "\"course\":\"A12N\"," BOOT,
                 "Subject S-1: uid 1000 reported a seizure during a session (focal), of 40 s, session T-1, course "
                 "A12N; "
                 "the subject is locked."},
                {"course.seizure", UID, "\"subject\":\"S-1\",\"phase\":\"after\"," BOOT,
                 "Subject S-1: uid 1000 reported a seizure after a session; the subject is locked."},
                {"course.unlock", UID, "\"subject\":\"S-1\",\"reason\":\"no-seizure\"," BOOT,
                 "Subject S-1: uid 1000 took the lock off (no-seizure)."},
                {"request.refused", UID "\"on\":\"/org/tmsd1/session/T-1\",",
                 "\"method\":\"Arm\",\"error\":\"OutOfOrder\",\"message\":\"Arm: wait until Prepare is "
                 "done.\",\"unrecorded\":4," BOOT,
                 "Arm was refused to uid 1000, for session T-1 (OutOfOrder): Arm: wait until Prepare is done. 4 before "
                 "it came too "
                 "fast to be recorded."},
                {"request.refused", "\"on\":\"/org/tmsd1\",",
                 "\"method\":\"SealAudit\",\"error\":\"Failed\",\"message\":\"No memory\"," BOOT,
                 "SealAudit was refused (Failed): No memory."},
                {"request.refused", UID "\"on\":\"/org/tmsd1\",",
                 "\"method\":\"Ping\",\"error\":\"TooManyRequests\",\"unrecorded\":18," BOOT,
                 "Ping was refused to uid 1000 (TooManyRequests). 18 before it came too fast to be recorded."},
                {"recovery.log", "", "\"cut_bytes\":17,\"cut_file\":\"cut-1.part\",\"cut_sha256\":\"00\"",
                 "17 bytes without an end of line were cut off, and are kept in cut-1.part."},
                {"recovery.log", "", "\"cut_bytes\":17", "17 bytes without an end of line were cut off."},
                {"recovery.pulses.intent", "\"on\":\"/org/tmsd1/stimulator/0\",",
                 "\"session\":\"outside_4711_1\",\"file\":\"pulses/outside_4711_1.tsv\",\"card_serial\":4711," BOOT,
                 "Session outside_4711_1: what card 4711 still has of it is about to be added to "
                 "pulses/outside_4711_1.tsv."},
                {"recovery.pulses", "", "\"session\":\"T-1\",\"card_serial\":4711,\"fetched\":12," PULSES,
                 "Session T-1: 12 records that were left in the kernel were added; 6 pulses delivered in all, 1 "
                 "missed."},
                {"recovery.pulses", "", "\"session\":\"T-1\",\"fetched\":0," PULSES,
                 "Session T-1: a recovery was cut off; 6 pulses delivered in all, 1 missed."},
                {"seal", UID,
                 "\"key\":3,\"public\":\"" HEX "\",\"next\":\"" HEX "\",\"nonce\":\"ab12\",\"origin\":\"tmsd/" HEX
                 "\",\"size\":9,\"root\":\"" HEX "\",\"sig\":\"" HEX HEX "\"",
                 "Seal by key 3, over the nonce ab12, asked for by uid 1000."},
                {"seal", UID,
                 "\"key\":3,\"public\":\"" HEX "\",\"next\":\"" HEX "\",\"nonce\":\"ab12\",\"sig\":\"" HEX HEX "\"",
                 "Seal by key 3, over the nonce ab12, asked for by uid 1000."},
                {"seal", "",
                 "\"key\":3,\"public\":\"" HEX "\",\"next\":\"" HEX "\",\"nonce\":\"\",\"sig\":\"" HEX HEX "\"",
                 "Seal by key 3."},
};

const size_t audit_samples_n = ELEMENTS(audit_samples);
