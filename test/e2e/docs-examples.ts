import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type DocBlock, docBlocks, examplesIn, mismatch } from '../unit/docs/_doc-blocks.ts';
import { trackedFiles } from '../unit/docs/_tracked-files.ts';

// Each document is one session on a cluster of its own, as for somebody who follows it from top to bottom: in a
// checkout, with the real kubectl. Only README.md puts the plugin on the path itself; the others come after it.
const root = path.resolve(import.meta.dirname, '../..');
// With VIRT_PLATFORM_UPDATE_DOCS=1 what is printed is written into the documents instead of compared.
const isUpdating = process.env.VIRT_PLATFORM_UPDATE_DOCS === '1';
const documents = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })].sort();

for (const document of documents) {
  test.serial(`what ${document} shows is what happens`, async (t) => {
    t.timeout(600_000, 'a document should be through');
    const file = path.join(root, document);
    const source = await readFile(file, 'utf8');
    const blocks = docBlocks(source);
    if (!blocks.some(({ mark }) => mark.mark === 'tested')) return t.pass();

    const session = await Session.start({ hasPlugin: document !== 'README.md' });
    t.teardown(() => session.end());
    const edits: Edit[] = [];
    for (const block of blocks) {
      for await (const { line, problem, edit } of follow(block, session)) {
        if (isUpdating && edit !== undefined) edits.push(edit);
        else t.fail(`${document}:${line}: ${problem}`);
      }
    }
    if (edits.length > 0) await writeFile(file, edited(source, edits));
    t.pass();
  });
}

/** Lines (the first is 1) to put in the place of others. */
type Edit = { readonly from: number; readonly count: number; readonly text: string };
type Problem = { readonly line: number; readonly problem: string; readonly edit?: Edit };

async function* follow({ mark, ...block }: DocBlock, session: Session): AsyncGenerator<Problem> {
  if (mark.mark === 'file') await session.write(mark.path, `${block.text}\n`);
  if (mark.mark === 'output') {
    const problem = mismatch(block.text, session.printed);
    const count = block.text === '' ? 0 : block.text.split('\n').length;
    const edit = { from: block.line + 1, count, text: session.printed };
    if (problem !== undefined) yield { line: block.line, problem, edit };
  }
  if (mark.mark !== 'tested') return;
  for (const { command, output, line } of examplesIn({ mark, ...block })) {
    const { code, printed } = await session.run(command);
    if (code !== 0) {
      yield { line, problem: `"${command}" ended with exit code ${code}:\n${printed}` };
    } else if (output !== undefined) {
      const problem = mismatch(output, printed);
      const from = line + command.split('\n').length;
      const edit = { from, count: output.split('\n').length - 1, text: printed };
      if (problem !== undefined) yield { line, problem, edit };
    }
  }
}

function edited(source: string, edits: readonly Edit[]): string {
  const lines = source.split('\n');
  for (const { from, count, text: inserted } of [...edits].sort((a, b) => b.from - a.from)) {
    lines.splice(from - 1, count, ...(inserted === '' ? [] : inserted.replace(/\n+$/, '').split('\n')));
  }
  return lines.join('\n');
}

/** One shell: what a command exports, and where it goes, stays for the next. */
class Session {
  readonly #controlPlane: ControlPlane;
  readonly #folder: string;
  readonly #path: string;
  printed = '';

  static async start({ hasPlugin }: { hasPlugin: boolean }): Promise<Session> {
    const controlPlane = await startControlPlane();
    await demoCluster(controlPlane);
    const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-docs-'));
    // A checkout, in which files can be written without touching this one, nor what somebody made in it.
    await mkdir(path.join(folder, 'virt-platform'));
    for (const name of new Set(['node_modules', ...trackedFiles().map((file) => file.split('/')[0] ?? file)])) {
      await symlink(path.join(root, name), path.join(folder, 'virt-platform', name));
    }
    return new Session(controlPlane, folder, hasPlugin);
  }

  constructor(controlPlane: ControlPlane, folder: string, hasPlugin: boolean) {
    this.#controlPlane = controlPlane;
    this.#folder = folder;
    this.#path = [
      ...(hasPlugin ? [path.join(root, 'plugin')] : []),
      controlPlane.binDir,
      path.dirname(process.execPath),
      process.env.PATH,
    ].join(path.delimiter);
  }

  async write(file: string, content: string): Promise<void> {
    const [top = ''] = file.split('/');
    if (existsSync(path.join(root, top))) throw new Error(`${file} would be written into the checkout itself.`);
    const target = path.join(this.#folder, 'virt-platform', file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }

  async run(command: string): Promise<{ code: number; printed: string }> {
    const state = path.join(this.#folder, 'state');
    const script = `
      [ ! -e '${state}' ] || . '${state}'
      exec 2>&1
      ${command}
      { export -p; printf 'cd %q\\n' "$PWD"; } > '${state}'
    `;
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
      cwd: path.join(this.#folder, 'virt-platform'),
      env: {
        PATH: this.#path,
        HOME: this.#folder,
        TMPDIR: this.#folder,
        KUBECONFIG: this.#controlPlane.kubeconfig,
        ...(process.env.NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? -1));
    });
    const [printed, code] = await Promise.all([text(child.stdout), exit]);
    this.printed = printed;
    return { code, printed };
  }

  async end(): Promise<void> {
    // What was started in the background, where the document ended before it was told to end.
    for (const file of globSync(path.join(this.#folder, 'virt-platform/*.pid'))) {
      try {
        process.kill(Number(readFileSync(file, 'utf8')));
      } catch {
        // It has ended.
      }
    }
    await this.#controlPlane.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
