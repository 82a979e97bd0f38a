import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../../..');

/** What an archive's SHA-256 is in other surroundings: time zone, umask, language, folder, user's home. */
export function digestElsewhere(module: string, call: string): string {
  const script = `
    import { createHash } from 'node:crypto';
    const archives = await import('${path.join(root, module)}');
    process.stdout.write(createHash('sha256').update(archives.${call}).digest('hex'));
  `;
  return execFileSync(
    'sh',
    ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script],
    {
      cwd: tmpdir(),
      encoding: 'utf8',
      env: { TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8', HOME: '/nonexistent' },
    },
  );
}
