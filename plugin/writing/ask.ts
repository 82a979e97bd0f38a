import type { Connection } from '../../shared/kube/connection.ts';
import type { Environment } from '../environment.ts';
import { escapeText } from '../output/escape.ts';
import { UserError } from '../user-error.ts';

/**
 * Asks the person at the terminal whether to write, naming where. Anything but yes is no; Ctrl-C ends the process,
 * and nothing was written.
 *
 * @throws UserError where there is nobody to ask.
 */
export async function ask({ context, server }: Connection, environment: Environment): Promise<boolean> {
  const where = context === undefined ? server : `context ${JSON.stringify(context)} (${server})`;
  if (!environment.isStdinTerminal) {
    throw new UserError(
      `nothing was written to ${where}: there is no terminal to ask on; --yes writes without asking, --dry-run=server only checks`,
    );
  }
  environment.stderr.write(escapeText(`Write this to ${where}? [y/N] `));
  const answer = await readLine(environment);
  // The terminal shows the end of a line, but not Ctrl-D.
  if (!answer.endsWith('\n')) environment.stderr.write('\n');
  return /^y(es)?$/i.test(answer.trim());
}

/** With its end, where it came. */
async function readLine({ stdin }: Environment): Promise<string> {
  const input = stdin();
  let line = '';
  try {
    await new Promise<void>((resolve, reject) => {
      input.on('data', (chunk) => {
        line += String(chunk);
        if (line.includes('\n')) resolve();
      });
      input.once('end', resolve);
      input.once('error', reject);
    });
  } finally {
    input.removeAllListeners('data');
    input.pause();
  }
  return /^[^\n]*\n?/.exec(line)?.[0] ?? '';
}
