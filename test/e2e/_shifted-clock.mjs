// Loaded into a process before everything else: its calendar is off by as many milliseconds as a file says, which is
// read when SIGUSR2 arrives. Its monotonic clock goes on, as when somebody sets a machine's time.
import { readFileSync } from 'node:fs';

let offsetMs = 0;
process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.CLOCK_OFFSET_FILE, 'utf8'));
});

const RealDate = Date;
const now = () => RealDate.now() + offsetMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
