import { isAsWanted } from '../../shared/engine/is-as-wanted.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { parseDuration } from '../duration.ts';
import type { Environment } from '../environment.ts';
import { catalogOption } from '../input/catalog.ts';
import { chosenItems, nothingChosen, selectorOption } from '../input/chosen-items.ts';
import { connect } from '../input/connect.ts';
import { catalogSkew, controllerTroubles } from '../input/controller-health.ts';
import { filesOptions, observed } from '../input/observed.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { hasDueOverride } from '../output/has-due-override.ts';
import { type Messages, messagesTo } from '../output/messages.ts';
import { resourceName, safeJson, safeYaml } from '../output/print-manifests.ts';
import { statusReport } from '../output/status-report.ts';
import { statusText } from '../output/status-text.ts';
import { type View, watch } from '../output/watch.ts';
import { UserError } from '../user-error.ts';

export const status: Command = {
  usage: 'status [FEATURE|ASSET|KIND/NAME…] [flags]',
  words: [{ of: 'item', many: true }],
  description: `Shows what the autopilot keeps: whether it is active, and for every asset what would be done now and why.
Objects that differ are listed below with each field, its live and desired value, and who set it last.
Assets whose conditions don't hold here, or that the autopilot isn't active for, are counted, and listed with -o wide or
when they are named.

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
      description:
        'Exits with 1 when anything is drifted, missing, failed, paused, invalid or could not be compared, or an override is past its date',
    },
    selectorOption,
    {
      name: 'watch',
      short: 'w',
      type: 'switch',
      description: 'Looks again and again; into a pipe it prints what changed',
    },
    { name: 'interval', type: 'text', placeholder: 'TIME', description: 'How long --watch waits between; default 2s' },
    { name: 'no-headers', type: 'switch', description: 'Only the rows of the table, for scripts' },
  ],
  run: async (args, environment) => {
    const { stdout, stderr } = environment;
    if (!args.isOn('watch')) {
      if (args.given('interval')) throw new UserError('--interval needs --watch');
      const { text, items } = await look(args, environment, messagesTo(stderr));
      stdout.write(text);
      return args.isOn('check') && !items.every((item) => isAsWanted(item) && !hasDueOverride(item)) ? 1 : 0;
    }
    if (args.isOn('check')) throw new UserError('--watch and --check exclude each other: --check looks once');
    if (args.given('filename')) throw new UserError('--watch needs a cluster: what -f names is read once');
    const intervalMs = parseDuration('interval', args.text('interval') ?? '2s');
    if (intervalMs === 0) throw new UserError('--interval=0 would never pause: expected a time as in 1s, 2m');
    return await watchCluster(args, environment, intervalMs);
  },
};

type Look = View & { readonly items: readonly PlanItem[] };

/** On one cluster for all looks, so that nobody has to log in for each. */
async function watchCluster(args: Arguments, environment: Environment, intervalMs: number): Promise<number> {
  let messages = messagesTo(environment.stderr);
  const cluster = await connect(args, environment, {
    warn: (text) => messages.warn(text),
    note: (text) => messages.note(text),
  });
  try {
    const lookAgain = (ofThisLook: Messages) => {
      messages = ofThisLook;
      return look(args, environment, messages, cluster);
    };
    return await watch(lookAgain, environment, { intervalMs });
  } finally {
    cluster.close();
  }
}

/** What there is to show now. */
async function look(args: Arguments, environment: Environment, messages: Messages, cluster?: Cluster): Promise<Look> {
  const { stdout, variables, now } = environment;
  const { plan, snapshot, catalog, controller, failures, kubectl } = await observed(args, environment, messages, {
    withFailures: true,
    ...(cluster !== undefined && { cluster }),
  });
  const items = chosenItems(plan.items, args, snapshot);
  // From files nothing can be said about now.
  const isLive = !args.given('filename');
  const skew = args.given('catalog') ? undefined : catalogSkew(controller, catalog.digest);
  for (const warning of [
    ...plan.warnings,
    ...(skew === undefined ? [] : [skew]),
    ...(isLive ? controllerTroubles(controller, plan.hyperConverged.generation, now()) : []).map(
      ({ message }) => message,
    ),
  ]) {
    messages.warn(warning);
  }

  const report = statusReport(plan, controller, items);
  const key = JSON.stringify([report.activation, report.items, plan.unknown]);
  const format = args.text('output');
  if (format === 'json' || format === 'yaml') {
    for (const { fact, why } of plan.unknown) messages.note(`unknown: ${fact}: ${why}`);
    return { text: format === 'json' ? safeJson(report) : safeYaml(report), key, items };
  }
  if (format === 'name') return { text: items.map(({ target }) => `${resourceName(target)}\n`).join(''), key, items };
  if (items.length === 0) messages.note(nothingChosen(args));
  const text = statusText(plan, controller, items, {
    paint: painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables),
    now: now(),
    wide: format === 'wide',
    all: args.words.length > 0 || args.given('selector'),
    headers: !args.isOn('no-headers'),
    kubectl,
    failures,
    ...(stdout.columns !== undefined && format !== 'wide' && { width: stdout.columns }),
  });
  return { text, key, items };
}
