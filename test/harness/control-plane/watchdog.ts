import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

// Reads until the pipe closes, which the kernel does however our process ends, kill -9 included.
// A zombie still answers kill -0 (a container may have no init that reaps), hence the bounded wait.
const script = `
trap '' INT TERM HUP
pids=
while read -r word pid; do
  case $word in
    watch) pids="$pids $pid" ;;
    forget) kept=; for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done; pids=$kept ;;
  esac
done
if [ -n "$pids" ]; then
  kill -9 $pids 2>/dev/null
  tries=0
  while kill -0 $pids 2>/dev/null && [ $tries -lt 20 ]; do sleep 0.05; tries=$((tries + 1)); done
fi
rm -rf "$1"
`;

/** Outlives this process by a moment: kills what it was told to watch, and removes a folder. */
export class Watchdog {
  readonly #child;

  constructor(directory: string) {
    // Its own session, so that a Ctrl-C in the terminal is not for it.
    this.#child = spawn('sh', ['-c', script, 'watchdog', directory], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#child.unref();
    this.#child.stdin.on('error', () => {});
    // The pipe of a child holds the event loop too; it must not keep a finished program alive.
    (this.#child.stdin as Socket).unref();
  }

  watch(pid: number): void {
    this.#child.stdin.write(`watch ${pid}\n`);
  }

  forget(pid: number): void {
    this.#child.stdin.write(`forget ${pid}\n`);
  }

  /** Does now what it would do at the end. */
  async release(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.ref();
    this.#child.stdin.end();
    await exited;
  }
}
