#!/bin/sh
# Holds up a shutdown of the node, for as long as logind lets us, until the virtual machines on it have shut down
# gracefully. Each is looked after by a process of its own: one that hangs or fails delays none of the others.
set -u
export LC_ALL=C

# For tests: how long things take, in seconds.
shutdown_timeout=${KUBEVIRT_SHUTDOWN_TIMEOUT_SECONDS:-120}
command_timeout=${KUBEVIRT_COMMAND_TIMEOUT_SECONDS:-30}
poll_delay=${KUBEVIRT_POLL_DELAY_SECONDS:-2}
retry_delay=${KUBEVIRT_RETRY_DELAY_SECONDS:-2}
longest_retry_delay=30
most_at_once=32

logind=org.freedesktop.login1
logind_path=/org/freedesktop/login1

lock='' monitor='' reader='' dir=''

main() {
  for command in systemd-inhibit busctl crictl timeout mkfifo; do
    command -v "$command" >/dev/null || fail "this node has no $command"
  done
  dir=$(mktemp -d) || fail 'there is no room for a temporary folder'
  trap clean_up EXIT
  trap 'exit 0' TERM INT

  hold_lock
  echo 'watching for a shutdown of the node'
  wait_for_shutdown
  echo 'the node is about to shut down: shutting down its virtual machines'
  drain
  echo 'done; the shutdown may go on'
}

# The lock is there for as long as the command that it is taken for.
hold_lock() {
  systemd-inhibit --what=shutdown --mode=delay --who=virt-platform \
    --why='virtual machines shut down gracefully first' sleep infinity 2>"$dir/lock" &
  lock=$!
  sleep 0.5
  kill -0 "$lock" 2>/dev/null || fail "no shutdown can be delayed: $(cat "$dir/lock")"
}

# Returns once logind says that the node is about to shut down. The bus may go away for a while: then it is asked again,
# after longer and longer, unless something was heard meanwhile.
wait_for_shutdown() {
  attempt=0
  mkfifo "$dir/bus" || fail "could not create $dir/bus"
  while :; do
    busctl monitor --system --json=short \
      --match="type='signal',path='$logind_path',interface='$logind.Manager',member='PrepareForShutdown'" \
      >"$dir/bus" &
    monitor=$!
    read_signals <"$dir/bus" &
    reader=$!
    # What was said before we listened.
    case $(timeout "$command_timeout" busctl get-property "$logind" "$logind_path" "$logind.Manager" \
      PreparingForShutdown 2>/dev/null) in
      'b true') return ;;
    esac
    wait "$reader"
    case $? in
      0) return ;;
      "$heard") attempt=0 ;;
    esac
    kill "$monitor" 2>/dev/null
    attempt=$((attempt + 1))
    delay=$((retry_delay * attempt))
    [ "$delay" -le "$longest_retry_delay" ] || delay=$longest_retry_delay
    warn "the system bus is silent; listening again in $delay s"
    sleep "$delay" &
    wait $!
  done
}

# Status of a reader that heard something, but of no shutdown.
heard=3

read_signals() {
  status=1
  while read -r line; do
    case $line in
      *'"member":"PrepareForShutdown"'*'"data":[true]'*) exit 0 ;;
    esac
    status=$heard
  done
  exit "$status"
}

# Shuts down every virtual machine, some at once. A line in the queue is leave to start one more.
drain() {
  pods=$(run crictl --timeout "${command_timeout}s" pods --label kubevirt.io=virt-launcher --state Ready --quiet --no-trunc) || {
    warn 'the pods of virtual machines could not be listed'
    return
  }
  mkfifo "$dir/queue" || {
    warn "could not create $dir/queue"
    return
  }
  exec 3<>"$dir/queue"
  started=0
  drainers=''
  for pod in $pods; do
    if [ "$started" -lt "$most_at_once" ]; then started=$((started + 1)); else read -r _ <&3; fi
    {
      drain_pod "$pod"
      echo >&3
    } &
    drainers="$drainers $!"
  done
  # Without a name it would wait for the lock's process as well.
  # shellcheck disable=SC2086 # one word each
  [ -z "$drainers" ] || wait $drainers
}

drain_pod() {
  name=$(run crictl inspectp --output go-template \
    --template '{{.status.metadata.namespace}}/{{.status.metadata.name}}' "$1") || name="pod $1"
  container=$(run crictl ps --pod "$1" --name '^compute$' --state Running --quiet --no-trunc | first_line)
  if [ -z "$container" ]; then
    warn "$name: it has no running container compute"
    return
  fi
  domain=$(in_container virsh list --name | first_line)
  if [ -z "$domain" ]; then
    warn "$name: no virtual machine runs in it"
    return
  fi
  name=$name/$domain
  in_container virsh shutdown "$domain" >/dev/null || {
    warn "$name: it could not be asked to shut down"
    return
  }

  deadline=$(($(now) + shutdown_timeout))
  until is_off; do
    if [ "$(now)" -ge "$deadline" ]; then
      warn "$name: it has not shut down within $shutdown_timeout s"
      return
    fi
    sleep "$poll_delay"
  done
  echo "$name: shut down"
}

# Once the guest is off its container ends too, and libvirt with it.
is_off() {
  if state=$(in_container virsh domstate "$domain"); then
    [ "$(echo "$state" | first_line)" = 'shut off' ]
  else
    running=$(run crictl ps --id "$container" --state Running --quiet --no-trunc) && [ -z "$running" ]
  fi
}

in_container() {
  run crictl exec "$container" "$@"
}

# A command that hangs is killed.
run() {
  timeout -s KILL "$command_timeout" "$@" 2>/dev/null </dev/null
}

first_line() {
  awk 'NF { sub(/^[ \t]+/, ""); sub(/[ \t\r]+$/, ""); print; exit }'
}

now() {
  date +%s
}

# Ends what we started; with the command that it is taken for the lock goes, too.
clean_up() {
  for process in $lock $monitor $reader; do kill "$process" 2>/dev/null; done
  [ -z "$lock" ] || wait "$lock" 2>/dev/null
  rm -rf "$dir"
}

warn() {
  echo "warning: $*" >&2
}

fail() {
  echo "error: $*" >&2
  exit 1
}

main
