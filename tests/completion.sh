#!/bin/bash
# Presses TAB: what bash offers is what the programs take.
#     completion.sh SOURCE BIN PROGRAM...
cd "$1" || exit 1
PATH=$2:$PATH
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

for program; do
  ln -s "$PWD/packaging/completion/vunify" "$scratch/$program"
  # shellcheck source=packaging/completion/vunify
  . "$scratch/$program"
  [[ $(complete -p "$program") == *_vunify* ]] || { echo "$program: not completed"; status=1; }
done

# The guests of a host are others than those of this one.
vunify() {
  if [[ "$*" == "--list --json" ]]; then
    echo '{"guests":[{"name":"web1","root":"/vm/web1"},{"name": "web2"},{"name":"a b"},{"name":"x;y"}]}'
  else
    command vunify "$@"
  fi
}

offered() {  # offered WORD...: for the last one
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _vunify "$1"
  echo "${COMPREPLY[*]}"
}

expect() {  # expect OFFERED WORD...
  local wanted=$1 got
  shift
  got=$(offered "$@")
  [[ $got == "$wanted" ]] || { echo "$*: offers '$got', not '$wanted'"; status=1; }
}

# Each option of each --help, of verbs too, and no other.
for program; do
  for verb in '' $(_vunify_verbs "$program"); do
    # shellcheck disable=SC2086  # no verb is no word
    told=$("$program" $verb --help | grep -oE '^  -[^ ]+' | tr -d ' ' | tr , '\n' | sort)
    [[ -n $verb || -z $(_vunify_verbs "$program") ]] || told=$(printf '%s\n' --help --version)
    got=$(offered "$program" $verb - | tr ' ' '\n' | sort)
    [[ $got == "$told" ]] || { echo "$program $verb: offers $got"; status=1; }
  done
done

expect '--protect' vunify --prot
expect 'auto' vunify --protect = a
expect 'auto cow iunlink guard reflink immutable' vunify --protect =
expect 'json' vunify --progress j
expect 'package' vdu --by p
expect 'need' vdu --sort n
expect 'nspawn' vunify --provider n
for how in $(offered vunify --protect ''); do
  command vunify --protect "$how" --help >"$scratch/out" || status=1
done
for provider in $(offered vunify --provider ''); do
  command vunify --provider "$provider" --help >"$scratch/out" || status=1
done
for when in $(offered vunify --progress ''); do
  command vunify --progress "$when" --help >"$scratch/out" || status=1
done

mkdir "$scratch/tree" "$scratch/tree/guest"
touch "$scratch/tree/list"
expect "$scratch/tree/guest" vunify "$scratch/tree/"
expect "$scratch/tree/guest" vunify --state "$scratch/tree/"
expect "$scratch/tree/list" vunify --exclude-from "$scratch/tree/l"
expect "$scratch/tree/list" showattr "$scratch/tree/l"
expect "$scratch/tree/guest" vcow mount "$scratch/tree/"
expect '' vunify --jobs ''
expect 'web1 web2' vunify -R we
expect 'mount' vcow m
expect 'web1 web2' vcow adopt we
expect 'record' vplan r
expect 'report' vfleet r
expect 'load' vguard l
expect 'adopt' vcow ad
exit $status
