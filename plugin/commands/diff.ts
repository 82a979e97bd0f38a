import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { chosenItems, nothingChosen, selectorOption } from '../input/chosen-items.ts';
import { filesOptions, observed } from '../input/observed.ts';
import { activationCommand } from '../output/activation-command.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { type ComparedObject, comparedObject } from '../output/compared-object.ts';
import { diffReport } from '../output/diff-report.ts';
import { externalDiff } from '../output/external-diff.ts';
import { messagesTo } from '../output/messages.ts';
import { resourceName, safeJson, safeYaml } from '../output/print-manifests.ts';
import { unifiedDiff } from '../output/unified-diff.ts';
import { UserError } from '../user-error.ts';

export const diff: Command = {
  usage: 'diff [FEATURE|ASSET|KIND/NAME…] [flags]',
  words: [{ of: 'item', many: true }],
  description: `Shows what the controller would change: live objects against what an apply would make of them, as the API server
says in a dry run. Each hunk names the fields that it changes, who set each last, and when.

Exits with 0 when there is no difference, with 1 when there is, and above that when something went wrong, as kubectl
diff does. KUBECTL_EXTERNAL_DIFF names another program to show them with.

With -f it works on files instead of a cluster. Then no server is asked, and what is shown is our own comparison.`,
  examples: [
    { text: 'Everything that would change', words: 'diff' },
    { text: 'One object', words: 'diff MachineConfig/90-worker-swap-online' },
    { text: 'Which fields, for scripts', words: `diff -o json | jq -r '.items[].drift[].pointer'` },
  ],
  connects: true,
  options: [
    { name: 'output', short: 'o', type: 'text', choices: ['json', 'yaml', 'name'], description: 'Another format' },
    {
      name: 'show-managed-fields',
      type: 'switch',
      description: 'With metadata.managedFields, which is left out otherwise',
    },
    selectorOption,
    ...filesOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    const { stdout, stderr, variables, now } = environment;
    const messages = messagesTo(stderr);
    const { plan, snapshot, kubectl } = await observed(args, environment, messages);
    const items = chosenItems(plan.items, args, snapshot);
    for (const warning of plan.warnings) messages.warn(warning);
    if (items.length === 0) messages.note(nothingChosen(args));
    if (plan.activation.state === 'inactive') {
      messages.note(
        `nothing would change, since the autopilot is inactive: ${plan.activation.why}; activate it with: ${activationCommand(plan.hyperConverged, kubectl)}`,
      );
    }

    const managedFields = args.isOn('show-managed-fields');
    const pairs = items.map((item) => ({ item, object: comparedObject(item, snapshot, { managedFields }) }));
    const compared = pairs.flatMap(({ object }) => object ?? []);
    const differing = compared.filter(({ live, merged }) => live !== merged);
    for (const note of notesOf(pairs, { isNamed: args.words.length > 0 })) messages.note(note);

    const code = await show(differing);
    const failed = items.filter(({ decision }) => isFailure(decision));
    const [first] = failed;
    if (first !== undefined) {
      throw failed.length === 1
        ? new UserError(`${first.asset} could not be compared (${first.decision}): ${first.why}`)
        : new UserError(`${failed.length} objects could not be compared:`, {
            details: failed.map(({ asset, decision, why }) => `${asset} (${decision}): ${why}`),
          });
    }
    if (compared.length === 0 && items.some(({ decision }) => decision === 'unverified')) {
      throw new UserError(
        'nothing could be compared: see the notes above; "status" says for each object what is missing',
      );
    }
    return code;

    async function show(objects: readonly ComparedObject[]): Promise<number> {
      const format = args.text('output');
      const external = variables.KUBECTL_EXTERNAL_DIFF;
      if (format === 'name') {
        stdout.write(objects.map(({ item }) => `${resourceName(item.target)}\n`).join(''));
      } else if (format !== undefined) {
        const report = diffReport(objects);
        stdout.write(format === 'json' ? safeJson(report) : safeYaml(report));
      } else if (external && objects.length > 0) {
        return await externalDiff(external, objects, environment);
      } else {
        const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
        for (const object of objects) stdout.write(unifiedDiff(object, { paint, now: now() }));
      }
      return objects.length === 0 ? 0 : 1;
    }
  },
};

/** What people have to know to read the diff right. */
function notesOf(
  pairs: readonly { readonly item: PlanItem; readonly object: ComparedObject | undefined }[],
  { isNamed }: { isNamed: boolean },
): readonly string[] {
  const open = pairs.flatMap(({ item, object }) => (object === undefined ? [item] : []));
  const unknown = open.filter(({ decision }) => decision === 'unverified');
  const waiting = open.filter(({ decision }) => decision === 'waiting' || decision === 'missing-namespace');
  const left = open.filter(({ decision }) => (isNamed ? !isFailure(decision) : isHeld(decision)));
  const local = pairs.flatMap(({ item, object }) => (object?.by === 'local' ? [item] : []));
  const rewritten = pairs.flatMap(({ item }) =>
    'rewritten' in item && item.rewritten ? [{ item, fields: item.rewritten }] : [],
  );
  const releases = pairs.flatMap(({ item, object }) =>
    object !== undefined && object.live === object.merged && item.decision !== 'in-sync' ? [item] : [],
  );
  return [
    ...(local.length === 0
      ? []
      : [`unverified, compared without the API server: ${local.map(({ asset }) => asset).join(', ')}`]),
    ...grouped(unknown, 'not compared'),
    ...grouped(waiting, 'not compared yet'),
    ...grouped(
      left.filter((item) => !unknown.includes(item) && !waiting.includes(item)),
      'left as it is',
    ),
    ...releases.map(({ asset, why }) => `${asset}: no value changes; ${why}`),
    ...rewritten.map(
      ({ item, fields }) =>
        `${item.asset}: the server rewrites ${fields.map(({ pointer }) => pointer).join(', ')}, whatever is sent: that is nobody's edit`,
    ),
  ];
}

/** One line a reason. */
function grouped(items: readonly PlanItem[], what: string): readonly string[] {
  const byReason = Object.groupBy(items, ({ decision, why }) =>
    decision === 'unverified' ? why : `${decision}: ${why}`,
  );
  return Object.entries(byReason).map(
    ([reason, of = []]) => `${what}: ${of.map(({ asset }) => asset).join(', ')} (${reason})`,
  );
}

/** Whether somebody keeps the autopilot from changing it. */
function isHeld(decision: PlanItem['decision']): boolean {
  return ['paused', 'unmanaged', 'override-invalid', 'excluded', 'kept'].includes(decision);
}

/** Whether what would change can't be told because something is wrong. */
function isFailure(decision: PlanItem['decision']): boolean {
  return ['rejected', 'unreadable', 'render-failed', 'condition-error', 'exclusions-invalid'].includes(decision);
}
