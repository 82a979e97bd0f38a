/**
 * Measures, in one run, what the architecture sets bars for; `--json` for machines, `--memory` for memory beside a large
 * cluster. A benchmark is no test: it never fails because of a figure.
 */

import { startControlPlane } from '../harness/control-plane.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { builtInCatalog, converge, openClient } from '../helpers/engine.ts';
import { controllerFigures } from './controller.ts';
import type { Figure } from './measure.ts';
import { memoryFigures } from './memory.ts';
import { planningFigures } from './planning.ts';
import { packagedFigures, pluginFigures } from './plugin.ts';
import { requestFigures } from './requests.ts';

const asJson = process.argv.includes('--json');
/** Fills the API server with 15,000 objects first, which takes minutes. */
const withMemory = process.argv.includes('--memory');
const controlPlane = await startControlPlane({ log: (line: string) => process.stderr.write(`${line}\n`) });
try {
  await demoCluster(controlPlane);
  const catalog = await builtInCatalog();
  const client = openClient(controlPlane.kubeconfig);
  await converge(client, catalog).finally(() => client.close());
  const figures = [
    ...(await packagedFigures(controlPlane)),
    ...(await pluginFigures(controlPlane)),
    ...(await requestFigures(controlPlane)),
    ...(await planningFigures(controlPlane.kubeconfig, catalog)),
    ...(await controllerFigures(controlPlane, catalog)),
    ...(withMemory ? await memoryFigures(controlPlane) : []),
  ];
  process.stdout.write(asJson ? `${JSON.stringify(figures, null, 2)}\n` : tableOf(figures));
} finally {
  await controlPlane.stop();
}

function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, unit, bar }) => [
    what,
    `${value.toFixed(unit === 'requests' || unit === 'plans' ? 0 : 1)} ${unit}`,
    bar === undefined ? '' : `≤ ${bar} ${unit}`,
    bar === undefined ? '' : value <= bar ? 'held' : 'MISSED',
  ]);
  const all = [['WHAT', 'VALUE', 'BAR', ''], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}
