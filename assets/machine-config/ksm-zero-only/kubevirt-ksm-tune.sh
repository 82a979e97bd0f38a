#!/bin/sh
# Switches on kernel samepage merging for pages that hold only zeroes, and lets it scan faster the more memory the node
# has. Where the kernel can't be limited to such pages KSM is never switched on: it would compare what guests keep in
# their memory, and one guest could tell from the timing what is in another's.
#
# The node's own tools are all it needs: a POSIX shell and awk.
set -eu
export LC_ALL=C

# For tests: where the node's files are.
root=${KUBEVIRT_NODE_ROOT:-}

pages_to_scan=1000
longest_sleep_ms=50
shortest_sleep_ms=10
ksm=$root/sys/kernel/mm/ksm

main() {
  gib=$(memory_total_gib) || fail "could not read MemTotal from $root/proc/meminfo"
  sleep_ms=$(sleep_milliseconds "$gib")

  # The order counts: all is in place before the scan begins.
  set_knob redhat_only_zero_pages 1
  set_knob pages_to_scan "$pages_to_scan"
  set_knob sleep_millisecs "$sleep_ms"
  if is_zero_pages_only; then
    set_knob run 1
  else
    warn "KSM isn't switched on: this kernel can't be limited to pages that hold only zeroes"
  fi

  pages_per_second=$((pages_to_scan * 1000 / sleep_ms))
  echo "node of $gib GiB: $pages_to_scan pages every $sleep_ms ms," \
    "$pages_per_second pages/s ($((pages_per_second * 4096 / 1048576)) MiB/s)," \
    "KSM is $(describe_run)"
}

memory_total_gib() {
  awk '$1 == "MemTotal:" && $2 + 0 > 0 { printf "%d\n", $2 / 1048576; found = 1; exit } END { exit !found }' \
    "$root/proc/meminfo"
}

# Halves as memory doubles, so that a sweep takes as long, between the two limits; $1 is the node's GiB.
sleep_milliseconds() {
  size=$1
  [ "$size" -ge 1 ] || size=1
  sleep_ms=$((25600 / size))
  [ "$sleep_ms" -le "$longest_sleep_ms" ] || sleep_ms=$longest_sleep_ms
  [ "$sleep_ms" -ge "$shortest_sleep_ms" ] || sleep_ms=$shortest_sleep_ms
  echo "$sleep_ms"
}

# Writes $2 to the file $1 of KSM. What doesn't exist or can't be written is reported, and the rest goes on.
set_knob() {
  if [ ! -e "$ksm/$1" ]; then
    warn "there is no $ksm/$1; skipped"
  elif ! { printf '%s\n' "$2" >"$ksm/$1"; } 2>/dev/null; then
    warn "could not write $2 to $ksm/$1"
  fi
}

# Asks the kernel, rather than trust that what was written is in effect.
is_zero_pages_only() {
  [ "$(knob redhat_only_zero_pages)" = 1 ]
}

describe_run() {
  if [ "$(knob run)" != 1 ]; then
    echo off
  elif is_zero_pages_only; then
    echo 'on for pages that hold only zeroes'
  else
    echo 'on, for all pages, by somebody else'
  fi
}

# What the file $1 of KSM holds; nothing when it can't be read.
knob() {
  cat "$ksm/$1" 2>/dev/null || :
}

warn() {
  echo "warning: $*" >&2
}

fail() {
  echo "error: $*" >&2
  exit 1
}

main
