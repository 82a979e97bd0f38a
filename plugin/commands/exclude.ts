import { clusterAnnotation, isInvalid } from '../../shared/api/annotations.ts';
import {
  describeRule,
  type ExclusionRule,
  excludes,
  isSameRule,
  maxCharacters,
  maxRules,
  parseExclusions,
  writtenRule,
} from '../../shared/api/exclusions.ts';
import { isOver } from '../../shared/api/override-note.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { questionKey } from '../../shared/engine/snapshot.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { Environment } from '../environment.ts';
import { catalogOption } from '../input/catalog.ts';
import { namespaceOf } from '../input/namespace-of.ts';
import { type Observed, observed } from '../input/observed.ts';
import { selectOne } from '../input/select-items.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { messagesTo } from '../output/messages.ts';
import { nameOptions } from '../output/name-options.ts';
import { pluginCommand } from '../output/plugin-command.ts';
import { excludeWords } from '../output/rule-words.ts';
import { formatTable } from '../output/table.ts';
import { UserError } from '../user-error.ts';
import { changeAnnotations, existing, hyperConvergedRef } from '../writing/change-annotations.ts';
import { coverageLines, coveredBy, ruleHint } from '../writing/coverage.ts';
import { addExclusion, noteExclusion, removeExclusion } from '../writing/edit-exclusions.ts';
import { refuseNote, type WantedNote, wantedNote } from '../writing/note-change.ts';
import { noteOptions, writeOptions } from '../writing/write-options.ts';

const key = clusterAnnotation.disabledResources;

export const exclude: Command = {
  usage: 'exclude ASSET|KIND/NAME|KIND NAME | --kind KIND --name PATTERN [--namespace PATTERN] [flags]',
  words: [{ of: 'item' }],
  description: `Leaves objects out of the baseline: adds a rule to ${key} on HyperConverged.
What it covers is neither created nor changed nor deleted, and stays as it is where it is there already. In patterns, *
stands for anything and ? for one character. Comments and order of the rules that are there stay.`,
  examples: [
    { text: 'Leave one object out', words: 'exclude swap-enable' },
    { text: 'All that a pattern covers', words: `exclude --kind ConfigMap --name 'grafana-*'` },
    { text: 'Say why, and be reminded of it', words: `exclude swap-enable --reason 'nodes without swap' --until 30d` },
    { text: 'Which rules are there?', words: 'exclude --list' },
    { text: 'Take it in again', words: 'exclude swap-enable --remove' },
  ],
  connects: true,
  options: [
    {
      name: 'kind',
      type: 'text',
      placeholder: 'KIND',
      of: 'kind',
      description: 'The kind that a rule is about, exactly; with --name, and where it is to count --namespace',
    },
    { name: 'name', type: 'text', placeholder: 'PATTERN', of: 'name', description: 'The names that a rule covers' },
    { name: 'remove', type: 'switch', description: 'Takes the rule away instead' },
    { name: 'list', type: 'switch', description: 'Only lists the rules, and what each covers' },
    ...noteOptions,
    ...writeOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    for (const option of ['remove', 'list']) if (args.isOn(option)) refuseNote(args, option);
    if (args.isOn('list')) return await list(args, environment);
    const note = wantedNote(args, environment.now());
    return await changeAnnotations(args, environment, async (seen) => {
      const { items } = seen.plan;
      const target = hyperConvergedRef(seen);
      const live = await existing(seen, target, 'create it first');
      const text = live.metadata.annotations?.[key];
      const rules = rulesIn(text);
      const rule = ruleOf(args, items);
      const wish = (next: string | undefined) => {
        if (next !== undefined) return [{ target, live, annotations: { [key]: next === '' ? null : next } }];
        throw new UserError(
          `${key} ${args.isOn('remove') ? losesComments : whyNot(text ?? '', rules, rule)}: ${seen.kubectl} edit ${nameOptions(target)}`,
        );
      };
      const covered = coveredBy(rule, items);
      const named = rules.filter((other) => isNamed(other, rule));
      // Of several groups with the same kind and name, the words of a pattern can't say which is to be removed.
      const known =
        named.find((other) => covered.every(({ target }) => excludes(other, target))) ??
        (args.isOn('remove') && args.words.length === 0 ? named[0] : undefined);
      // What one object is covered by besides: a rule for it alone changes nothing then.
      const wider = rules.filter(
        (other) =>
          (known === undefined || !isSameRule(other, known)) && covered.some((item) => excludes(other, item.target)),
      );
      if (args.isOn('remove')) {
        if (known === undefined && wider.length > 0) {
          throw new UserError(
            `there is no rule ${describeRule(rule)}, but ${wider.map(describeRule).join(' and ')} covers it: remove that with ${pluginCommand(['exclude', ...excludeWords(wider[0] ?? rule), '--remove'], seen.kubectl)}`,
          );
        }
        return {
          changes: known === undefined || text === undefined ? [] : wish(removeExclusion(text, known)),
          already: `there is no rule ${describeRule(rule)}`,
          afterwards: () =>
            wider.map(
              (other) => `Still excluded by the rule ${describeRule(other)}: ${namesOf(coveredBy(other, items))}`,
            ),
        };
      }

      if (known !== undefined && text !== undefined) {
        const noted = withNote(known, note);
        const isNews = JSON.stringify(writtenRule(noted)) !== JSON.stringify(writtenRule(known));
        return {
          changes: isNews ? wish(noteExclusion(text, noted)) : [],
          already: `the rule ${describeRule(rule)} is there`,
        };
      }
      if (args.words.length > 0 && wider.length > 0) {
        return { changes: [], already: `the rule ${wider.map(describeRule).join(' and ')} covers it` };
      }
      if (covered.length === 0) {
        seen.messages.warn(`the rule ${describeRule(rule)} matches nothing in the catalog${ruleHint(rule, items)}`);
      }
      return {
        changes: wish(addExclusion(text, withNote(rule, note))),
        already: `the rule ${describeRule(rule)} is there`,
        about: [...coverageLines(rule, seen), ''],
      };
    });
  },
};

async function list(args: Arguments, environment: Environment): Promise<number> {
  const { stdout, stderr, variables, now } = environment;
  if (args.words.length > 0 || ['remove', 'kind', 'name', 'output'].some((option) => args.given(option)))
    throw new UserError('--list prints a table of all rules, and takes nothing else');
  const messages = messagesTo(stderr);
  const seen = await observed(args, environment, messages);
  const rules = rulesIn(hyperConvergedIn(seen)?.metadata.annotations?.[key]);
  for (const warning of seen.plan.warnings) messages.warn(warning);
  if (rules.length === 0) {
    messages.note('nothing is excluded');
    return 0;
  }
  const columns = [
    { header: 'KIND', cell: ({ kind }: ExclusionRule) => kind },
    { header: 'NAME', cell: ({ name }: ExclusionRule) => name },
    { header: 'NAMESPACE', cell: ({ namespace = '' }: ExclusionRule) => namespace },
    { header: 'COVERS', cell: (rule: ExclusionRule) => namesOf(coveredBy(rule, seen.plan.items)) },
    {
      header: 'UNTIL',
      cell: ({ note: { until = '' } = {} }: ExclusionRule) =>
        isOver(until, now().getTime()) ? `${until} (over)` : until,
    },
    { header: 'REASON', cell: ({ note: { reason = '' } = {} }: ExclusionRule) => reason },
  ];
  const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
  stdout.write(formatTable(rules, columns, { paint }));
  return 0;
}

/** @throws UserError with the place of the mistake where the list can't be read: nothing can be added to it then. */
function rulesIn(text: string | undefined): readonly ExclusionRule[] {
  const rules = parseExclusions(text);
  if (!isInvalid(rules)) return rules;
  throw new UserError(
    `${key} on HyperConverged has to be put right first, and nothing is kept in sync until then: ${rules.message}`,
  );
}

function hyperConvergedIn({ plan: { hyperConverged }, snapshot }: Observed) {
  const { apiVersion, namespace, name } = hyperConverged;
  const lists = [undefined, namespace].map((scope) =>
    snapshot.reads.get(
      questionKey({
        ask: 'list',
        apiVersion,
        kind: 'HyperConverged',
        ...(scope !== undefined && { namespace: scope }),
      }),
    ),
  );
  return lists
    .flatMap((answer) => (answer?.answer === 'list' ? answer.items : []))
    .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
}

function ruleOf(args: Arguments, items: readonly PlanItem[]): ExclusionRule {
  const kind = args.text('kind');
  const name = args.text('name');
  if (args.words.length > 0) {
    if (kind !== undefined || name !== undefined) throw new UserError('say either which object, or --kind and --name');
    const { target } = selectOne(items, args.words, { namespace: namespaceOf(args) });
    return {
      kind: target.kind,
      name: target.name,
      ...(target.namespace !== undefined && { namespace: target.namespace }),
    };
  }
  if (kind === undefined || name === undefined) {
    throw new UserError('say what to exclude: an asset, KIND/NAME, or --kind and --name ("*" for all)');
  }
  // A pattern here: an empty one is a mistake, not any namespace.
  const namespace = args.text('namespace');
  const rule = { kind, name, ...(namespace !== undefined && { namespace }) };
  const invalid = parseExclusions(JSON.stringify([rule]));
  if (isInvalid(invalid)) throw new UserError(`that is no rule: ${invalid.message}`);
  return rule;
}

/** Why there can't be another rule, or one with another note, and what to do. */
function whyNot(text: string, rules: readonly ExclusionRule[], rule: ExclusionRule): string {
  if (rules.length >= maxRules && !rules.some((other) => isNamed(other, rule))) {
    return `has ${rules.length} rules, and no more are taken: put one with a pattern in place of several`;
  }
  if (text.length + JSON.stringify(writtenRule(rule)).length > maxCharacters) {
    return `would be longer than ${maxCharacters} characters: shorten it`;
  }
  return losesComments;
}

const losesComments = "can't be changed without losing its comments: edit it by hand";

/** Whether the words name this rule; of the group, which they don't say, there may be anything. */
function isNamed({ kind, name, namespace }: ExclusionRule, wanted: ExclusionRule): boolean {
  return kind === wanted.kind && name === wanted.name && namespace === wanted.namespace;
}

function withNote({ note, ...rule }: ExclusionRule, wanted: WantedNote): ExclusionRule {
  const { reason, until } = { ...note, ...wanted };
  const next = { ...(typeof reason === 'string' && { reason }), ...(typeof until === 'string' && { until }) };
  return { ...rule, ...(Object.keys(next).length > 0 && { note: next }) };
}

function namesOf(items: readonly PlanItem[]): string {
  return items.map(({ asset }) => asset).join(', ');
}
