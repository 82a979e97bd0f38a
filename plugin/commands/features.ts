import { type DescribedFeature, describeFeatures } from '../../shared/catalog/describe-features.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { isWanted } from '../input/is-wanted.ts';
import { filesOptions, observed } from '../input/observed.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { messagesTo } from '../output/messages.ts';
import { safeJson, safeYaml } from '../output/print-manifests.ts';
import { formatTable } from '../output/table.ts';
import { UserError } from '../user-error.ts';

export const features: Command = {
  usage: 'features [flags]',
  description: `Lists the features of the catalog: how mature each is, whether it is on in this cluster, what switches it on, and what it
needs. "enable" and "disable" opt in and out of those that have an opt-in.`,
  examples: [
    { text: 'What is there?', words: 'features' },
    {
      text: 'Those that are off, for scripts',
      words: `features -o json | jq -r '.items[] | select(.state == "off").name'`,
    },
  ],
  connects: true,
  options: [
    { name: 'output', short: 'o', type: 'text', choices: ['json', 'yaml', 'name'], description: 'Another format' },
    { name: 'no-headers', type: 'switch', description: 'Only the rows of the table, for scripts' },
    ...filesOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    const { stdout, stderr, variables } = environment;
    if (args.words.length > 0)
      throw new UserError('features lists all of them and takes no name: "status FEATURE" shows one');
    const { plan, catalog } = await observed(args, environment, messagesTo(stderr));
    const rows = describeFeatures(catalog).map((feature): Row => {
      const items = plan.items.filter(({ type, asset }) => type === 'asset' && feature.assets.includes(asset));
      return { ...feature, ...stateOf(items) };
    });
    const format = args.text('output');
    if (format === 'name') {
      stdout.write(rows.map(({ name }) => `${name}\n`).join(''));
      return 0;
    }
    if (format !== undefined) {
      const items = rows.map(
        ({ name, title, description, maturity, state, missing, optIn, requires = [], assets }) => ({
          name,
          title,
          description,
          maturity,
          state,
          activation: optIn,
          needs: requires,
          missing,
          assets,
        }),
      );
      const report = { apiVersion: 'virt-platform/v1', kind: 'Features', items };
      stdout.write(format === 'json' ? safeJson(report) : safeYaml(report));
      return 0;
    }
    const columns = [
      { header: 'FEATURE', cell: ({ name }: Row) => name, shrinkTo: 18 },
      { header: 'MATURITY', cell: ({ maturity }: Row) => maturity.toUpperCase() },
      { header: 'STATE', cell: ({ state }: Row) => state },
      { header: 'ACTIVATION', cell: ({ optIn }: Row) => optIn ?? 'always', shrinkTo: 20, leaveOut: 2 },
      {
        header: 'NEEDS',
        cell: ({ requires = [], missing }: Row) =>
          `${requires.join(', ')}${missing.length === 0 ? '' : ` (missing: ${missing.join(', ')})`}`,
        shrinkTo: 20,
        leaveOut: 1,
      },
    ];
    stdout.write(
      formatTable(rows, columns, {
        paint: painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables),
        headers: !args.isOn('no-headers'),
        ...(stdout.columns !== undefined && { width: stdout.columns }),
      }),
    );
    return 0;
  },
};

type State = {
  /** `partly`: some of its assets are kept, and others lack what they need. */
  readonly state: 'on' | 'partly' | 'lacking' | 'off';
  /** CRDs that the cluster doesn't have. */
  readonly missing: readonly string[];
};
type Row = DescribedFeature & State;

function stateOf(items: readonly PlanItem[]): State {
  const missing = [...new Set(items.flatMap((item) => (item.decision === 'missing-crd' ? item.crds : [])))];
  const isOn = items.some(isWanted);
  if (missing.length === 0) return { state: isOn ? 'on' : 'off', missing };
  return { state: isOn ? 'partly' : 'lacking', missing };
}
