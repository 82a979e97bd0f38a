import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Runs `work` while holding the lock `file`, which names its owner's pid; the lock of a dead process is taken over. */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  { onWait = () => {}, pollMs = 200 }: { onWait?: (pid: number) => void; pollMs?: number } = {},
): Promise<T> {
  let toldAbout: number | undefined;
  while (!(await tryLock(file))) {
    const owner = await ownerOf(file);
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      await takeAway(file, owner);
      continue;
    }
    if (owner !== toldAbout) onWait(owner);
    toldAbout = owner;
    await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function tryLock(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when the lock has just gone, or its owner hasn't written its pid yet. */
async function ownerOf(file: string): Promise<number | undefined> {
  const content = await readFile(file, 'utf8').catch(() => '');
  if (/^\d+$/.test(content)) return Number(content);
  await delay(10);
  return undefined;
}

/** Moved aside first: of several that found it stale one wins, and none removes the lock that the winner then takes. */
async function takeAway(file: string, owner: number): Promise<void> {
  const aside = `${file}.stale-${process.pid}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  const taken = Number(await readFile(aside, 'utf8'));
  // Somebody was faster, and this is their living lock.
  if (taken !== owner && isAlive(taken)) await rename(aside, file);
  else await rm(aside, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
