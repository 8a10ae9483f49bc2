/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a session ends, in words; see endings.h. */
#include "endings.h"
#include "base/go-on.h"

const struct ending_words endings[ENDINGS] = {
                [ENDING_STOPPED] = {"stopped", "It was stopped on request. When all may go on, " GO_ON "."},
                [ENDING_SEIZURE] = {"seizure", "A seizure was reported for the subject. Look after the subject; when a "
                                               "prescriber has taken the lock off, " GO_ON "."},
                [ENDING_CLOSED] = {"closed", "Its owner closed the session. To go on, " GO_ON "."},
                /*
                 * These reasons pause a session that has started. They end it before that, or if it cannot be paused;
                 * the two of an owner who does not answer only then.
                 */
                [ENDING_OWNER_LEFT] = {"owner_left",
                                       "The program that owned the session left the bus. Take the session (tmsctl "
                                       "take) and resume; if it has ended, begin it anew, or " GO_ON "."},
                [ENDING_OWNER_UNSEEN] = {"owner_left",
                                         "The bus does not tell whether the program that owned the session is still "
                                         "there. See journalctl -u dbus, then take the session (tmsctl take) and "
                                         "resume; if it has ended, begin it anew, or " GO_ON "."},
                [ENDING_OWNER_FROZEN] = {"owner_frozen",
                                         "The program that owns the session does not answer: it is frozen or "
                                         "suspended. Let it go on (fg) and resume; if the session has ended, " GO_ON
                                         "."},
                [ENDING_OWNER_REFUSED] = {"owner_frozen",
                                          "The bus does not let the program that owns the session be asked whether it "
                                          "is alive. See journalctl -u dbus, then resume; if the session has "
                                          "ended, " GO_ON "."},
                [ENDING_OWNER_NOT_ASKED] = {"owner_frozen",
                                            "The program that owns the session cannot be asked whether it is alive. "
                                            "End other programs, then resume; if the session has ended, " GO_ON "."},
                [ENDING_ABANDONED] = {"abandoned",
                                      "Its owner was away, and nobody took the session (tmsctl take) in time. To go "
                                      "on, " GO_ON "."},
                [ENDING_GONE] = {"gone",
                                 "The stimulator was unplugged. Put it back, or take another one, and " GO_ON "."},
                [ENDING_SHUTDOWN] = {"shutdown",
                                     "The daemon was told to stop. Start it again (systemctl start tmsd), then " GO_ON
                                     "."},
                [ENDING_SWITCHED_OFF] = {"shutdown", "The computer is being switched off or started anew. When it is "
                                                     "on again, " GO_ON "."},
                [ENDING_ANEW] = {"shutdown", "The daemon is started anew. Wait a moment, then " GO_ON "."},
                [ENDING_BUS_LOST] = {"bus_lost",
                                     "The system bus is gone, and with it everybody who could stop the session. See "
                                     "systemctl status dbus tmsd, and when both are back " GO_ON "."},
                [ENDING_NO_NAME] = {"failed", "Another program has the daemon's name on the bus. End it (busctl status "
                                              "org.tmsd1), then: systemctl restart tmsd."},
                [ENDING_NOT_PUBLISHED] = {"failed", "The session could not be put on the bus. Begin a new one."},
                [ENDING_STALLED] = {"audit_stalled",
                                    "The disk did not take the records of the last pulses in time. See what is wrong "
                                    "with it (journalctl -k), then " GO_ON "."},
                [ENDING_NO_MEMORY] = {"audit_failed",
                                      "The audit log did not take the session's end: no memory. End other programs, "
                                      "then " GO_ON "."},
};
