# SPDX-License-Identifier: LGPL-2.1-or-later
# manual.awk: the manual page tms-audit(5) out of AUDIT.md, which is the one source of both. It knows what that file uses of
# Markdown: headings, paragraphs, lists, blocks that are indented by four, tables, `code`, *emphasis* and [links](to).
# Tables become lists, as most of their cells are longer than a line of a terminal.
# awk -v version=VERSION -f manual.awk AUDIT.md

# Letters that roff would take for its own.
function plain(s, code,    i, c, out) {
	out = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\")
			c = "\\e"
		else if (c == "-")
			c = "\\-"
		else if (code && c == "\t")
			c = " "
		else if (code && c == ",")
			c = ",\\:"
		else if (code && c == "^")
			c = "\\(ha"
		else if (code && c == "'")
			c = "\\(aq"
		out = out c
	}
	return out
}

function inline(s,    at, end, out, c, italic) {
	out = ""
	italic = 0
	for (at = 1; at <= length(s); at++) {
		c = substr(s, at, 1)
		if (c == "`" && (end = index(substr(s, at + 1), "`")) > 0) {
			out = out "\\fB" plain(substr(s, at + 1, end - 1), 1) (italic ? "\\fI" : "\\fR")
			at += end
		} else if (c == "[" && match(substr(s, at), /^\[[^\]]*\]\([^)]*\)/)) {
			end = RLENGTH
			c = substr(s, at + 1, end - 2)
			sub(/\]\(.*/, "", c)
			out = out inline(c)
			at += end - 1
		} else if (c == "*" && (italic || substr(s, at + 1, 1) ~ /[A-Za-z]/)) {
			italic = !italic
			out = out (italic ? "\\fI" : "\\fR")
		} else
			out = out plain(c, 0)
	}
	return out
}

# A line of text must not begin with what roff takes for a request.
function say(s) {
	s = inline(s)
	print (s ~ /^[.']/ ? "\\&" : "") s
}

function flush() {
	if (text != "")
		say(text)
	text = ""
}

function begin(what) {
	if (mode == what)
		return
	if (mode == "code")
		print ".EE\n.RE"
	if (mode == "table" && grouped)
		print ".RE"
	if (what == "code")
		print ".PP\n.RS 4\n.EX"
	mode = what
}

function trim(s) {
	sub(/^[ \t]+/, "", s)
	sub(/[ \t]+$/, "", s)
	return s
}

function row(line,    n, i, cell) {
	sub(/^\|/, "", line)
	sub(/\|$/, "", line)
	n = split(line, cell, /\|/)
	for (i = 1; i <= n; i++)
		cell[i] = trim(cell[i])
	if (mode != "table") {
		begin("table")
		grouped = 0
		for (i = 1; i <= n; i++)
			head[i] = cell[i]
		if (head[1] ~ /`/) {
			print ".PP"
			say(toupper(substr(head[1], 1, 1)) substr(head[1], 2) ":")
		}
		return
	}
	if (cell[1] ~ /^-+$/)
		return
	# A table of fields: what the first column has is a type, over the rows of its fields.
	if (n == 4) {
		if (cell[1] != "") {
			if (grouped)
				print ".RE"
			print ".PP"
			say(cell[1])
			print ".RS 4"
			grouped = 1
		}
		print ".TP"
		say(cell[2])
		say(cell[3] (cell[4] == "" ? "" : "; " cell[4]))
		return
	}
	print ".TP"
	say(cell[1])
	say(cell[2])
	if (n == 3) {
		print ".br"
		say(toupper(substr(head[3], 1, 1)) substr(head[3], 2) ": " cell[3] ".")
	}
}

BEGIN {
	print ".\\\" Made by lib/manual.awk of lib/AUDIT.md: change that file."
	# Names are not to be broken. What groff is told by its register it keeps over a heading.
	print ".nr HY 0"
	print ".TH TMS-AUDIT 5 \"\" \"tmsd " version "\" \"File Formats\""
	print ".nh\n.ad l"
	print ".SH NAME\ntms-audit \\- the audit log of tmsd: its format, and how to verify it\n.SH DESCRIPTION"
}

/^<!--/ || /^# / {
	next
}

/^## / {
	flush()
	begin("")
	print ".SH " inline(toupper(substr($0, 4)))
	next
}

/^ *\|/ {
	flush()
	row(trim($0))
	next
}

/^[ \t]*$/ {
	flush()
	if (mode != "code")
		begin("")
	paragraph = 1
	next
}

/^    / && (mode == "code" || paragraph) {
	flush()
	begin("code")
	print (substr($0, 5) ~ /^[.']/ ? "\\&" : "") plain(substr($0, 5), 1)
	next
}

/^- / || /^[0-9]+\. / {
	flush()
	begin("list")
	print ".TP 4"
	print (/^-/ ? "\\(bu" : substr($0, 1, index($0, " ") - 1))
	text = substr($0, index($0, " ") + 1)
	paragraph = 0
	next
}

{
	if (text == "" && mode != "list") {
		begin("text")
		print ".PP"
	} else if (text == "")
		print ".IP \"\" 4"
	text = text (text == "" ? "" : " ") trim($0)
	paragraph = 0
}

END {
	flush()
	begin("")
	print ".SH SEE ALSO\n.BR tmsctl (1),\n.BR tmsd (8),\n.IR /usr/share/tmsd/verify_log.py ,"
	print "a second verifier, written from this page alone"
}
