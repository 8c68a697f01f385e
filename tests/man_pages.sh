#!/bin/sh
# Makes the man page of each program, and breaks it: what --help and a page do not both tell has to be noticed.
#     man_pages.sh SOURCE BIN PROGRAM...
cd "$1" || exit 1
bin=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

fail() { echo "$*"; status=1; }

is_made() { packaging/man_page.sh "$bin/$1" "$2" "$scratch/out.8.gz" 2>"$scratch/why"; }

# notices PROGRAM WHAT SED-SCRIPT
notices() {
  sed "$3" "docs/man/$1.8" >"$scratch/$1.8"
  is_made "$1" "$scratch/$1.8" && fail "$1.8: $2 was not noticed"
}

for program; do
  is_made "$program" "docs/man/$program.8" || fail "$(cat "$scratch/why")"
  zcat "$scratch/out.8.gz" | grep -q '^\.It -' && fail "$program.8: an option was not filled in"
  notices "$program" 'an option that is not told' '/^\.It --help/d'
  notices "$program" 'an option that does not exist' 's/^\.It --help/.It --nonsense\n&/'
  notices "$program" 'an exit code that does not exist' 's/^\.It 2/.It 77\n&/'
done
exit $status
