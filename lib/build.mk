# SPDX-License-Identifier: GPL-2.0-or-later
# libtms: shared, static, pkg-config, header, protocol files, the manual pages, the second verifier of audit logs.

# The rooms, and of which others each may see the headers; tests/arrows/order says the same of what is linked.
LIB_ROOMS := base device protocol dose policy threshold audit
LIB_SEES_device    := base
LIB_SEES_protocol  := base
LIB_SEES_dose      := protocol base
LIB_SEES_policy    := dose protocol base
LIB_SEES_threshold := base
LIB_SEES_audit     := base

LIB_SRC  := $(sort $(wildcard $(LIB_ROOMS:%=lib/%/*.c)))
# The verifier is the kernel's own.
LIB_VERIFIER := $(addprefix kernel/pure/,timeline.c history.c bounds.c)
LIB_OBJ  := $(patsubst lib/%.c,$(B)/lib/%.o,$(LIB_SRC)) $(patsubst kernel/%.c,$(B)/lib/%.o,$(LIB_VERIFIER))
# The reader of audit logs with all that it needs of the library.
LIB_AUDIT_SRC := $(filter lib/audit/%,$(LIB_SRC)) lib/base/error.c lib/base/codepoint.c
LIB_LIBS := -lyaml -lcrypto -ludev -lm
PROTOCOLS := $(sort $(wildcard lib/protocols/*.yaml))
EXAMPLES  := $(sort $(wildcard lib/examples/*.yaml))

ALL_TARGETS     += $(B)/libtms.so.0 $(B)/libtms.a $(B)/libtms.pc $(B)/tms-audit.5
INSTALL_TARGETS += install-lib

LIB_CPPFLAGS = $(CPPFLAGS) $(foreach r,$(notdir $(@D)) $(LIB_SEES_$(notdir $(@D))),-Ilib/$r) -I$(B)/lib
# For tests, which look into all rooms.
LIB_INSIDE   := $(LIB_ROOMS:%=-Ilib/%) -I$(B)/lib

# The allow-list of shipped files, by the hash of their bytes.
$(B)/lib/shipped.h: $(PROTOCOLS) lib/build.mk | $(B)/lib/
	@{ echo '/* The allow-list of shipped protocols, made from lib/protocols/. */'; \
	   echo 'static const struct {'; echo '        const char *sha256, *id;'; echo '} shipped[] = {'; \
	   sha256sum $(PROTOCOLS) | sed -E 's|^([0-9a-f]{64})  .*/([^/]*)\.yaml$$|        { "\1", "\2" },|'; \
	   echo '};'; } > $@

$(B)/lib/policy/allow-list.o: $(B)/lib/shipped.h

$(B)/lib/%.o: lib/%.c | $(B)/needs
	@mkdir -p $(@D)
	$(CC) $(LIB_CPPFLAGS) $(CFLAGS) -fPIC -c -o $@ $<

$(B)/lib/pure/%.o: kernel/pure/%.c | $(B)/lib/pure/ $(B)/needs
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -c -o $@ $<

$(B)/libtms.so.0: $(LIB_OBJ) lib/libtms.sym
	$(CC) -shared -Wl,-soname,libtms.so.0 -Wl,--version-script=lib/libtms.sym -Wl,-z,defs -Wl,-z,relro -Wl,-z,now \
		$(CFLAGS) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LIB_LIBS)
	ln -sf libtms.so.0 $(B)/libtms.so

$(B)/libtms.a: $(LIB_OBJ)
	rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

$(B)/libtms.pc: lib/libtms.pc.in | $(B)/
	sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|' $< > $@

# The manual page is made of AUDIT.md, so that there is one text to change.
$(B)/tms-audit.5: lib/AUDIT.md lib/manual.awk lib/build.mk | $(B)/
	awk -v version=$(VERSION) -f lib/manual.awk lib/AUDIT.md >$@

.PHONY: install-lib
install-lib: $(B)/libtms.so.0 $(B)/libtms.a $(B)/libtms.pc $(B)/tms-audit.5
	$(INSTALL) -D -m 0755 $(B)/libtms.so.0 $(DESTDIR)$(libdir)/libtms.so.0
	ln -sf libtms.so.0 $(DESTDIR)$(libdir)/libtms.so
	$(INSTALL) -D -m 0644 $(B)/libtms.a $(DESTDIR)$(libdir)/libtms.a
	$(INSTALL) -D -m 0644 $(B)/libtms.pc $(DESTDIR)$(libdir)/pkgconfig/libtms.pc
	$(INSTALL) -D -m 0644 lib/tms.h $(DESTDIR)$(includedir)/tms.h
	$(INSTALL) -D -m 0644 kernel/uapi/linux/tms.h $(DESTDIR)$(includedir)/linux/tms.h
	$(INSTALL) -D -m 0644 lib/tms-protocol.5 $(DESTDIR)$(mandir)/man5/tms-protocol.5
	$(INSTALL) -D -m 0644 kernel/tms.4 $(DESTDIR)$(mandir)/man4/tms.4
	$(INSTALL) -D -m 0644 $(B)/tms-audit.5 $(DESTDIR)$(mandir)/man5/tms-audit.5
	$(INSTALL) -D -m 0644 lib/AUDIT.md $(DESTDIR)$(datadir)/doc/tmsd/AUDIT.md
	$(INSTALL) -D -m 0755 lib/verify_log.py $(DESTDIR)$(datadir)/tmsd/verify_log.py
	$(INSTALL) -d $(DESTDIR)$(datadir)/tmsd/protocols
	$(INSTALL) -m 0644 $(PROTOCOLS) $(DESTDIR)$(datadir)/tmsd/protocols
	$(INSTALL) -d $(DESTDIR)$(datadir)/doc/tmsd/examples
	$(INSTALL) -m 0644 $(EXAMPLES) $(DESTDIR)$(datadir)/doc/tmsd/examples

-include $(wildcard $(B)/lib/*.d $(B)/lib/*/*.d)
