#!/bin/sh
# Keeps system services responsive while pods swap: gives system.slice a tighter I/O latency target than kubepods.slice
# on the disks that hold swap and the root file system. Disks have other names on every node, hence at boot, and in
# /run, so that nothing outlives it.
set -eu
export LC_ALL=C

# For tests: where the node's files are.
root=${KUBEVIRT_NODE_ROOT:-}

system_target=5ms
kubepods_target=50ms
reload_timeout_seconds=30

main() {
  disks=$({ swap_devices; root_device; } | block_names | whole_disks | sort -u)
  if [ -z "$disks" ]; then
    warn "no disk found below swap or the root file system; no I/O latency target set"
    return
  fi

  write_drop_in system.slice "$system_target"
  write_drop_in kubepods.slice "$kubepods_target"
  timeout "$reload_timeout_seconds" systemctl daemon-reload ||
    fail "systemctl daemon-reload failed, or took longer than $reload_timeout_seconds s"
}

# Paths of the devices that are swapped to. Swap files lie on a file system, and zram is memory.
swap_devices() {
  awk 'NR > 1 && $2 == "partition" && $1 !~ /\/zram[^\/]*$/ { print $1 }' "$root/proc/swaps"
}

# With composefs the root isn't on a device of its own, and what it is made of is on the one at /sysroot.
root_device() {
  awk '$2 == "/" && top == "" { top = $1 }
    $2 == "/sysroot" && below == "" { below = $1 }
    END { print (top ~ /^\/dev\//) ? top : below }' "$root/proc/mounts"
}

# From device paths to names in /sys/class/block, where a slash is an exclamation mark (cciss!c0d0).
block_names() {
  while read -r path; do
    resolved=$(readlink -f "$root$path") || continue
    case $resolved in
      "$root/dev/"*) echo "${resolved#"$root/dev/"}" | tr / ! ;;
    esac
  done
}

# From names of block devices to the disks they lie on: through LVM, LUKS and RAID by their slaves, through a partition
# by its parent. A device that isn't known is left out.
whole_disks() {
  # shellcheck disable=SC2046 # names in /sys/class/block have neither blanks nor wildcards
  set -- $(cat)
  seen=' '
  while [ "$#" -gt 0 ]; do
    name=$1
    shift
    case $seen in *" $name "*) continue ;; esac
    seen="$seen$name "

    block=$root/sys/class/block/$name
    [ -e "$block" ] || continue
    leaf=true
    for slave in "$block"/slaves/*; do
      [ -e "$slave" ] || [ -L "$slave" ] || continue
      set -- "$@" "${slave##*/}"
      leaf=false
    done
    "$leaf" || continue

    if [ -e "$block/partition" ]; then
      parent=$(readlink -f "$block")
      parent=${parent%/*}
      set -- "$@" "${parent##*/}"
    else
      echo "$name" | tr ! /
    fi
  done
}

# A drop-in of slice $1 that gives every disk the latency target $2.
write_drop_in() {
  folder=$root/run/systemd/system/$1.d
  {
    mkdir -p "$folder" &&
      {
        echo '[Slice]'
        for disk in $disks; do echo "IODeviceLatencyTargetSec=/dev/$disk $2"; done
      } >"$folder/20-io-latency.conf"
  } || fail "could not write $folder/20-io-latency.conf"
  echo "$1: $2 on$(for disk in $disks; do printf ' /dev/%s' "$disk"; done)"
}

warn() {
  echo "warning: $*" >&2
}

fail() {
  echo "error: $*" >&2
  exit 1
}

main
