#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# man_page.sh PROGRAM PAGE OUT.gz: what PROGRAM says of an option stands in the man page, too. Where PAGE, which is
# mdoc(7), has
#     .It --protect
# OUT has the option's names, its value and the sentence of --help; what follows in PAGE says more. Fails where an option
# of --help, of verbs as well, is not in the page, or is told there and does not exist, and where EXIT STATUS lists other
# codes than --help.
set -eu
program=$1 page=$2 out=$3

helps() {
  "$program" --help
  for verb in $("$program" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'); do "$program" "$verb" --help; done
}

fill() {
  awk -v page="${page##*/}" '
    function wrong(what) { printf "%s: %s\n", page, what >"/dev/stderr"; failed = 1 }
    function roff(text) { gsub(/\\/, "\\e", text); gsub(/--/, "\\-\\-", text); return text }
    function fl(names) { gsub(/,-/, " , Fl ", names); return "Fl " substr(names, 2) }
    function item(option,   text) {
      told[option] = 1
      if (!(option in tag)) return wrong(option ": no such option in --help")
      text = roff(sentence[option])
      print ".It " tag[option]
      print "\\&" toupper(substr(text, 1, 1)) substr(text, 2) "."
    }

    # --help: "  -n,--dry-run PLACEHOLDER   a sentence"
    FNR == NR && /^  -/ && match($0, /[^ ]  +/) {
      left = substr($0, 3, RSTART - 2)
      names = value = left
      sub(/ .*/, "", names)
      sub(/^[^ ]* ?/, "", value)
      option = names
      sub(/.*,/, "", option)
      sentence[option] = substr($0, RSTART + RLENGTH)
      tag[option] = fl(names) (value == "" ? "" : " Ar " tolower(value))
    }
    FNR == NR && sub(/^Exit status: /, "") && codes == "" { gsub(/[a-z ]/, ""); codes = $0 }
    FNR == NR { next }

    /^\.Sh / { in_exits = $0 ~ /EXIT STATUS/ }
    in_exits && /^\.It / { listed = listed "," substr($0, 5) }
    /^\.It -/ { item($2); next }
    { print }

    END {
      for (option in tag) if (!(option in told)) wrong(option " is not told: it wants a line \".It " option "\"")
      gsub(/ /, "", listed)
      if (substr(listed, 2) != codes) wrong("EXIT STATUS lists " substr(listed, 2) ", and --help " codes)
      exit failed
    }' "$helps" "$page"
}

helps=$(mktemp)
trap 'rm -f "$helps"' EXIT
helps >"$helps"
fill >"${out%.gz}"
gzip -9nf "${out%.gz}"
