#!/bin/sh
# Gives transparent huge pages only to programs that ask for them (QEMU does, for the memory of guests), and lets
# khugepaged collapse pages at a rate that fits the memory of the node.
#
# The node's own tools are all it needs: a POSIX shell and awk.
set -eu
export LC_ALL=C

# For tests: where the node's files are.
root=${KUBEVIRT_NODE_ROOT:-}

pages_to_scan=130000
# A huge page is 512 pages of 4 KiB.
regions_to_scan=$((pages_to_scan / 512))
thp=$root/sys/kernel/mm/transparent_hugepage

main() {
  gib=$(memory_total_gib) || fail "could not read MemTotal from $root/proc/meminfo"
  sleep_ms=$(sleep_milliseconds "$gib")

  set_knob enabled madvise
  set_knob khugepaged/pages_to_scan "$pages_to_scan"
  set_knob khugepaged/scan_sleep_millisecs "$sleep_ms"

  echo "node of $gib GiB: $pages_to_scan pages every $sleep_ms ms," \
    "$((regions_to_scan * 1000 / sleep_ms)) regions of 2 MiB per second"
}

memory_total_gib() {
  awk '$1 == "MemTotal:" && $2 + 0 > 0 { printf "%d\n", $2 / 1048576; found = 1; exit } END { exit !found }' \
    "$root/proc/meminfo"
}

# A small node has little to collapse, and can take its time; $1 is the node's GiB.
sleep_milliseconds() {
  size=$1
  [ "$size" -ge 1 ] || size=1
  echo $((1000 + 64000 / size))
}

# Writes $2 to the file $1. What doesn't exist or can't be written is reported, and the rest goes on.
set_knob() {
  if [ ! -e "$thp/$1" ]; then
    warn "there is no $thp/$1; skipped"
  elif ! { printf '%s\n' "$2" >"$thp/$1"; } 2>/dev/null; then
    warn "could not write $2 to $thp/$1"
  fi
}

warn() {
  echo "warning: $*" >&2
}

fail() {
  echo "error: $*" >&2
  exit 1
}

main
