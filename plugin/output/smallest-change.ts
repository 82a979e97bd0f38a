import { annotation, clusterAnnotation } from '../../shared/api/annotations.ts';
import { describeRule, type ExclusionRule, excludes } from '../../shared/api/exclusions.ts';
import { hyperConvergedKind } from '../../shared/api/names.ts';
import { formatObjectRef, type ObjectRef, versionOf } from '../../shared/api/object-ref.ts';
import type { ConditionSeen, DriftedField, PlanItem } from '../../shared/engine/plan-item.ts';
import type { DecidedPlan } from '../input/observed.ts';
import { activationCommand } from './activation-command.ts';
import { annotateCommand } from './annotate-command.ts';
import { canIgnore } from './can-ignore.ts';
import { pluginCommand } from './plugin-command.ts';
import { excludeWords } from './rule-words.ts';
import { shellWord } from './shell-word.ts';

/** The least that would have to change for another decision. */
export type Change = {
  readonly what: string;
  /** The exact command, where there is one. */
  readonly command?: string;
};

export type ChangeOptions = {
  /** As it reaches the cluster: `kubectl --context=prod`. */
  readonly kubectl: string;
  /** What brings the CRDs of its feature: operators' names. */
  readonly requires?: readonly string[];
  /** The folder of another catalog: our own commands need it to know the same names. */
  readonly catalog?: string | undefined;
};

/** The smallest change that would change the decision about an item. */
export function smallestChange(item: PlanItem, plan: DecidedPlan, options: ChangeOptions): Change {
  const { kubectl, catalog } = options;
  const { asset } = item;
  const own = (...words: string[]) =>
    pluginCommand([...words, ...(catalog === undefined ? [] : ['--catalog', catalog])], kubectl);

  switch (item.decision) {
    case 'inactive':
      return {
        what: 'activate the autopilot',
        command: activationCommand(plan.hyperConverged, kubectl),
      };
    case 'not-selected': {
      const names = plan.activation.state === 'selected' ? plan.activation.names : [];
      return {
        what: `name ${item.asset} among those that the autopilot is active for`,
        command: annotateCommand(
          hyperConvergedOf(plan),
          { [clusterAnnotation.autopilot]: [...names, asset].join(',') },
          kubectl,
        ),
      };
    }
    case 'condition-unmet':
      return metConditions(item, plan, { own, kubectl });
    case 'condition-error':
    case 'render-failed':
      return {
        what: 'this is a mistake in the catalog, or a value in the cluster that it does not expect: the step above says which; report it if the value is right',
      };
    case 'missing-crd':
      return {
        what: `install ${options.requires?.length ? options.requires.join(' and ') : 'the operator'}, which brings ${item.crds.join(', ')}; it is picked up by itself then. This shows whether it is there`,
        command: `${kubectl} get crd ${item.crds.map(shellWord).join(' ')}`,
      };
    case 'empty':
      return { what: 'nothing to change: its template has nothing to say about this cluster' };
    case 'exclusions-invalid':
      return {
        what: `put ${clusterAnnotation.disabledResources} right${item.right ? ', as it seems to be meant' : ''}: until then nothing is created or changed`,
        command: item.right
          ? annotateCommand(hyperConvergedOf(plan), item.right, kubectl)
          : editCommand(hyperConvergedOf(plan), kubectl),
      };
    case 'excluded':
      return withoutRule(item.rule, item, plan, own);
    case 'unreadable':
      return missingPermission(item.why) ?? { what: `make it readable: ${item.why}` };
    case 'paused': {
      const fields = item.pausedBy?.fields ?? [];
      const settle =
        fields.length === 0
          ? ''
          : `; first settle who is to own ${fields.join(', ')}, or it will be paused again (--ignore leaves ${fields.length === 1 ? 'it' : 'them'} to the other side)`;
      return { what: `resume it${settle}`, command: own('unpause', asset) };
    }
    case 'unmanaged':
      return {
        what: 'let the autopilot manage it again, which brings the baseline back',
        command: own('manage', asset),
      };
    case 'override-invalid':
      return correctedOverride(item, own, kubectl);
    case 'missing-namespace':
      return /being deleted/.test(item.why)
        ? { what: `wait until the namespace ${item.target.namespace} is gone, then create it again` }
        : {
            what: 'create the namespace, or install what brings it',
            command: `${kubectl} create namespace ${shellWord(item.target.namespace ?? '')}`,
          };
    case 'waiting':
      return {
        what: `it goes on by itself once ${item.for.join(', ')} ${item.for.length === 1 ? 'is' : 'are'} there; this says what keeps ${item.for.length === 1 ? 'it' : 'the first'}`,
        command: own('explain', item.for[0] ?? ''),
      };
    case 'in-sync':
      return withoutOverrides(item, own, kubectl);
    case 'create':
      return {
        what: 'the controller creates it; to keep it from that',
        command: own('exclude', asset),
      };
    case 'adopt':
    case 'update':
      return keepLiveValues(item, item.drift, own);
    case 'rejected':
      return item.overrides.some(({ type }) => type === 'patch')
        ? {
            what: "change the patch so that the server takes the result, or remove it; the server's own words are above",
            command: own('patch', asset, '--clear'),
          }
        : {
            what: "the server's own words are above: ask whoever runs the policy or webhook that they name; to leave the object as it is meanwhile",
            command: own('exclude', asset),
          };
    case 'unverified':
      return missingPermission(item.why) ?? { what: `find out what is missing: ${item.why}` };
    case 'delete':
      return {
        what: 'the controller deletes it; to keep it',
        command: own('unmanage', asset),
      };
    case 'kept':
      return keptReason(item, plan, own, kubectl);
    case 'not-ours':
      return {
        what: 'nothing has to change: it is not ours, and is left alone; delete it yourself if nobody needs it',
      };
    case 'gone':
      return { what: 'nothing has to change: it is gone' };
    default:
      return item satisfies never;
  }
}

function hyperConvergedOf({ hyperConverged: { apiVersion, namespace, name } }: DecidedPlan): ObjectRef {
  return { apiVersion, kind: hyperConvergedKind, namespace, name };
}

/** A command of ours on this cluster. */
type Own = (...words: string[]) => string;

/** One command for all features that are to be enabled; whatever else is unmet is said. */
function metConditions(item: PlanItem, plan: DecidedPlan, { own, kubectl }: { own: Own; kubectl: string }): Change {
  const unmet = (item.conditions ?? []).filter(({ result }) => result === 'unmet');
  if (unmet.length === 0) return { what: `${item.why}: nothing but another catalog changes that` };
  const optIns = unmet.map(optInsOf);
  const others = unmet.filter((_, index) => optIns[index]?.length === 0);
  const rest = others.map(describeUnmet).join('; ');
  const chosen = optIns.flatMap(([first]) => first ?? []);
  if (chosen.length > 0) {
    const named = optIns.filter((names) => names.length > 0).map((names) => names.join(' or '));
    return {
      what: `enable ${named.join(', ')}${rest === '' ? '' : `; that alone is not enough: ${rest}`}`,
      command: own('enable', ...chosen),
    };
  }
  const [field] = others.flatMap(({ expression }) => /^!configured\('spec\.([\w.-]+)'\)$/.exec(expression)?.[1] ?? []);
  const { apiVersion, namespace, name } = plan.hyperConverged;
  if (others.length === 1 && field !== undefined && versionOf(apiVersion) === 'v1') {
    const patch = JSON.stringify([{ op: 'remove', path: `/spec/${field.replaceAll('.', '/')}` }]);
    return {
      what: `remove spec.${field} from HyperConverged`,
      command: `${kubectl} patch hyperconverged ${shellWord(name)} -n ${shellWord(namespace)} --type=json -p ${shellWord(patch)}`,
    };
  }
  return { what: rest };
}

/** The opt-ins of which any one meets the condition; none where it is about more than opt-ins. */
function optInsOf({ expression }: ConditionSeen): readonly string[] {
  const names = expression.split(' || ').map((part) => /^enabled\('([^']+)'\)$/.exec(part)?.[1]);
  return names.every((name) => name !== undefined) ? names : [];
}

function describeUnmet({ expression, saw }: ConditionSeen): string {
  const paths = Object.keys(saw);
  const isHowItIs = paths.length > 0 && paths.every((path) => /^(?:hardware|topology)\./.test(path));
  return `${expression} has to hold${isHowItIs ? ', which is how this cluster is made' : ''}`;
}

/** Without the rule; and what else it covers, since that is affected too. */
function withoutRule(rule: ExclusionRule, item: PlanItem, plan: DecidedPlan, own: Own): Change {
  const others = plan.items.filter((other) => other !== item && excludes(rule, other.target));
  return {
    what: `drop the rule ${describeRule(rule)}${others.length === 0 ? '' : `, which also covers ${others.map(({ asset }) => asset).join(', ')}`}`,
    command: own('exclude', ...excludeWords(rule), '--remove'),
  };
}

/** What was written in another format, written right; otherwise it can only be taken away. */
function correctedOverride({ asset, target, overrides }: PlanItem, own: Own, kubectl: string): Change {
  const invalid = overrides.filter((override) => override.type === 'invalid');
  const right = invalid.every((override) => override.right !== undefined);
  if (right && invalid.length > 0) {
    const annotations = Object.assign({}, ...invalid.map((override) => override.right));
    return { what: 'write it right, as it seems to be meant', command: annotateCommand(target, annotations, kubectl) };
  }
  const keys = [...new Set(invalid.map(({ annotation: key }) => key))];
  const away: Partial<Record<string, string>> = {
    [annotation.patch]: own('patch', asset, '--clear'),
    [annotation.mode]: own('manage', asset),
  };
  const commands = keys.flatMap((key) => away[key] ?? []);
  return {
    what: 'put it right as the step above says, or take it away, which brings the baseline back',
    command:
      commands.length === keys.length
        ? commands.join(' && ')
        : annotateCommand(target, Object.fromEntries(keys.map((key) => [key, null])), kubectl),
  };
}

/** Without what is deviated from there; hands off where nothing is. */
function withoutOverrides({ asset, target, overrides }: PlanItem, own: Own, kubectl: string): Change {
  const commands = overrides.flatMap((override) => {
    if (override.type === 'patch') return [own('patch', asset, '--clear')];
    return override.type === 'ignore' ? [own('ignore', asset, ...override.pointers, '--remove')] : [];
  });
  if (commands.length > 0) {
    return {
      what: 'nothing has to change; without its overrides it would go back to the baseline',
      command: commands.join(' && '),
    };
  }
  const notes = overrides.flatMap((override) => (override.type === 'invalid' ? [[override.annotation, null]] : []));
  return notes.length > 0
    ? {
        what: 'nothing has to change; to take away the note that is about nothing, or that nobody can read',
        command: annotateCommand(target, Object.fromEntries(notes), kubectl),
      }
    : {
        what: 'nothing has to change; to have the autopilot keep its hands off',
        command: own('unmanage', asset),
      };
}

/** Ignoring the fields that differ, where they may be ignored; otherwise only hands off altogether. */
function keepLiveValues({ asset, desired, why }: PlanItem, drift: readonly DriftedField[], own: Own): Change {
  const what = 'the controller puts it right';
  const pointers = [...new Set(drift.map(({ pointer }) => pointer))];
  if (pointers.length === 0) return { what: `${what}: ${why}` };
  return desired === undefined || pointers.length > mostIgnored || !canIgnore(pointers, desired)
    ? { what: `${what}; to keep it as it is instead, hands off altogether`, command: own('unmanage', asset) }
    : {
        what: `${what}; to keep the live ${pointers.length === 1 ? 'value' : 'values'} instead`,
        command: own('ignore', asset, ...pointers),
      };
}

const mostIgnored = 10;

function keptReason(item: PlanItem, plan: DecidedPlan, own: Own, kubectl: string): Change {
  switch (item.steps.at(-1)?.step) {
    case 'pause':
      return { what: 'let the autopilot delete it: remove the pause', command: own('unpause', item.asset) };
    case 'mode':
      return { what: 'let the autopilot delete it: remove its mode', command: own('manage', item.asset) };
    case 'annotations':
      return {
        what: `let the autopilot delete it: put its annotations right (${item.why})`,
        command: editCommand(item.target, kubectl),
      };
    default: {
      const rule = plan.exclusions?.find((candidate) => excludes(candidate, item.target));
      return rule === undefined
        ? {
            what: `put ${clusterAnnotation.disabledResources} on HyperConverged right`,
            command: editCommand(hyperConvergedOf(plan), kubectl),
          }
        : withoutRule(rule, item, plan, own);
    }
  }
}

/** What gives a permission that a message says is missing, and its check. */
function missingPermission(why: string): Change | undefined {
  const [, verb = '', command] =
    /\bno permission to (\w+)\b.*?: (kubectl (?:.*? )?auth can-i [\w ./=-]+)/.exec(why) ?? [];
  if (command === undefined) return undefined;
  const what = ['get', 'list', 'watch'].includes(verb)
    ? 'have the ClusterRole virt-platform-viewer bound to you, which gives all that looking takes'
    : `have somebody look who may ${verb} it, since the server's dry run takes that permission`;
  return { what: `${what}; this says whether you may`, command: command.trim() };
}

function editCommand({ namespace, ...ref }: ObjectRef, kubectl: string): string {
  const object = formatObjectRef({ kind: ref.kind.toLowerCase(), name: ref.name });
  return `${kubectl} edit ${shellWord(object)}${namespace === undefined ? '' : ` -n ${shellWord(namespace)}`}`;
}
