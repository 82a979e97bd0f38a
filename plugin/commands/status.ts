import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { catalogSkew } from '../input/controller-health.ts';
import { filesOptions, observed } from '../input/observed.ts';
import { selectItems } from '../input/select-items.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { isAsWanted } from '../output/is-as-wanted.ts';
import { messagesTo } from '../output/messages.ts';
import { resourceName, safeJson, safeYaml } from '../output/print-manifests.ts';
import { statusReport } from '../output/status-report.ts';
import { statusText } from '../output/status-text.ts';

export const status: Command = {
  usage: 'status [FEATURE|ASSET|KIND/NAME…] [flags]',
  description: `Shows what the autopilot keeps: whether it is active, and for every asset what would be done now and why.
Objects that differ are listed below with each field, its live and desired value, and who set it last.

With -f it works on files instead of a cluster: a HyperConverged, and whatever else is at hand (nodes, CRDs,
Infrastructure, a whole must-gather). What isn't in the files is said to be unknown.`,
  examples: [
    { text: 'Everything', words: 'status' },
    { text: 'One object, by its name in the cluster', words: 'status MachineConfig/90-worker-swap-online' },
    { text: 'A must-gather, without a cluster', words: 'status -f must-gather/' },
    {
      text: 'The names of what would change',
      words: `status -o json | jq -r '.items[] | select(.decision == "update").asset'`,
    },
  ],
  connects: true,
  options: [
    {
      name: 'output',
      short: 'o',
      type: 'text',
      choices: ['wide', 'json', 'yaml', 'name'],
      description: 'Another format',
    },
    ...filesOptions,
    catalogOption,
    {
      name: 'check',
      type: 'switch',
      description: 'Exits with 1 when anything is drifted, missing, failed, paused, invalid or could not be compared',
    },
    { name: 'no-headers', type: 'switch', description: 'Only the rows of the table, for scripts' },
  ],
  run: async (args, environment) => {
    const { stdout, stderr, variables, now } = environment;
    const messages = messagesTo(stderr);
    const { plan, catalog, controller, kubectl } = await observed(args, environment, messages);
    const namespace = args.isOn('all-namespaces') ? undefined : args.text('namespace');
    const items = selectItems(plan.items, args.words, { namespace });
    const skew = args.given('catalog') ? undefined : catalogSkew(controller, catalog.digest);
    for (const warning of [...plan.warnings, ...(skew === undefined ? [] : [skew])]) messages.warn(warning);

    const format = args.text('output');
    if (format === 'json' || format === 'yaml') {
      for (const { fact, why } of plan.unknown) messages.note(`unknown: ${fact}: ${why}`);
      const report = statusReport(plan, controller, items);
      stdout.write(format === 'json' ? safeJson(report) : safeYaml(report));
    } else if (format === 'name') {
      stdout.write(items.map(({ target }) => `${resourceName(target)}\n`).join(''));
    } else {
      if (items.length === 0) messages.note(`nothing that is managed is in namespace ${namespace}`);
      const text = statusText(plan, controller, items, {
        paint: painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables),
        now: now(),
        wide: format === 'wide',
        headers: !args.isOn('no-headers'),
        kubectl,
        ...(stdout.columns !== undefined && format !== 'wide' && { width: stdout.columns }),
      });
      stdout.write(text);
    }
    return args.isOn('check') && !items.every(isAsWanted) ? 1 : 0;
  },
};
