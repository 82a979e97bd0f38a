import { parseYaml, YamlError } from '../yaml/parse-yaml.ts';
import { clusterAnnotation, type Invalid } from './annotations.ts';
import { nearestName } from './nearest-name.ts';
import { groupOf, type ObjectRef } from './object-ref.ts';
import { type OverrideNote, readNote } from './override-note.ts';
import { rulesWrittenRight } from './written-right.ts';

/** One rule of `disabled-resources`: `*` and `?` match in name and namespace, the kind is exact. */
export type ExclusionRule = {
  readonly kind: string;
  readonly name: string;
  /** Absent: any namespace, and cluster-scoped objects. */
  readonly namespace?: string;
  /** Only its group counts. */
  readonly apiVersion?: string;
  /** Of whoever wrote it: changes nothing about what it covers. */
  readonly note?: OverrideNote;
};

/**
 * The rules of `disabled-resources`. Whatever can't be understood is a mistake: guessing could bring back what
 * somebody disabled. Only `reason` and `until` are taken as they come: a mistake there is in the rule's note.
 */
export function parseExclusions(value: string | undefined): readonly ExclusionRule[] | Invalid {
  const read = readRules(value);
  if (typeof read !== 'string') return read;
  const { disabledResources: annotation } = clusterAnnotation;
  const right =
    value === undefined || value.length > maxCharacters
      ? undefined
      : rulesWrittenRight(value, [...ruleKeys, ...noteKeys]);
  // Only what would be taken is suggested.
  return right === undefined || typeof readRules(right) === 'string'
    ? { annotation, message: `${read}; ${example}` }
    : { annotation, message: `${read}; written right it is ${right}`, right: { [annotation]: right } };
}

/** The rules, or what is wrong with them. */
function readRules(value = ''): readonly ExclusionRule[] | string {
  try {
    const parsed = parseYaml(value, { maxLength: maxCharacters });
    if (parsed === null) return isBlank(value) ? [] : 'it holds no list';
    if (!Array.isArray(parsed)) return "it isn't a list";
    if (parsed.length > maxRules) return `it has ${parsed.length} rules; at most ${maxRules} are taken`;
    const rules: ExclusionRule[] = [];
    for (const [index, rule] of parsed.entries()) {
      const problem = problemOf(rule);
      if (problem !== undefined) return `rule ${index + 1}: ${problem}`;
      const { reason, until, ...covers } = rule as ExclusionRule & { reason?: unknown; until?: unknown };
      const note = readNote({ reason, until });
      rules.push({ ...covers, ...(note !== undefined && { note }) });
    }
    return rules;
  } catch (error) {
    if (error instanceof YamlError) return `it isn't YAML that we read: ${error.message.split('\n', 1)[0]}`;
    throw error;
  }
}

/** Whether the rule covers the object. */
export function excludes(rule: ExclusionRule, ref: ObjectRef): boolean {
  return (
    rule.kind === ref.kind &&
    (rule.apiVersion === undefined || groupOf(rule.apiVersion) === groupOf(ref.apiVersion)) &&
    (rule.namespace === undefined || (ref.namespace !== undefined && matches(rule.namespace, ref.namespace))) &&
    matches(rule.name, ref.name)
  );
}

/** Whether both cover the same, whatever is noted beside them. */
export function isSameRule(a: ExclusionRule, b: ExclusionRule): boolean {
  return a.kind === b.kind && a.name === b.name && a.namespace === b.namespace && a.apiVersion === b.apiVersion;
}

/** As people write it, on one line, without its note. */
export function describeRule({ kind, name, namespace, apiVersion }: ExclusionRule): string {
  const more = Object.entries({ namespace, apiVersion }).flatMap(([key, value]) =>
    value === undefined ? [] : [`, ${key}: ${value}`],
  );
  return `{kind: ${kind}, name: ${name}${more.join('')}}`;
}

/** As it is written in the list; what can't be read of its note is left out. */
export function writtenRule({
  kind,
  name,
  namespace,
  apiVersion,
  note,
}: ExclusionRule): Readonly<Record<string, string>> {
  const { reason, until } = note ?? {};
  const keys = { kind, name, namespace, apiVersion, reason, until };
  return Object.fromEntries(Object.entries(keys).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Whether `*` (anything) and `?` (one character) in the pattern can stand for the text. Linear for each `*`. */
export function matches(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let starFrom = 0;
  while (from < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      starFrom = from;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[from])) {
      at++;
      from++;
    } else if (star !== -1) {
      // The last star takes one character more; earlier ones needn't be tried again.
      at = star + 1;
      from = ++starFrom;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

function problemOf(rule: unknown): string | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return 'it is not kind and name';
  for (const [key, value] of Object.entries(rule)) {
    if (noteKeys.includes(key)) continue;
    if (!ruleKeys.includes(key)) {
      const nearest = nearestName(key, [...ruleKeys, ...noteKeys]);
      return `the key ${JSON.stringify(key)} isn't known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    }
    if (typeof value !== 'string' || value === '')
      return `${key} must be a text, in quotes if it looks like something else`;
    if (value.length > maxTextLength) return `${key} is longer than ${maxTextLength} characters`;
  }
  const { kind, name, apiVersion } = rule as Record<string, string>;
  if (kind === undefined) return 'it has no kind';
  if (name === undefined) return 'it has no name (use "*" for all)';
  if (/[*?]/.test(kind)) return 'kind takes no wildcards';
  // A group alone would be taken for a version of the core group, and cover nothing.
  if (apiVersion !== undefined && !/^([a-z0-9.-]+\/)?v[a-z0-9]+$/.test(apiVersion))
    return `apiVersion is ${JSON.stringify(apiVersion)}; it is written as in "apps/v1"`;
  return undefined;
}

/** Nothing but comments. A line such as `%x` isn't a list either, though YAML takes it for a directive. */
function isBlank(text: string): boolean {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, '').trim());
  return lines.every((line) => ['', '---', '...', 'null', '~'].includes(line));
}

const ruleKeys = ['kind', 'name', 'namespace', 'apiVersion'];
const noteKeys = ['reason', 'until'];
export const maxRules = 200;
const maxTextLength = 512;
/** Of the whole annotation. */
export const maxCharacters = 64 * 1024;
const example = 'it must be a YAML list such as "- {kind: ConfigMap, name: my-*}"';
