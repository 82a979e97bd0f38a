import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { waitFor } from '../../harness/wait-for.ts';

const scripts = path.resolve(import.meta.dirname, '../../../assets/machine-config');

/** A shell with an awk, as node images and other systems combine them. */
export type Runtime = { readonly name: string; readonly shell: readonly string[]; readonly awk: readonly string[] };

/** The combinations on this machine; the system's own always. Node images have bash as sh, and gawk. */
export const runtimes: readonly Runtime[] = [
  { name: 'dash, mawk', shell: ['dash'], awk: ['mawk'] },
  { name: 'bash, gawk', shell: ['bash', '--posix'], awk: ['gawk', '--posix'] },
  { name: 'busybox', shell: ['busybox', 'sh'], awk: ['busybox', 'awk'] },
  { name: 'sh, awk', shell: ['sh'], awk: ['awk'] },
].filter(({ shell, awk }) => isInstalled(shell[0]) && isInstalled(awk[0]));

/** A prepared tree that a node's script takes for the root of its file system. Gone when the test ends. */
export class NodeTree {
  readonly root: string;
  readonly #runtime: Runtime;

  private constructor(root: string, runtime: Runtime) {
    this.root = root;
    this.#runtime = runtime;
  }

  static async create(t: ExecutionContext, runtime: Runtime): Promise<NodeTree> {
    const tree = new NodeTree(await realpath(await mkdtemp(path.join(tmpdir(), 'node-tree-'))), runtime);
    t.teardown(() => rm(tree.root, { recursive: true, force: true }));
    await tree.command('awk', `exec ${runtime.awk.map(findCommand).join(' ')} "$@"`);
    await tree.command('getconf', 'echo 4096');
    return tree;
  }

  async write(file: string, content: string): Promise<void> {
    const target = path.join(this.root, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }

  async folder(folder: string): Promise<void> {
    await mkdir(path.join(this.root, folder), { recursive: true });
  }

  /** `target` as a link has it: relative to the link, or below the tree's root when absolute. */
  async link(file: string, target: string): Promise<void> {
    const link = path.join(this.root, file);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(target.startsWith('/') ? path.join(this.root, target) : target, link);
  }

  /** One of this machine's devices in the place of a file: /dev/full takes no write, as the kernel refuses a value. */
  async device(file: string, device: 'full'): Promise<void> {
    const link = path.join(this.root, file);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(`/dev/${device}`, link);
  }

  async remove(file: string): Promise<void> {
    await rm(path.join(this.root, file), { recursive: true });
  }

  /** What a file holds; undefined when there is none. */
  async read(file: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.root, file), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Puts a command of our own in front of the node's. */
  async command(name: string, body: string): Promise<void> {
    await this.write(`.bin/${name}`, `#!/bin/sh\n${body}\n`);
    await chmod(path.join(this.root, '.bin', name), 0o755);
  }

  /** Where the real command of that name is. */
  commandPath(name: string): string {
    return findCommand(name);
  }

  /** Runs one of the scripts below assets/machine-config on this tree; `stop` says when it is to be terminated. */
  async run(
    script: string,
    { env = {}, stop }: { env?: Readonly<Record<string, string>>; stop?: () => Promise<boolean> } = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const [shell = 'sh', ...args] = this.#runtime.shell;
    const child = spawn(findCommand(shell), [...args, path.join(scripts, script)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${path.join(this.root, '.bin')}:${process.env.PATH ?? ''}`,
        KUBEVIRT_NODE_ROOT: this.root,
        KUBEVIRT_RETRY_DELAY_SECONDS: '0',
        ...env,
      },
    });
    const closed = once(child, 'close');
    if (stop !== undefined) {
      await waitFor(stop, { what: `${script} to come to where it is stopped` });
      child.kill('SIGTERM');
    }
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    return { code, stdout, stderr };
  }
}

function isInstalled(command: string | undefined): boolean {
  return command !== undefined && findCommand(command) !== command;
}

/** A command's full path; what isn't a command stays as it is. */
function findCommand(command: string): string {
  const folder = (process.env.PATH ?? '').split(':').find((entry) => existsSync(path.join(entry, command)));
  return folder === undefined ? command : path.join(folder, command);
}
