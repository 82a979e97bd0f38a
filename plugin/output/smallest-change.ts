import { annotation, clusterAnnotation } from '../../shared/api/annotations.ts';
import { describeRule, type ExclusionRule, excludes } from '../../shared/api/exclusions.ts';
import { PointerError, parsePointer } from '../../shared/api/json-pointer.ts';
import { hyperConvergedKind } from '../../shared/api/names.ts';
import { formatObjectRef, type ObjectRef, versionOf } from '../../shared/api/object-ref.ts';
import { type NotedKey, noteKeys } from '../../shared/api/override-note.ts';
import { forbiddenPointer } from '../../shared/engine/ignored-fields.ts';
import type { ConditionSeen, DriftedField, Noted, Override, PlanItem } from '../../shared/engine/plan-item.ts';
import type { DecidedPlan } from '../input/observed.ts';
import { annotateCommand } from './annotate-command.ts';
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
};

/** The smallest change that would change the decision about an item. */
export function smallestChange(item: PlanItem, plan: DecidedPlan, options: ChangeOptions): Change {
  const { kubectl } = options;
  const annotate = (annotations: Readonly<Record<string, string | null>>) =>
    annotateCommand(item.target, annotations, kubectl);
  const onHyperConverged = (annotations: Readonly<Record<string, string | null>>) =>
    annotateCommand(hyperConvergedOf(plan), annotations, kubectl);

  switch (item.decision) {
    case 'inactive':
      return {
        what: 'activate the autopilot',
        command: onHyperConverged({ [clusterAnnotation.autopilot]: 'true' }),
      };
    case 'not-selected': {
      const names = plan.activation.state === 'selected' ? plan.activation.names : [];
      return {
        what: `name ${item.asset} among those that the autopilot is active for`,
        command: onHyperConverged({ [clusterAnnotation.autopilot]: [...names, item.asset].join(',') }),
      };
    }
    case 'condition-unmet':
      return metConditions(item, plan, onHyperConverged, kubectl);
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
        what: `put ${clusterAnnotation.disabledResources} right: until then nothing is created or changed`,
        command: editCommand(hyperConvergedOf(plan), kubectl),
      };
    case 'excluded':
      return withoutRule(item.rule, item, plan, kubectl);
    case 'unreadable':
      return { what: `make it readable: ${item.why}`, ...permissionCheck(item.why, kubectl) };
    case 'paused': {
      const fields = item.pausedBy?.fields ?? [];
      const settle =
        fields.length === 0
          ? ''
          : `; first settle who is to own ${fields.join(', ')}, or it will be paused again (${annotation.ignoreFields} leaves a field to others)`;
      return {
        what: `resume it${settle}`,
        command: annotate({ [annotation.reconcilePaused]: null, [annotation.pausedBy]: null }),
      };
    }
    case 'unmanaged':
      return {
        what: 'let the autopilot manage it again, which brings the baseline back',
        command: annotate({
          [annotation.mode]: null,
          ...Object.fromEntries(
            item.overrides.flatMap((override) =>
              override.type === 'unmanaged' ? notesBeside(annotation.mode, override).map((key) => [key, null]) : [],
            ),
          ),
        }),
      };
    case 'override-invalid':
      return correctedOverride(item.overrides, annotate);
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
        command: pluginCommand(['explain', item.for[0] ?? ''], kubectl),
      };
    case 'in-sync':
      return item.overrides.length > 0
        ? {
            what: 'nothing has to change; without its overrides it would go back to the baseline',
            command: annotate(Object.fromEntries(annotationsOf(item.overrides).map((key) => [key, null]))),
          }
        : {
            what: 'nothing has to change; to have the autopilot keep its hands off',
            command: annotate({ [annotation.mode]: 'unmanaged' }),
          };
    case 'create':
      return {
        what: 'the controller creates it; to keep it from that',
        command: pluginCommand(['exclude', item.asset], kubectl),
      };
    case 'adopt':
    case 'update':
      return keepLiveValues(item, item.drift, annotate);
    case 'rejected':
      return item.overrides.some(({ type }) => type === 'patch')
        ? {
            what: "change the patch so that the server takes the result, or remove it; the server's own words are above",
            command: annotate({ [annotation.patch]: null }),
          }
        : {
            what: "the server's own words are above: ask whoever runs the policy or webhook that they name; to leave the object as it is meanwhile",
            command: pluginCommand(['exclude', item.asset], kubectl),
          };
    case 'unverified':
      return { what: `find out what is missing: ${item.why}`, ...permissionCheck(item.why, kubectl) };
    case 'delete':
      return {
        what: 'the controller deletes it; to keep it',
        command: annotate({ [annotation.mode]: 'unmanaged' }),
      };
    case 'kept':
      return keptReason(item, plan, annotate, kubectl);
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

type Annotate = (annotations: Readonly<Record<string, string | null>>) => string;

/** One command for all features that are to be enabled; whatever else is unmet is said. */
function metConditions(item: PlanItem, plan: DecidedPlan, onHyperConverged: Annotate, kubectl: string): Change {
  const unmet = (item.conditions ?? []).filter(({ result }) => result === 'unmet');
  if (unmet.length === 0) return { what: `${item.why}: nothing but another catalog changes that` };
  const features = unmet.flatMap(({ expression }) => /^enabled\('([^']+)'\)$/.exec(expression)?.[1] ?? []);
  const others = unmet.filter(({ expression }) => !/^enabled\('[^']+'\)$/.test(expression));
  const [field] = others.flatMap(({ expression }) => /^!configured\('spec\.([\w.-]+)'\)$/.exec(expression)?.[1] ?? []);
  const rest = others.map(describeUnmet).join('; ');
  if (features.length > 0) {
    return {
      what: `enable ${features.join(', ')}${rest === '' ? '' : `; that alone is not enough: ${rest}`}`,
      command: onHyperConverged(
        Object.fromEntries(features.map((name) => [`${clusterAnnotation.enablePrefix}${name}`, 'true'])),
      ),
    };
  }
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

function describeUnmet({ expression, saw }: ConditionSeen): string {
  const paths = Object.keys(saw);
  const isHowItIs = paths.length > 0 && paths.every((path) => /^(?:hardware|topology)\./.test(path));
  return `${expression} has to hold${isHowItIs ? ', which is how this cluster is made' : ''}`;
}

/** Without the rule; and what else it covers, since that is affected too. */
function withoutRule(rule: ExclusionRule, item: PlanItem, plan: DecidedPlan, kubectl: string): Change {
  const others = plan.items.filter((other) => other !== item && excludes(rule, other.target));
  return {
    what: `drop the rule ${describeRule(rule)}${others.length === 0 ? '' : `, which also covers ${others.map(({ asset }) => asset).join(', ')}`}`,
    command: pluginCommand(['exclude', ...excludeWords(rule), '--remove'], kubectl),
  };
}

/** What was written in another format, written right; otherwise it can only be taken away. */
function correctedOverride(overrides: readonly Override[], annotate: Annotate): Change {
  const invalid = overrides.filter((override) => override.type === 'invalid');
  const right = invalid.every((override) => override.right !== undefined);
  if (right && invalid.length > 0) {
    return {
      what: 'write it right, as it seems to be meant',
      command: annotate(Object.assign({}, ...invalid.map((override) => override.right))),
    };
  }
  return {
    what: 'put it right as the step above says, or take it away, which brings the baseline back',
    command: annotate(Object.fromEntries(invalid.map(({ annotation: key }) => [key, null]))),
  };
}

/** Ignoring the fields that differ, where they may be ignored; otherwise only hands off altogether. */
function keepLiveValues(item: PlanItem, drift: readonly DriftedField[], annotate: Annotate): Change {
  const what = 'the controller puts it right';
  const already = item.overrides.flatMap((override) => (override.type === 'ignore' ? override.pointers : []));
  const pointers = [...new Set([...already, ...drift.map(({ pointer }) => pointer)])];
  const { desired } = item;
  if (drift.length === 0) return { what: `${what}: ${item.why}` };
  if (desired === undefined || pointers.length > mostIgnored || !canIgnore(pointers, desired)) {
    return {
      what: `${what}; to keep it as it is instead, hands off altogether`,
      command: annotate({ [annotation.mode]: 'unmanaged' }),
    };
  }
  return {
    what: `${what}; to keep the live ${drift.length === 1 ? 'value' : 'values'} instead`,
    command: annotate({ [annotation.ignoreFields]: pointers.join(',') }),
  };
}

const mostIgnored = 10;

function canIgnore(pointers: readonly string[], desired: NonNullable<PlanItem['desired']>): boolean {
  try {
    return (
      !pointers.some((pointer) => pointer.includes(',')) &&
      forbiddenPointer(pointers.map(parsePointer), desired) === undefined
    );
  } catch (error) {
    if (error instanceof PointerError) return false;
    throw error;
  }
}

function annotationsOf(overrides: readonly Override[]): readonly string[] {
  return [
    ...new Set(
      overrides.flatMap((override) => {
        switch (override.type) {
          case 'patch':
            return [annotation.patch, ...notesBeside(annotation.patch, override)];
          case 'ignore':
            return [annotation.ignoreFields, ...notesBeside(annotation.ignoreFields, override)];
          case 'unmanaged':
            return override.how === 'mode'
              ? [annotation.mode, ...notesBeside(annotation.mode, override)]
              : [annotation.ignoreFields];
          case 'paused':
            return [annotation.reconcilePaused, annotation.pausedBy];
          case 'invalid':
            return [override.annotation];
          case 'excluded':
            return [];
          default:
            return override satisfies never;
        }
      }),
    ),
  ];
}

/** The notes of an override go with it. */
function notesBeside(key: NotedKey, { reason, until }: Noted): readonly string[] {
  return [
    ...(reason === undefined ? [] : [noteKeys[key].reason]),
    ...(until === undefined ? [] : [noteKeys[key].until]),
  ];
}

function keptReason(item: PlanItem, plan: DecidedPlan, annotate: Annotate, kubectl: string): Change {
  const step = item.steps.at(-1)?.step;
  if (step === 'pause') {
    return {
      what: 'let the autopilot delete it: remove the pause',
      command: annotate({ [annotation.reconcilePaused]: null, [annotation.pausedBy]: null }),
    };
  }
  if (step === 'mode') {
    return { what: 'let the autopilot delete it: remove its mode', command: annotate({ [annotation.mode]: null }) };
  }
  const rule = plan.exclusions?.find((candidate) => excludes(candidate, item.target));
  return rule === undefined
    ? { what: `put ${clusterAnnotation.disabledResources} on HyperConverged right` }
    : withoutRule(rule, item, plan, kubectl);
}

/** The check that a message about a missing permission names, on this very cluster. */
function permissionCheck(why: string, kubectl: string): Pick<Change, 'command'> {
  const [, check] = /\bkubectl (auth can-i [\w ./=-]+)/.exec(why) ?? [];
  return check === undefined ? {} : { command: `${kubectl} ${check.trim()}` };
}

function editCommand({ namespace, ...ref }: ObjectRef, kubectl: string): string {
  const object = formatObjectRef({ kind: ref.kind.toLowerCase(), name: ref.name });
  return `${kubectl} edit ${shellWord(object)}${namespace === undefined ? '' : ` -n ${shellWord(namespace)}`}`;
}
