import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { withFileLock } from '../../harness/control-plane/file-lock.ts';

test('one at a time, each gets its turn, and the lock is gone afterwards', async (t) => {
  const file = lockFile(t);
  let inside = 0;
  const work = async () => {
    inside += 1;
    t.is(inside, 1);
    await setImmediate();
    inside -= 1;
  };
  await Promise.all([1, 2, 3, 4].map(() => withFileLock(file, work, { pollMs: 1 })));
  t.false(existsSync(file));
});

test('the lock of a process that is no more is taken over', async (t) => {
  const file = lockFile(t);
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  writeFileSync(file, String(pid));
  t.is(await withFileLock(file, async () => 'mine'), 'mine');
  t.false(existsSync(file));
});

test('work that fails gives the lock back', async (t) => {
  const file = lockFile(t);
  await t.throwsAsync(
    withFileLock(file, async () => {
      throw new Error('no luck');
    }),
    { message: 'no luck' },
  );
  t.false(existsSync(file));
});

test('who waits is told for whom', async (t) => {
  const file = lockFile(t);
  const waitedFor: number[] = [];
  const second = await withFileLock(file, async () => {
    const waiting = withFileLock(file, async () => 'done', { pollMs: 1, onWait: (pid) => waitedFor.push(pid) });
    while (waitedFor.length === 0) await setImmediate();
    return { waiting };
  });
  t.is(await second.waiting, 'done');
  t.deepEqual(waitedFor, [process.pid]);
});

function lockFile(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return path.join(folder, 'lock');
}
