# SPDX-License-Identifier: GPL-2.0-or-later
# tmsd and tmsctl, and what the system needs to know of them: D-Bus, polkit, systemd, udev.

TMSCTL_SRC := $(sort $(wildcard daemon/tmsctl/*.c))
# A floor's files may include what lies in its own folder and below: base is the lowest.
DAEMON_FLOORS := base course record call gates treat bus
DAEMON_SEES_base   := -Idaemon/base
DAEMON_SEES_course := -Idaemon/course $(DAEMON_SEES_base)
DAEMON_SEES_record := -Idaemon/record $(DAEMON_SEES_course)
DAEMON_SEES_call   := -Idaemon/call $(DAEMON_SEES_record)
DAEMON_SEES_gates  := -Idaemon/gates $(DAEMON_SEES_call)
DAEMON_SEES_treat  := -Idaemon/treat $(DAEMON_SEES_gates)
DAEMON_SEES_bus    := -Idaemon/bus $(DAEMON_SEES_treat)
DAEMON_SEES_daemon := $(DAEMON_SEES_bus)
# Of the daemon's files tmsctl includes util.h (and with it log.h and journal.h), names.h and errors.h alone.
DAEMON_SEES_tmsctl := $(DAEMON_SEES_base)

TMSD_SRC   := $(sort $(wildcard daemon/*.c)) \
	$(sort $(wildcard $(DAEMON_FLOORS:%=daemon/%/*.c)))
TMSD_OBJ   := $(patsubst daemon/%.c,$(B)/daemon/%.o,$(TMSD_SRC))
TMSCTL_OBJ := $(patsubst daemon/%.c,$(B)/daemon/%.o,$(TMSCTL_SRC))
SQLITE_CFLAGS := $(shell pkg-config --cflags sqlite3 2>/dev/null)
SQLITE_LIBS   := $(or $(shell pkg-config --libs sqlite3 2>/dev/null),-lsqlite3)
TMSD_LIBS   := -lsystemd -ludev -ljansson -lcrypto $(SQLITE_LIBS) -lpthread
TMSCTL_LIBS := -lsystemd -ljansson -lm
DAEMON_LDFLAGS := -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
# The programs in $(B) find the library beside them; the installed ones, linked again, where the system keeps it.
IN_TREE := -Wl,-rpath,'$$ORIGIN'
LINKED  := $(B)/installed

# Not intermediate files to be removed again.
.PRECIOUS: $(LINKED)/

ALL_TARGETS     += $(B)/tmsd $(if $(TMSCTL_SRC),$(B)/tmsctl)
INSTALL_TARGETS += install-daemon

$(B)/daemon/%.o: daemon/%.c | $(B)/needs
	@mkdir -p $(@D)
	$(CC) $(DAEMON_SEES_$(notdir $(@D))) $(CPPFLAGS) $(SQLITE_CFLAGS) $(CFLAGS) -fPIE -c -o $@ $<

$(B)/tmsd: $(TMSD_OBJ) $(B)/libtms.so.0
	$(CC) $(CFLAGS) $(LDFLAGS) $(DAEMON_LDFLAGS) -pie $(IN_TREE) -o $@ $(TMSD_OBJ) $(B)/libtms.so.0 $(TMSD_LIBS)

$(B)/tmsctl: $(TMSCTL_OBJ) $(B)/libtms.so.0
	$(CC) $(CFLAGS) $(LDFLAGS) $(DAEMON_LDFLAGS) -pie $(IN_TREE) -o $@ $(TMSCTL_OBJ) $(B)/libtms.so.0 $(TMSCTL_LIBS)

$(LINKED)/tmsd: $(B)/tmsd | $(LINKED)/
	$(CC) $(CFLAGS) $(LDFLAGS) $(DAEMON_LDFLAGS) -pie -o $@ $(TMSD_OBJ) $(B)/libtms.so.0 $(TMSD_LIBS)

$(LINKED)/tmsctl: $(B)/tmsctl | $(LINKED)/
	$(CC) $(CFLAGS) $(LDFLAGS) $(DAEMON_LDFLAGS) -pie -o $@ $(TMSCTL_OBJ) $(B)/libtms.so.0 $(TMSCTL_LIBS)

.PHONY: install-daemon
install-daemon: $(LINKED)/tmsd $(if $(TMSCTL_SRC),$(LINKED)/tmsctl)
	$(INSTALL) -D -m 0755 $(LINKED)/tmsd $(DESTDIR)$(libexecdir)/tmsd
	$(if $(TMSCTL_SRC),$(INSTALL) -D -m 0755 $(LINKED)/tmsctl $(DESTDIR)$(bindir)/tmsctl)
	$(INSTALL) -D -m 0755 systemd/tmsd-live $(DESTDIR)$(libexecdir)/tmsd-live
	systemd/install-config daemon/tmsd.conf "$(DESTDIR)$(sysconfdir)/tmsd/tmsd.conf" "$(DESTDIR)$(datadir)/tmsd/tmsd.conf"
	$(INSTALL) -d $(DESTDIR)$(sysconfdir)/tmsd/protocols
	$(INSTALL) -D -m 0644 daemon/org.tmsd1.xml $(DESTDIR)$(datadir)/dbus-1/interfaces/org.tmsd1.xml
	$(INSTALL) -D -m 0644 daemon/org.tmsd1.conf $(DESTDIR)$(datadir)/dbus-1/system.d/org.tmsd1.conf
	$(INSTALL) -D -m 0644 daemon/org.tmsd1.service $(DESTDIR)$(datadir)/dbus-1/system-services/org.tmsd1.service
	$(INSTALL) -D -m 0644 daemon/org.tmsd1.policy $(DESTDIR)$(datadir)/polkit-1/actions/org.tmsd1.policy
	$(INSTALL) -D -m 0644 daemon/60-tmsd.rules $(DESTDIR)$(datadir)/polkit-1/rules.d/60-tmsd.rules
	$(INSTALL) -d $(DESTDIR)$(unitdir)
	sed 's|/usr/libexec|$(libexecdir)|' systemd/tmsd.service > $(DESTDIR)$(unitdir)/tmsd.service
	chmod 0644 $(DESTDIR)$(unitdir)/tmsd.service
	$(INSTALL) -D -m 0644 systemd/tmsd.sysusers $(DESTDIR)$(sysusersdir)/tmsd.conf
	$(INSTALL) -D -m 0644 systemd/tmsd.tmpfiles $(DESTDIR)$(tmpfilesdir)/tmsd.conf
	$(INSTALL) -D -m 0644 systemd/tmsd.modules $(DESTDIR)$(prefix)/lib/modules-load.d/tmsd.conf
	$(INSTALL) -D -m 0644 systemd/tmsd.catalog $(DESTDIR)$(catalogdir)/tmsd.catalog
	$(INSTALL) -D -m 0644 udev/60-tms.rules $(DESTDIR)$(udevdir)/60-tms.rules
	$(INSTALL) -D -m 0644 udev/org.tmsd1.tmsd.metainfo.xml $(DESTDIR)$(datadir)/metainfo/org.tmsd1.tmsd.metainfo.xml
	$(INSTALL) -D -m 0644 daemon/tmsd.8 $(DESTDIR)$(mandir)/man8/tmsd.8
	ln -sf tmsd.8 $(DESTDIR)$(mandir)/man8/tmsd-live.8
	if [ -e daemon/tmsctl.1 ]; then $(INSTALL) -D -m 0644 daemon/tmsctl.1 $(DESTDIR)$(mandir)/man1/tmsctl.1; fi
	for c in daemon/tmsctl.bash daemon/tmsctl.bash-completion daemon/completions/tmsctl; do \
		if [ -e $$c ]; then $(INSTALL) -D -m 0644 $$c $(DESTDIR)$(datadir)/bash-completion/completions/tmsctl; fi; done

-include $(wildcard $(B)/daemon/*.d $(B)/daemon/*/*.d)
