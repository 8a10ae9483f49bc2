/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an administrator may search the journal for: the only list of it. An event is a kind of log line with a
 * MESSAGE_ID= that never changes, and with the fields that are named here. The lists have names alone: what is in a
 * field is given by whoever logs.
 *
 * systemd/tmsd.catalog explains every event to the person who finds it; tmsd(8) has the fields. test-journal holds both
 * files against these lists, and test-journal-code every call of log_event(). "systemd-id128 new" makes a new id.
 */
#ifndef TMSD_JOURNAL_H
#define TMSD_JOURNAL_H

#include <sys/syslog.h>

/* X(field): tmsd(8) says what is in each. A person's code is in none. */
#define FOR_EACH_FIELD(X)      \
        X("SESSION")           \
        X("CARD_SERIAL")       \
        X("DEVICE_NODE")       \
        X("REASON")            \
        X("PULSES_DELIVERED")  \
        X("PULSES_MISSED")     \
        X("PULSES_UNKNOWN")    \
        X("INTERLOCKS")        \
        X("ODOMETER_EXPECTED") \
        X("ODOMETER_FOUND")    \
        X("RECORDS")           \
        X("SEAL_SEQ")          \
        X("SEAL_HASH")         \
        X("CUT_BYTES")         \
        X("KEY_NUMBER")        \
        X("METHOD")            \
        X("POLKIT_ACTION")     \
        X("POLKIT_ANSWER")     \
        X("CALLER_UID")        \
        X("CONFIG_FILE")       \
        X("CONFIG_LINE")       \
        X("VERSION")           \
        X("ERRNO")

/* X(event, priority, MESSAGE_ID, fields that each line of it has, fields that a line of it may have) */
#define FOR_EACH_EVENT(X)                                                                                             \
        X(DAEMON_READY, LOG_INFO, "14d9206c9abc4246bd1ea1d422e0b5ab", "VERSION", "")                                  \
        X(DAEMON_STOPPING, LOG_NOTICE, "394d25ccd8cb4236b7dcb004c7437a31", "REASON", "")                              \
        X(CONFIG_WRONG, LOG_ERR, "9c390ef689aa4b38bb85960ae717143e", "CONFIG_FILE", "CONFIG_LINE ERRNO")              \
        X(BUS_LOST, LOG_ERR, "9e28891369db4016af1e07f5b9006549", "", "")                                              \
        X(BUS_NAME_TAKEN, LOG_ERR, "541df2f348be4aed904e941bea436989", "", "")                                        \
        X(SESSION_BEGUN, LOG_INFO, "b776eca619434bebabcd4dcb05d914ca", "SESSION CARD_SERIAL", "")                     \
        X(SESSION_PAUSED, LOG_WARNING, "a92baebad90442aca3ec8257461c1399", "SESSION CARD_SERIAL REASON", "")          \
        X(SESSION_STOP, LOG_NOTICE, "1da8d63b408041678e883a2581bdc8ee", "SESSION CARD_SERIAL REASON", "")             \
        X(SESSION_ENDED, LOG_INFO, "558b2d3ce53944d5822133581b479179",                                                \
          "SESSION CARD_SERIAL REASON PULSES_DELIVERED PULSES_MISSED PULSES_UNKNOWN", "")                             \
        X(SESSION_CUT_OFF, LOG_NOTICE, "54d1f3a1f45a427c83f98220d602f872", "SESSION CARD_SERIAL", "")                 \
        X(RECORDS_LEFT, LOG_NOTICE, "b2a3ec02f8084003854e949b95bc8723", "SESSION CARD_SERIAL RECORDS", "")            \
        X(RECOVERY_CUT_OFF, LOG_NOTICE, "f7db806ece42497793c2d9ef5f8e0c8e", "SESSION", "CARD_SERIAL")                 \
        X(RECOVERY_FAILED, LOG_ERR, "671644cbda7c4f6ab1ce11b4cd9670e4", "ERRNO", "CARD_SERIAL")                       \
        X(STIMULATOR_HERE, LOG_INFO, "5163cfdfc4fa440d85eea6a2d565033c", "CARD_SERIAL DEVICE_NODE", "")               \
        X(STIMULATOR_GONE, LOG_NOTICE, "fe19d3678ae0426c82dc0c9858b4c303", "CARD_SERIAL DEVICE_NODE", "SESSION")      \
        X(STIMULATOR_UNUSABLE, LOG_ERR, "799e82e4fa364b02bad294bfd2e9f8c9", "DEVICE_NODE ERRNO", "CARD_SERIAL")       \
        X(STIMULATOR_FAULT, LOG_ERR, "d86756eea36e43659ef6fb2611a2a2bf", "CARD_SERIAL DEVICE_NODE REASON", "SESSION") \
        X(STIMULATOR_FAULT_CLEARED, LOG_NOTICE, "e6d20a8af9a645ab867cdb3ae67a28bf", "CARD_SERIAL DEVICE_NODE",        \
          "SESSION")                                                                                                  \
        X(STIMULATOR_NOT_STOPPED, LOG_CRIT, "059c32351fd340d18852a886d35b7248", "CARD_SERIAL DEVICE_NODE ERRNO",      \
          "SESSION")                                                                                                  \
        X(INTERLOCK_OPENED, LOG_NOTICE, "8cebfb63f4f14af1b31fc097ec567f39", "CARD_SERIAL DEVICE_NODE INTERLOCKS",     \
          "SESSION")                                                                                                  \
        X(ODOMETER_DIFFERS, LOG_WARNING, "17e68a412d94415abb2f142cb041c471",                                          \
          "CARD_SERIAL DEVICE_NODE ODOMETER_EXPECTED ODOMETER_FOUND", "SESSION")                                      \
        X(AUDIT_FAILED, LOG_ERR, "500dd3988cc34c0487215dfd469ee3f4", "", "ERRNO")                                     \
        X(AUDIT_DISK_FULL, LOG_WARNING, "03bc8700e8dc4294b953421201c97257", "", "")                                   \
        X(AUDIT_DISK_HAS_ROOM, LOG_NOTICE, "32f534132226437dae0c335304a73b4c", "", "")                                \
        X(AUDIT_CUT, LOG_WARNING, "e0c4283e96d64975b54e428b551f245c", "CUT_BYTES", "")                                \
        X(AUDIT_SEALED, LOG_INFO, "08ebd43ede9a4bb3be554a08d03dc3e1", "SEAL_SEQ SEAL_HASH", "")                       \
        X(INDEX_THROWN_AWAY, LOG_NOTICE, "f06c81aa469e4001a07028907849579f", "", "")                                  \
        X(INDEX_UNUSABLE, LOG_WARNING, "202417613adc4473ad4ad6ed39f953e2", "", "ERRNO")                               \
        X(INDEX_USABLE, LOG_NOTICE, "0fb32f1407ee452290085310b39087c4", "", "")                                       \
        X(SIGNING_KEY_KEPT, LOG_WARNING, "176de76357c744a6bf05109f0f8f108a", "KEY_NUMBER ERRNO", "")                  \
        X(CLOCK_NOT_SANE, LOG_WARNING, "e95006a5fbc948d892b4ae8d5d8ee5ef", "SESSION METHOD REASON", "")               \
        X(INHIBITOR_MISSING, LOG_WARNING, "4801e60d96a546188ee5d484f5cde75e", "", "")                                 \
        X(CALL_NOT_AUTHORIZED, LOG_NOTICE, "4bfeadf1c6cd46aea7a96d23d75b4fe1",                                        \
          "METHOD POLKIT_ACTION POLKIT_ANSWER CALLER_UID", "")                                                        \
        X(POLKIT_SILENT, LOG_WARNING, "143defbbaceb4743a18a3ff7a2f73a39", "", "")                                     \
        X(CALLER_ASKS_TOO_MUCH, LOG_NOTICE, "a1fc93d0e40f497a818d9da0fe2efa4f", "CALLER_UID", "")

#define EVENT_ENUMERATOR(event, priority, id, always, sometimes) EVENT_##event,
enum event { FOR_EACH_EVENT(EVENT_ENUMERATOR) EVENTS };

extern const struct event_words {
        const char *name, *id, *always, *sometimes;
        int priority;
} journal_events[EVENTS];

#endif
