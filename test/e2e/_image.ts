import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
export const containerfile = path.join(root, 'controller', 'manifests', 'Containerfile');

/** An image, as far as a process is started in it. Paths are those in the image. */
export type Image = {
  /** Where its files lie on this machine. */
  readonly root: string;
  readonly entryPoint: readonly string[];
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: { readonly uid: number; readonly gid: number };
  /** The name of the image that it is made from. */
  readonly from: string;
};

/**
 * Does what the Containerfile says, in a folder, without a container engine: what is copied and run is the real thing,
 * but for two. Of the base image there is Node only, the one that runs this; and `npm ci` takes what the lockfile names
 * from the checkout's `node_modules` instead of from a registry.
 *
 * @throws Error for an instruction that it doesn't know
 */
export async function assembleImage(folder: string): Promise<Image> {
  const stages = new Map<string, Stage>();
  const args: Record<string, string> = {};
  let stage: Stage | undefined;
  for (const { instruction, rest } of instructionsIn(await readFile(containerfile, 'utf8'))) {
    const text = rest.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args[name] ?? '');
    if (instruction === 'ARG') {
      const [name = '', value = ''] = text.split('=');
      args[name] = value;
      continue;
    }
    if (instruction === 'FROM') {
      // A stage runs here, whichever platform it is for.
      const [from = '', as, name = `${stages.size}`] = text.replace(/^--platform=\S+ /, '').split(' ');
      if (as !== undefined && as !== 'AS') throw unknown(instruction, rest);
      stage = { root: path.join(folder, name), from, workdir: '/', env: {}, user: '0:0', entryPoint: [] };
      await mkdir(stage.root, { recursive: true });
      stages.set(name, stage);
      continue;
    }
    if (stage === undefined) throw unknown(instruction, rest);
    await follow(stage, instruction, text, stages);
  }
  if (stage === undefined) throw new Error('The Containerfile makes no image');
  const [uid = 0, gid = 0] = stage.user.split(':').map(Number);
  const node = path.join(stage.root, 'usr/local/bin/node');
  await mkdir(path.dirname(node), { recursive: true });
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  return { ...stage, user: { uid, gid } };
}

type Stage = {
  readonly root: string;
  readonly from: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string;
  entryPoint: readonly string[];
};

async function follow(stage: Stage, instruction: string, text: string, stages: ReadonlyMap<string, Stage>) {
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = text;
      await mkdir(path.join(stage.root, text), { recursive: true });
      return;
    case 'COPY':
      await copy(stage, text.split(' '), stages);
      return;
    case 'RUN':
      await run(path.join(stage.root, stage.workdir), text);
      return;
    case 'ENV': {
      const [name = '', value = ''] = text.split('=');
      stage.env[name] = value;
      return;
    }
    case 'USER':
      stage.user = text;
      return;
    case 'ENTRYPOINT':
      stage.entryPoint = JSON.parse(text) as string[];
      return;
    case 'EXPOSE':
      return;
    default:
      throw unknown(instruction, text);
  }
}

async function copy(stage: Stage, words: readonly string[], stages: ReadonlyMap<string, Stage>): Promise<void> {
  const [first = ''] = words;
  const from = first.startsWith('--from=') ? stages.get(first.slice('--from='.length)) : undefined;
  if (first.startsWith('--') && from === undefined) throw unknown('COPY', words.join(' '));
  const paths = from === undefined ? words : words.slice(1);
  const to = paths.at(-1) ?? '';
  const target = to.startsWith('/') ? path.join(stage.root, to) : path.join(stage.root, stage.workdir, to);
  for (const source of paths.slice(0, -1)) {
    const file = from === undefined ? path.join(root, source) : path.join(from.root, source);
    const intoFolder = to.endsWith('/') || paths.length > 2;
    await cp(file, intoFolder ? path.join(target, path.basename(source)) : target, { recursive: true });
  }
}

async function run(cwd: string, command: string): Promise<void> {
  if (command.startsWith('npm ci ')) {
    await installProduction(cwd);
    return;
  }
  // What it does must stay inside the image.
  if (/(^|[\s"'=<>])(\/|~|\.\.)/.test(command)) throw unknown('RUN', command);
  await promisify(execFile)('sh', ['-ec', command], { cwd });
}

/** The packages that `npm ci --omit=dev --omit=optional` installs by this lockfile. */
async function installProduction(cwd: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(path.join(cwd, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
  };
  for (const [place, { dev, optional, devOptional }] of Object.entries(packages)) {
    if (place === '' || dev || optional || devOptional) continue;
    const isInner = (inside: string) => inside.slice(path.join(root, place).length).includes('node_modules');
    await cp(path.join(root, place), path.join(cwd, place), {
      recursive: true,
      filter: (source) => !isInner(source),
    });
  }
}

function instructionsIn(text: string): readonly { instruction: string; rest: string }[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [instruction = '', ...rest] = line.split(' ');
      return { instruction, rest: rest.join(' ') };
    });
}

function unknown(instruction: string, rest: string): Error {
  return new Error(`The Containerfile has an instruction that is not understood here: ${instruction} ${rest}`);
}
