#!/bin/sh
# Raises the kernel's LOW watermark above kubelet's hard eviction threshold, so that the kernel reclaims and swaps in
# the background well before kubelet evicts. The order to keep: HIGH > LOW > eviction threshold > MIN.
#
# The node's own tools are all it needs: a POSIX shell and awk. Sizes are bytes in the shell's 64-bit integers, because
# awk's doubles lose units beyond 2^53.
set -eu
export LC_ALL=C

# Both are for tests: where the node's files are, and how long to wait for kubelet's configuration.
root=${KUBEVIRT_NODE_ROOT:-}
retry_delay_seconds=${KUBEVIRT_RETRY_DELAY_SECONDS:-10}

mebibyte=1048576
default_eviction=$((100 * mebibyte))
minimum_runway=$((256 * mebibyte))
smallest_factor=10
largest_factor=1000
attempts=5
scale_factor_file=$root/proc/sys/vm/watermark_scale_factor

main() {
  page_size=$(page_size_bytes)
  total=$(memory_total_bytes) || fail "could not read MemTotal from $root/proc/meminfo"
  eviction=$(eviction_threshold_bytes "$total")

  read_watermarks
  [ "$managed" -gt 0 ] || fail "no managed pages in $root/proc/zoneinfo, so there is nothing to scale watermarks by"
  say "before: $(watermarks), eviction threshold $(mib "$eviction")"
  if [ "$min" -ge "$eviction" ]; then
    warn "MIN ($(mib "$min")) isn't below the eviction threshold ($(mib "$eviction"));" \
      "direct reclaim will stall processes before kubelet can evict"
  fi

  runway=$((total / 100))
  [ "$runway" -ge "$minimum_runway" ] || runway=$minimum_runway
  target=$((eviction + runway))
  if [ "$low" -ge "$target" ]; then
    say "LOW ($(mib "$low")) is already at or above its target ($(mib "$target")); nothing to change"
    return
  fi

  factor=$(scale_factor)
  clamped=false
  if [ "$factor" -gt "$largest_factor" ]; then
    warn "a factor of $factor would be needed for LOW to reach $(mib "$target"); clamped to $largest_factor"
    factor=$largest_factor
    clamped=true
  elif [ "$factor" -lt "$smallest_factor" ]; then
    factor=$smallest_factor
  fi
  { printf '%s\n' "$factor" >"$scale_factor_file"; } 2>/dev/null ||
    fail "could not write $factor to $scale_factor_file; this needs root"
  say "watermark_scale_factor is $factor, for LOW to reach $(mib "$target")"

  read_watermarks
  say "after: $(watermarks)"
  judge
}

# Whether the watermarks, read again, keep the order.
judge() {
  [ "$low" -gt "$eviction" ] ||
    fail "LOW ($(mib "$low")) isn't above the eviction threshold ($(mib "$eviction"))"
  gap=$((low - eviction))
  # One step of the factor is a ten-thousandth of the managed memory: less than a step short is rounding.
  if "$clamped" && [ "$low" -lt "$target" ]; then
    warn "the runway is only $(mib "$gap") instead of $(mib "$runway"), because the factor is clamped"
  elif [ "$low" -lt $((target - managed / 5000)) ]; then
    warn "the runway is only $(mib "$gap") instead of $(mib "$runway"), although the factor is $factor"
  fi
  say "gap between LOW and the eviction threshold: $(mib "$gap")"
}

# The factor, in ten-thousandths of the managed memory, that puts LOW at its target, rounded down.
scale_factor() {
  distance=$((target - min))
  # Beyond the managed memory any factor is too large, and the product might not fit.
  if [ "$distance" -ge "$managed" ]; then
    echo 10000
  else
    echo $((distance * 10000 / managed))
  fi
}

page_size_bytes() {
  size=$(getconf PAGESIZE 2>/dev/null) || size=
  case $size in
    '' | *[!0-9]*) echo 4096 ;;
    *) echo "$size" ;;
  esac
}

memory_total_bytes() {
  awk '$1 == "MemTotal:" && $2 + 0 > 0 { printf "%.0f\n", $2 * 1024; found = 1; exit } END { exit !found }' \
    "$root/proc/meminfo"
}

# Sets min, low, high and managed: the sums over all zones, in bytes.
read_watermarks() {
  # Per-CPU page sets have a "high:" of their own; with its colon it is another word.
  pages=$(
    awk 'NF == 2 && /^ *(min|low|high|managed) / { pages[$1] += $2 }
      END { printf "%.0f %.0f %.0f %.0f\n", pages["min"], pages["low"], pages["high"], pages["managed"] }' \
      "$root/proc/zoneinfo"
  ) || fail "could not read $root/proc/zoneinfo"
  # shellcheck disable=SC2086 # four numbers, meant to be split
  set -- $pages
  min=$(($1 * page_size))
  low=$(($2 * page_size))
  high=$(($3 * page_size))
  managed=$(($4 * page_size))
}

# evictionHard["memory.available"] in bytes; $1 is MemTotal.
eviction_threshold_bytes() {
  attempt=1
  until config=$(kubelet_config); do
    [ "$attempt" -lt "$attempts" ] || fail "no kubelet configuration found in $attempts attempts"
    say "no kubelet configuration yet (attempt $attempt of $attempts)" >&2
    sleep "$retry_delay_seconds"
    attempt=$((attempt + 1))
  done

  if ! text=$(cat "$config" 2>/dev/null); then
    warn "could not read $config; assuming an eviction threshold of $(mib "$default_eviction")"
    echo "$default_eviction"
    return
  fi
  quantity=$(printf '%s\n' "$text" | eviction_quantity)
  if [ -z "$quantity" ]; then
    say "$config sets no evictionHard[\"memory.available\"]; assuming $(mib "$default_eviction")" >&2
    echo "$default_eviction"
    return
  fi
  quantity=${quantity#=}
  printf '%s\n' "$quantity" | quantity_bytes "$1" ||
    fail "evictionHard[\"memory.available\"] in $config isn't a quantity or a percentage: $quantity"
}

kubelet_config() {
  for file in /var/lib/kubelet/config.json /var/lib/kubelet/config.yaml /etc/kubernetes/kubelet.conf; do
    if [ -e "$root$file" ]; then
      echo "$root$file"
      return
    fi
  done
  return 1
}

# Reads a kubelet configuration, JSON or YAML, and prints "=" and evictionHard["memory.available"], or nothing when it
# isn't set. What is in the file decides, not its name: kubelet.conf may be either.
eviction_quantity() {
  awk '
    { sub(/\r$/, ""); lines[NR] = $0; text = text $0 "\n" }

    END {
      if (text ~ /^[ \t\n]*\{/) print_flow(text, "evictionHard" SUBSEP "memory.available")
      else print_block()
    }

    # A mapping in braces, as in JSON: prints the value at the path of keys, joined by SUBSEP.
    function print_flow(text, path,   i, c, quote, token, depth, keys, has_key) {
      apostrophe = sprintf("%c", 39)
      for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (quote != "") {
          if (c == quote) quote = ""
          else if (c == "\\" && quote == "\"") token = token substr(text, ++i, 1)
          else token = token c
        } else if (c == "\"" || c == apostrophe) {
          quote = c
        } else if (c == "#" && substr(text, i - 1, 1) ~ /[ \t\n]/) {
          while (i < length(text) && substr(text, i + 1, 1) != "\n") i++
        } else if (c == "{" || c == "[") {
          has_key[++depth] = 0
          keys[depth] = ""
          token = ""
        } else if (c == ":" && !has_key[depth]) {
          keys[depth] = trim(token)
          has_key[depth] = 1
          token = ""
        } else if (c == "," || c == "}" || c == "]") {
          if (has_key[depth] && path_of(keys, depth) == path) {
            print "=" trim(token)
            return
          }
          has_key[depth] = 0
          token = ""
          if (c != "," && --depth == 0) return
        } else {
          token = token c
        }
      }
    }

    function path_of(keys, depth,   i, path) {
      path = keys[1]
      for (i = 2; i <= depth; i++) path = path SUBSEP keys[i]
      return path
    }

    # Indented YAML. The keys of the document have the indentation of the first, those of evictionHard of its first.
    function print_block(   i, indent, base, inner, inside, rest) {
      base = inner = -1
      for (i = 1; i <= NR; i++) {
        if (lines[i] ~ /^[ \t]*(#.*)?$/ || lines[i] ~ /^(---|[.][.][.]|%)/) continue
        match(lines[i], /^ */)
        indent = RLENGTH
        if (base < 0) base = indent
        if (inside) {
          if (indent <= base) return
          if (inner < 0) inner = indent
          if (indent == inner && (rest = after_key(lines[i], "memory.available")) != "") {
            print "=" scalar(substr(rest, 2))
            return
          }
        } else if (indent == base && (rest = after_key(lines[i], "evictionHard")) != "") {
          rest = substr(rest, 2)
          if (substr(rest, 1, 1) == "{") {
            for (i++; i <= NR; i++) rest = rest "\n" lines[i]
            print_flow(rest "\n", "memory.available")
            return
          }
          if (scalar(rest) != "") return
          inside = 1
        }
      }
    }

    # What follows "key:", quoted or not, behind "="; nothing when the line has another key.
    function after_key(line, key,   apostrophe) {
      apostrophe = sprintf("%c", 39)
      line = trim(line)
      if (index(line, "\"" key "\"") == 1 || index(line, apostrophe key apostrophe) == 1)
        line = substr(line, length(key) + 3)
      else if (index(line, key) == 1) line = substr(line, length(key) + 1)
      else return ""
      line = trim(line)
      return line ~ /^:([ \t]|$)/ ? "=" trim(substr(line, 2)) : ""
    }

    # A value without its quotes and without the comment behind it.
    function scalar(value,   quote, end) {
      quote = substr(value, 1, 1)
      if (quote == "\"" || quote == sprintf("%c", 39)) {
        end = index(substr(value, 2), quote)
        return end ? substr(value, 2, end - 1) : value
      }
      sub(/(^|[ \t]+)#.*$/, "", value)
      return trim(value)
    }

    function trim(value) {
      gsub(/^[ \t\n]+|[ \t\n]+$/, "", value)
      return value
    }
  '
}

# Reads a Kubernetes quantity, or a percentage of $1, and prints it in bytes; fails when it is neither.
quantity_bytes() {
  awk -v total="$1" '
    BEGIN {
      scale[""] = 1
      scale["k"] = 1000; scale["Ki"] = 1024
      scale["M"] = 1000 * scale["k"]; scale["Mi"] = 1024 * scale["Ki"]
      scale["G"] = 1000 * scale["M"]; scale["Gi"] = 1024 * scale["Mi"]
      scale["T"] = 1000 * scale["G"]; scale["Ti"] = 1024 * scale["Gi"]
    }
    {
      if (!match($0, /^([0-9]+([.][0-9]*)?|[.][0-9]+)/)) exit failed = 1
      number = substr($0, 1, RLENGTH) + 0
      suffix = substr($0, RLENGTH + 1)
      if (suffix == "%" && number <= 100) bytes = int(total * number / 100)
      else if (suffix in scale) bytes = int(number * scale[suffix])
      else exit failed = 1
      if (number > 0 && bytes < 1024) bytes = 1024
      # 8 PiB: more is no real threshold, and not exact any more.
      if (bytes > 8192 * scale["Ti"]) exit failed = 1
      printf "%.0f\n", bytes
    }
    END { exit failed }
  '
}

watermarks() {
  echo "MIN $(mib "$min"), LOW $(mib "$low"), HIGH $(mib "$high")"
}

mib() {
  echo "$(($1 / mebibyte)) MiB"
}

say() {
  echo "$*"
}

warn() {
  echo "warning: $*" >&2
}

fail() {
  echo "error: $*" >&2
  exit 1
}

main
