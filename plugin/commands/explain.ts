import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { namespaceOf } from '../input/namespace-of.ts';
import { filesOptions, observed } from '../input/observed.ts';
import { selectOne } from '../input/select-items.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { dependencyGraph, dot, mermaid } from '../output/dependency-graph.ts';
import { explainText } from '../output/explain-text.ts';
import { messagesTo } from '../output/messages.ts';
import { safeJson, safeYaml } from '../output/print-manifests.ts';
import { smallestChange } from '../output/smallest-change.ts';
import { statusItem } from '../output/status-report.ts';
import { UserError } from '../user-error.ts';

const graphFormats = ['mermaid', 'dot'];

export const explain: Command = {
  usage: 'explain ASSET|KIND/NAME|KIND NAME [flags]',
  words: [{ of: 'target' }],
  description: `Explains a decision: every step that led to it with the values that it saw, and the smallest change that would
lead to another, as a command where there is one.

With --graph it prints what comes before what instead: around one asset, or in the whole catalog.`,
  examples: [
    { text: 'Why is swap not configured?', words: 'explain swap-enable' },
    { text: 'What about this object?', words: 'explain MachineConfig 90-worker-swap-online' },
    { text: 'The order of everything, as a picture', words: 'explain --graph=dot | dot -Tsvg > order.svg' },
  ],
  connects: true,
  options: [
    { name: 'output', short: 'o', type: 'text', choices: ['json', 'yaml'], description: 'Another format' },
    {
      name: 'graph',
      type: 'text',
      choices: graphFormats,
      bare: 'mermaid',
      description: 'The dependencies, as Mermaid unless told otherwise',
    },
    ...filesOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    const { stdout, stderr, variables, now } = environment;
    const messages = messagesTo(stderr);
    const graph = args.text('graph');
    if (args.words.length === 0 && graph === undefined) {
      throw new UserError(
        'explain needs to know what: the name of an asset, or KIND/NAME; "status -o wide" lists them',
      );
    }
    if (graph !== undefined && args.given('output')) throw new UserError('--graph and --output exclude each other');
    const misplaced = graphFormats.find((name) => graph !== undefined && args.words.includes(name));
    if (misplaced !== undefined)
      throw new UserError(`"${misplaced}" after a blank would be an asset: did you mean --graph=${misplaced}?`);

    const { plan, catalog, kubectl } = await observed(args, environment, messages);
    const namespace = namespaceOf(args);
    for (const warning of plan.warnings) messages.warn(warning);
    const item = args.words.length === 0 ? undefined : selectOne(plan.items, args.words, { namespace });
    if (graph !== undefined) {
      const dependencies = dependencyGraph(plan.items, catalog, item?.asset);
      stdout.write(graph === 'dot' ? dot(dependencies) : mermaid(dependencies));
      return 0;
    }
    if (item === undefined) throw new Error('internal error: nothing to explain');

    const format = args.text('output');
    if (format !== undefined) {
      const { conditions } = item;
      const report = { ...statusItem(item), ...(conditions !== undefined && { conditions }) };
      stdout.write(format === 'json' ? safeJson(report) : safeYaml(report));
      return 0;
    }
    const features = catalog.features.filter(({ name }) => item.features.includes(name));
    const requires = [...new Set(features.flatMap((feature) => feature.requires ?? []))];
    const change = smallestChange(item, plan, { kubectl, requires, catalog: args.text('catalog') });
    const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
    stdout.write(explainText(item, change, { paint, now: now() }));
    return 0;
  },
};
