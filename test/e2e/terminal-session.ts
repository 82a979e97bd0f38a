import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type TerminalEntry, terminalSvg, textOfSvg } from '../helpers/terminal-svg.ts';
import { withoutVariableParts } from '../unit/docs/_doc-blocks.ts';

const root = path.resolve(import.meta.dirname, '../..');
const picture = path.join(root, 'docs/images/session.svg');
const columns = 116;

// What makes the cluster such that there is something to see.
const before = [
  'kubectl virt-platform render | kubectl apply --server-side --field-manager virt-platform-autopilot --force-conflicts -f -',
  `kubectl patch uiplugin monitoring --type=merge --field-manager=night-shift -p '{"spec":{"monitoring":{"perses":{"enabled":false}}}}'`,
];
const commands = [
  'kubectl virt-platform status',
  'kubectl virt-platform ignore UIPlugin/monitoring /spec/monitoring/perses/enabled --reason "as agreed" --yes',
  'kubectl virt-platform status UIPlugin/monitoring',
];

test('the picture in the README is what a terminal shows', async (t) => {
  t.timeout(180_000, 'the session should be through');
  const controlPlane = await startControlPlane();
  t.teardown(() => controlPlane.stop());
  await demoCluster(controlPlane);
  for (const command of before) await onTerminal(controlPlane, command);
  const entries: TerminalEntry[] = [];
  for (const command of commands) entries.push({ command, output: await onTerminal(controlPlane, command) });

  const svg = terminalSvg(entries, columns);
  if (process.env.VIRT_PLATFORM_UPDATE_DOCS === '1') await writeFile(picture, svg);
  const stored = await readFile(picture, 'utf8');
  t.is(withoutVariableParts(textOfSvg(stored)), withoutVariableParts(textOfSvg(svg)));
});

async function onTerminal(controlPlane: ControlPlane, command: string): Promise<string> {
  const line = `stty cols ${columns} rows 50 && ${command}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    cwd: root,
    env: {
      PATH: [controlPlane.binDir, path.join(root, 'plugin'), path.dirname(process.execPath), process.env.PATH].join(
        path.delimiter,
      ),
      HOME: controlPlane.directory,
      TMPDIR: controlPlane.directory,
      SHELL: '/bin/sh',
      TERM: 'xterm',
      KUBECONFIG: controlPlane.kubeconfig,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed, code] = await Promise.all([
    text(child.stdout),
    new Promise((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ]);
  if (code !== 0) throw new Error(`"${command}" ended with ${code}:\n${printed}`);
  return printed.replaceAll('\r\n', '\n');
}
