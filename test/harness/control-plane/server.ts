import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Watchdog } from './watchdog.ts';

/** One server process with its log in a file; killed by the watchdog when we end. */
export class Server {
  readonly name: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #watchdog: Watchdog;
  readonly #exited: Promise<void>;

  constructor(name: string, { command, args, logFile, watchdog }: ServerOptions) {
    this.name = name;
    this.logFile = logFile;
    this.#watchdog = watchdog;
    const log = openSync(logFile, 'a');
    // Its own session: a Ctrl-C in the terminal lets its owner stop it, in order.
    this.#child = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child.unref();
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    if (this.#child.pid !== undefined) watchdog.watch(this.#child.pid);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Polls until `isReady` says so. @throws {@link PortTakenError}, or an error with the end of its log. */
  async ready(isReady: () => Promise<boolean>, { timeoutMs = 30_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isReady().catch(() => false))) {
      const hasEnded =
        this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (hasEnded || performance.now() > deadline) {
        const log = readFileSync(this.logFile, 'utf8');
        if (hasEnded && log.includes('address already in use')) throw new PortTakenError(this.name);
        const what = hasEnded ? 'ended before it was ready' : `was not ready within ${timeoutMs / 1000} s`;
        throw new Error(`${this.name} ${what}; the end of its log:\n${log.trim().split('\n').slice(-15).join('\n')}`);
      }
      await delay(20);
    }
  }

  /** At once: what it stores is thrown away, so there is nothing to finish. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    this.#child.ref();
    this.#child.kill('SIGKILL');
    await this.#exited;
    this.#watchdog.forget(pid);
  }
}

export type ServerOptions = { command: string; args: readonly string[]; logFile: string; watchdog: Watchdog };

/** Between finding a free port and listening on it somebody else took it. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';

  constructor(server: string) {
    super(`${server} found its port taken.`);
  }
}
