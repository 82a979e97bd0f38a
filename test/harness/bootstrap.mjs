// Plain JavaScript for Node 20 and newer, with no dependencies: it runs before there are any.
// Installs them when they are missing or stale, then runs a script of ours on the project's own Node.
//
//   node test/harness/bootstrap.mjs <script.ts | tool in node_modules/.bin> [arguments…]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const oldestBootstrapNode = 20;
const sourcesNode = 26;
const root = path.resolve(import.meta.dirname ?? path.dirname(fileURLToPath(import.meta.url)), '../..');

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();

async function main() {
  try {
    if (majorOf(process.version) < oldestBootstrapNode) {
      throw new Error(
        `Node ${oldestBootstrapNode} or newer is needed to start, and this is ${process.version} (${process.execPath}).`,
      );
    }
    const [script, ...args] = process.argv.slice(2);
    if (script === undefined) throw new Error('Usage: node test/harness/bootstrap.mjs <script or tool> [arguments…]');

    if (!isInstalled(root)) await install(root);
    process.exitCode = await run(script, args);
  } catch (error) {
    console.error(`virt-platform: ${error.message}`);
    process.exitCode = 1;
  }
}

/** Whether node_modules holds what package-lock.json says, as far as the last install of ours knows. */
export function isInstalled(folder) {
  try {
    return readFileSync(stampFile(folder), 'utf8') === lockDigest(folder);
  } catch {
    return false;
  }
}

/** Remembers that node_modules is what package-lock.json says now. */
export function markInstalled(folder) {
  writeFileSync(stampFile(folder), lockDigest(folder));
}

/** The Node that runs the sources: this one when it is new enough, otherwise the one installed with the dependencies. */
export function findNode(folder, { version = process.version, execPath = process.execPath, platform, arch } = {}) {
  if (majorOf(version) >= sourcesNode) return execPath;
  const { optionalDependencies = {} } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const wanted = `${platform ?? process.platform}-${arch ?? process.arch}`.replace('win32', 'win');
  const names = Object.keys(optionalDependencies).filter(
    (name) => /^node-.*-[a-z0-9]+$/.test(name) && name.endsWith(wanted),
  );
  for (const name of names) {
    for (const file of ['bin/node', 'bin/node.exe', 'node.exe']) {
      const candidate = path.join(folder, 'node_modules', name, file);
      if (existsSync(candidate)) return candidate;
    }
  }
  throw new Error(
    names.length === 0
      ? `There is no Node ${sourcesNode} for ${wanted} among the dependencies: install Node ${sourcesNode} or newer and run this with it.`
      : `${names.join(' or ')} is not installed (optional dependencies were left out?): run "npm ci --ignore-scripts --include=optional", or use Node ${sourcesNode} or newer.`,
  );
}

async function install(folder) {
  console.error('virt-platform: installing dependencies (npm ci), about half a minute…');
  // --loglevel=error: on Node 20 npm warns about engines of packages that only ever run on Node 26.
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--loglevel=error'];
  // npm_execpath is the npm that is running us; the plain name needs a shell on Windows.
  const npm = process.env.npm_execpath;
  const child = npm?.endsWith('.js')
    ? spawn(process.execPath, [npm, ...args], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
    : spawn('npm', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' });
  const code = await exitCodeOf(child);
  if (code !== 0) {
    throw new Error(
      `Installing the dependencies failed: "npm ${args.join(' ')}" ended with exit code ${code}; npm's own message is above.`,
    );
  }
  markInstalled(folder);
}

async function run(script, args) {
  const node = findNode(root);
  const bin = path.join(root, 'node_modules/.bin');
  // npm put its own folders first: tools that look for `node` must find the one that runs the sources.
  const searchPath = [path.dirname(node), bin, process.env.PATH].join(path.delimiter);
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', resolveScript(script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: searchPath, NODE: node, npm_node_execpath: node },
  });

  // A Ctrl-C in a terminal goes to the child as well (same process group): here it only must not end us first.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // npm starts us through a shell, which dies of the signal that npm passes on and tells nobody: what is left to notice
  // is that there is another parent.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) {
    const looking = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(looking);
      child.kill('SIGTERM');
    }, 250);
    looking.unref();
  }
  return exitCodeOf(child);
}

function resolveScript(script) {
  const file = path.resolve(root, script);
  if (existsSync(file)) return file;
  const tool = path.join(root, 'node_modules/.bin', script);
  if (/^[a-z0-9-]+$/.test(script) && existsSync(tool)) return realpathSync(tool);
  throw new Error(`There is no ${script} in this checkout, nor a tool of that name among the dependencies.`);
}

function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`Could not start ${child.spawnfile}: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function lockDigest(folder) {
  return createHash('sha256')
    .update(readFileSync(path.join(folder, 'package-lock.json')))
    .digest('hex');
}

// Inside node_modules, so that `npm ci` and `rm -r node_modules` take it away.
function stampFile(folder) {
  return path.join(folder, 'node_modules/.virt-platform-lock');
}

function majorOf(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10);
}
